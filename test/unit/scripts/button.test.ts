import { isPress } from "../../../payloads/ring/press";
import { buttonCommand } from "../../../scripts/lib/button";

test.each([
  ["pi", undefined, ["sudo", "-n"], ["--press"]],
  ["root", undefined, [], ["--press"]],
  ["pi", 5, ["sudo", "-n"], ["--hold", "5"]],
])("as %s, held for %s s", (user, seconds, before, how) => {
  const command = buttonCommand(user, seconds);
  expect(command).toMatch(/\/opt\/node\/node-[\d.]+\/bin\/node/);
  const words = command.split(" ").map((word) => word.replaceAll("'", ""));
  expect(words.slice(0, before.length)).toEqual(before);
  expect(words.slice(before.length + 1)).toEqual(["/opt/pi-lab/programs/ring.js", ...how]);
  // The program takes that for a press, not for a configuration.
  expect(isPress(words.slice(before.length + 2))).toBe(true);
});
