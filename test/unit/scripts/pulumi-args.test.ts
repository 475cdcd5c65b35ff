import { npmRun, readArgs } from "../../../scripts/lib/cli";
import {
  commandInArgs,
  isChanging,
  runsProgram,
  stackInArgs,
} from "../../../scripts/lib/pulumi-args";
import { renderTable } from "../../../scripts/lib/table";

test.each([
  [["preview"], undefined],
  [["preview", "--stack", "pi-lab"], "pi-lab"],
  [["--stack=pi-lab", "up"], "pi-lab"],
  [["up", "-s", "pi-lab"], "pi-lab"],
  [["up", "-spi-lab"], "pi-lab"],
  [["up", "-s", "a", "--stack", "b"], "b"],
  [["config", "set", "x", "--", "--stack", "b"], undefined],
  [["up", "--skip-preview"], undefined],
  [["stack", "output"], undefined],
])("the stack in %j is %s", (args, expected) => expect(stackInArgs(args)).toBe(expected));

test.each([
  [["up", "--yes"], "up", true, true],
  [["--stack", "pi-lab", "destroy"], "destroy", true, false],
  [["down", "--yes"], "down", true, false],
  [["dn"], "dn", true, false],
  [["watch"], "watch", true, true],
  [["update"], "update", true, true],
  [["pre"], "pre", false, true],
  [["-s", "up", "preview"], "preview", false, true],
  [["stack", "output", "up"], "stack", false, false],
  [["--help"], undefined, false, false],
])("%j: command %s, changes: %s, runs the program: %s", (args, command, changes, program) => {
  expect(commandInArgs(args)).toBe(command);
  expect(isChanging(args)).toBe(changes);
  expect(runsProgram(args)).toBe(program);
});

test("commands are shown as they are typed", () => {
  expect(npmRun("lab", "virtual")).toBe("npm run lab");
  expect(npmRun("pulumi", "virtual", "preview", "--diff")).toBe("npm run pulumi -- preview --diff");
  expect(npmRun("pulumi", "spare", "up")).toBe("npm run pulumi -- --stack spare up");
});

test("arguments are read; a wrong one is told with the usage", () => {
  const usage = { text: "USAGE", switches: ["json"], values: ["stack"], lists: ["replace"] };
  const given = readArgs(usage, ["-s", "x", "--replace", "a", "--replace", "b"]);
  expect([given.value("stack"), given.list("replace"), given.has("json")]).toEqual([
    "x",
    ["a", "b"],
    false,
  ]);
  expect(() => readArgs(usage, ["--jsn"])).toThrow(/--jsn[^]*USAGE/);
  expect(() => readArgs(usage, ["--stack"])).toThrow(/--stack[^]*USAGE/);
});

test("a table's columns are as wide as their widest cells", () => {
  expect(
    renderTable(
      ["A", "LONG"],
      [
        ["wide", ""],
        ["x", "y"],
      ],
    ),
  ).toBe("A     LONG\nwide\nx     y");
});
