import { execFileSync } from "node:child_process";

/** In a process of its own: prettier loads itself in a way that jest does not bear. */
function laidOut(text: string): string {
  const program = `
    const { laidOut } = require("./bench/record");
    laidOut(${JSON.stringify(text)}).then((out) => process.stdout.write(out));`;
  return execFileSync(process.execPath, ["--import", "tsx", "-e", program], { encoding: "utf8" });
}

test("a section is laid out as the checks want every document, so that recording breaks none", () => {
  const section = ["## now", "", "| what | median |", "| --- | ---: |", "| a | 1.00 s |", ""];
  expect(laidOut(section.join("\n"))).toBe(
    ["## now", "", "| what | median |", "| ---- | -----: |", "| a    | 1.00 s |", ""].join("\n"),
  );
});
