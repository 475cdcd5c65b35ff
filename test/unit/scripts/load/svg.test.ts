import fc from "fast-check";
import { renderPlot } from "../../../../scripts/lib/load/svg";
import { logScale, panel, wholeDecades } from "../../../../scripts/lib/load/svg-panel";
import { stageResult } from "../../../support/load/stage-result";

const stages = [5, 50, 350].map((devices) => stageResult({ devices }));

test("four panels with titles, both axes named, a line and marks for each series", () => {
  const svg = renderPlot(stages, "the lab");
  const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
  const titles = ["until PUBACK", "until in Kafka", "until read by a consumer", "throughput"];
  expect(texts).toEqual(expect.arrayContaining(["the lab", ...titles, "ms since due"]));
  expect(texts.filter((text) => text === "devices, 1 message a second each")).toHaveLength(4);
  for (const name of ["p50", "p95", "p99", "max"]) {
    expect(texts.filter((text) => text === name)).toHaveLength(3);
  }
  for (const devices of ["5", "50", "350"]) {
    expect(texts.filter((text) => text === devices).length).toBeGreaterThanOrEqual(4);
  }
  // Four shapes, so that lines are known without their colours: in each legend, and at each point.
  expect(svg.match(/<circle class="m0"/g)).toHaveLength(4 * (1 + stages.length));
  expect(svg.match(/<path class="m3"/g)).toHaveLength(3 * (1 + stages.length));
  expect(svg).toContain("prefers-color-scheme:dark");
});

test("nothing is drawn from elsewhere, and no number is none", () => {
  for (const some of [[], stages.slice(0, 1), [...stages, ...stages]]) {
    const svg = renderPlot(some, "x");
    expect(svg).not.toMatch(/NaN|Infinity|undefined|href|url\(/);
    expect(svg.match(/<g /g)).toHaveLength(4);
  }
});

test("a title is text, whatever it holds", () => {
  const svg = renderPlot(stages, 'a<b & "c"</text>');
  expect(svg).toContain("a&lt;b &amp; &quot;c&quot;&lt;/text&gt;");
});

test("stages of different rates are named by both", () => {
  const mixed = [stageResult(), stageResult({ ratePerSecond: 4 })];
  const svg = renderPlot(mixed, "x");
  expect(svg).toContain(">5×4<");
  expect(svg).toContain(">devices × messages a second of each<");
});

test("a stage that the generator limited is marked, and the mark is told", () => {
  const { generator } = stageResult();
  const limited = stageResult({ devices: 5_000, generator: { ...generator, limited: true } });
  const svg = renderPlot([...stages, limited], "x");
  expect(svg.match(/>\*5,000</g)).toHaveLength(4);
  expect(svg).not.toMatch(/>\*350</);
  expect(svg).toMatch(/disconnects; \* limited by the generator</);
  expect(renderPlot(stages, "x")).not.toContain("*");
});

test("a hop without values has an empty line, and labels that would touch are left out", () => {
  const texts = (xs: number[]): string[] => {
    const svg = panel({
      width: 440,
      height: 270,
      title: "t",
      xLabel: "x",
      yLabel: "y",
      xs,
      xLabels: xs.map((x) => `at ${x}`),
      series: [{ name: "s", values: xs.map(() => undefined) }],
    });
    expect(svg).not.toContain("NaN");
    return [...svg.matchAll(/>(at [^<]*)</g)].map(([, text]) => text!);
  };
  expect(texts([1, 10, 100]).sort()).toEqual(["at 1", "at 10", "at 100"]);
  // The greatest stays: it is the limit that a load came to.
  expect(texts([1, 99, 100]).sort()).toEqual(["at 1", "at 100"]);
});

test("the axis holds all values, from power of ten to power of ten", () => {
  const positive = fc.double({ min: 0.1, max: 1e7, noNaN: true });
  fc.assert(
    fc.property(fc.array(positive, { minLength: 1 }), (values) => {
      const [low, high] = wholeDecades(values);
      expect(high).toBeGreaterThan(low);
      for (const end of [low, high]) {
        expect(Math.log10(end)).toBeCloseTo(Math.round(Math.log10(end)), 9);
      }
      const scale = logScale([low, high], [200, 40]);
      for (const value of values) {
        expect(scale(value)).toBeLessThanOrEqual(200);
        expect(scale(value)).toBeGreaterThanOrEqual(40);
      }
    }),
  );
});
