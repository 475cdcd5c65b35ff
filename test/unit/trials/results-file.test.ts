import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { longestOfferMs, readBackMs } from "../../../trials/limits";
import { SectionOf } from "../../../trials/results-file";

describe("a run's section in a file of results", () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "pi-lab-results-"));
    file = join(folder, "RESULTS.md");
    writeFileSync(file, "# Measured\n");
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const text = (): string => readFileSync(file, "utf8");

  it("grows where it is, also when others are added behind it", () => {
    const [one, two] = [new SectionOf(file), new SectionOf(file)];
    one.write("## One\n\n1 of 2\n");
    two.write("## Two\n\n1 of 1\n");
    one.write("## One\n\n2 of 2\n");
    expect(text()).toBe("# Measured\n\n## One\n\n2 of 2\n\n## Two\n\n1 of 1\n");
  });

  it("comes anew where somebody has edited it", () => {
    const section = new SectionOf(file);
    section.write("## One\n");
    writeFileSync(file, "# Measured\n\n## One, checked\n");
    section.write("## One\n\n2 of 2\n");
    expect(text()).toBe("# Measured\n\n## One, checked\n\n## One\n\n2 of 2\n");
  });
});

test("records are offered for two hours, or for three million of them", () => {
  expect(longestOfferMs(350)).toBe(7_200_000);
  expect(longestOfferMs(10_000)).toBe(300_000);
  expect(readBackMs(2_520_000)).toBe(372_000);
});
