import { EventEmitter } from "node:events";
import { bearClosedOutput, readArgs, type Usage } from "../../../scripts/lib/cli";

const usage: Usage = {
  text: "npm run it -- TOPIC",
  words: ["TOPIC"],
  values: ["stack", "max"],
  switches: ["follow"],
  letters: { follow: "f", max: "n" },
};

test("a word stands anywhere among the options, and letters stand for options", () => {
  for (const args of [
    ["red", "--follow", "--max", "3"],
    ["-f", "-n", "3", "red"],
    ["--max=3", "red", "-f"],
  ]) {
    const given = readArgs(usage, args);
    expect(given.word("TOPIC")).toBe("red");
    expect(given.has("follow")).toBe(true);
    expect(given.count("max", 1)).toBe(3);
    expect(given.rest).toEqual([]);
  }
});

test.each([
  [[], "TOPIC is missing."],
  [["red", "green"], '"green" is one argument too many.'],
  [["red", "--nonsense"], "--nonsense"],
  [["red", "--max"], "--max"],
])("%j is refused, with the usage", (args, cause) => {
  const refused = () => readArgs(usage, args);
  expect(refused).toThrow(cause);
  expect(refused).toThrow("npm run it -- TOPIC");
});

test.each(["0", "-1", "1.5", "x", "", "9007199254740993"])(
  "--max=%s is no count from 1 on",
  (text) => {
    expect(() => readArgs(usage, ["red", `--max=${text}`]).count("max", 1)).toThrow(
      `--max: "${text}" is not a whole number of at least 1.`,
    );
  },
);

test("what follows the last word of a command that hands it on is not ours, whatever it looks like", () => {
  const handing: Usage = { ...usage, words: ["HOST"], rest: true };
  const rest = ["--stack", "theirs", "-f", "--", "ls -la", "--max"];
  const given = readArgs(handing, ["--stack", "ours", "broker-1", ...rest]);
  expect(given.value("stack")).toBe("ours");
  expect(given.word("HOST")).toBe("broker-1");
  expect(given.rest).toEqual(rest);
  expect(given.has("follow")).toBe(false);
  expect(() => readArgs(handing, ["--stack", "ours"])).toThrow("HOST is missing.");
});

test("a reader that has left is no failure of the output; a full disk is", () => {
  const stream = new EventEmitter();
  const output = bearClosedOutput([stream]);
  for (const code of ["EPIPE", "EIO"]) {
    stream.emit("error", Object.assign(new Error(code), { code }));
    expect(output.failure()).toBeUndefined();
  }
  stream.emit("error", Object.assign(new Error("no space left"), { code: "ENOSPC" }));
  expect(output.failure()?.message).toBe("no space left");
});
