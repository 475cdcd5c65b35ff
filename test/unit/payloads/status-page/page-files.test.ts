import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { pageFiles } from "../../../../payloads/status-page/page-files";

const FOLDER = join(__dirname, "../../../../payloads/status-page/page");
const texts = [...pageFiles].map(([path, { text }]) => [path, text] as const);
const scripts = texts.filter(([path]) => path.endsWith(".js"));

test("all files of the page are served, as they are", () => {
  const served = [...pageFiles.values()].map(({ text }) => text).sort();
  const there = readdirSync(FOLDER).map((file) => readFileSync(join(FOLDER, file), "utf8"));
  expect(served).toEqual(there.sort());
});

test.each(texts)("%s refers to nothing outside", (_path, text) => {
  const addresses = [...text.matchAll(/\b(?:https?:)?\/\/[\w.-]+\.\w+[^\s"')]*/g)].map(
    ([one]) => one,
  );
  // The name of SVG, which nobody fetches.
  expect(addresses.filter((one) => one !== "http://www.w3.org/2000/svg")).toEqual([]);
  expect(text).not.toMatch(/@import|url\(\s*["']?(?!#)/);
});

test.each(scripts)("%s makes no markup of text", (_path, text) => {
  expect(text).not.toMatch(
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment|srcdoc|\beval\b|new Function|setHTML|\bstyle:/,
  );
});

test("the document has no script, style or handler of its own", () => {
  const html = pageFiles.get("/")?.text ?? "";
  expect(html).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)/i);
  for (const [, path = ""] of html.matchAll(/(?:src|href)="(\/[^"]*)"/g)) {
    expect([path, pageFiles.has(path)]).toEqual([path, true]);
  }
});

test("each module that is imported is served", () => {
  for (const [, text] of scripts) {
    for (const [, file = ""] of text.matchAll(/from "\.\/([^"]+)"/g)) {
      expect([file, pageFiles.has(`/${file}`)]).toEqual([file, true]);
    }
  }
});

describe("contrast (WCAG 2.2, 1.4.3 and 1.4.11)", () => {
  const css = pageFiles.get("/page.css")?.text ?? "";
  const [light = {}, ownDark = {}] = [
    ...css.matchAll(/:root(?:\[data-theme="dark"\])? \{([^}]*)\}/g),
  ].map(([, text = ""]) => coloursIn(text));
  const dark = { ...light, ...ownDark };
  /** Text on ground. */
  const pairs = [
    ["ink", "ground"],
    ["ink", "surface"],
    ["soft", "ground"],
    ["soft", "surface"],
    ["ink", "warn-ground"],
    ["ink", "bad-ground"],
    ["good", "good-ground"],
    ["warn", "warn-ground"],
    ["bad", "bad-ground"],
    ["bad", "surface"],
    ["bad", "bad-stripe"],
    ["soft", "bad-stripe"],
    ["warn", "surface"],
    ["unknown", "unknown-ground"],
    ["unknown", "surface"],
    ["surface", "bad"],
    ["surface", "good"],
    ["surface", "warn"],
    ["accent", "surface"],
    ["metal-ink", "metal"],
    ["metal-ink", "metal-light"],
    ["metal-soft", "metal"],
  ] as const;
  const graphics = ["broker", "controller", "client", "host", "accent"] as const;

  test("there are two themes", () => {
    expect(Object.keys(ownDark).length).toBeGreaterThan(15);
    expect(light["ground"]).not.toBe(dark["ground"]);
  });

  test.each([
    ["light", light],
    ["dark", dark],
  ])("text and drawing can be read, %s", (_theme, colours) => {
    for (const [text, ground] of pairs) {
      const ratio = contrast(colours[text], colours[ground]);
      expect(`${text} on ${ground}: ${ratio >= 4.5 || ratio.toFixed(2)}`).toBe(
        `${text} on ${ground}: true`,
      );
    }
    for (const line of graphics) {
      expect(contrast(colours[line], colours["surface"])).toBeGreaterThanOrEqual(3);
      expect(contrast(colours[line], colours["ground"])).toBeGreaterThanOrEqual(3);
    }
  });
});

test("each colour of the dark is written once, and is one of the light, too", () => {
  const css = pageFiles.get("/page.css")?.text ?? "";
  expect(css).not.toMatch(/prefers-color-scheme/);
  const [light = [], dark = []] = [
    ...css.matchAll(/:root(?:\[data-theme="dark"\])? \{([^}]*)\}/g),
  ].map(([, text = ""]) => Object.keys(coloursIn(text)));
  expect(dark.filter((name) => !light.includes(name))).toEqual([]);
});

function coloursIn(text: string): Record<string, string> {
  const found = [...text.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)];
  return Object.fromEntries(found.map(([, name = "", colour = ""]) => [name, colour]));
}

function contrast(a = "#000000", b = "#000000"): number {
  const [one, two] = [luminance(a), luminance(b)];
  return (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
}

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
