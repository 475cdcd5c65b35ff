import { hasLost, limitReached, stageTrouble } from "../../../../scripts/lib/load/result";
import { stageResult } from "../../../support/load/stage-result";

test("a stage in which all went well ends nothing", () => {
  expect(limitReached(stageResult())).toBeUndefined();
  expect(stageTrouble(stageResult())).toBeUndefined();
});

const generator = { ...stageResult().generator, limited: true };

test.each([
  [{ lost: 2, end: "silent" as const }, "2 acknowledged messages were not read back"],
  [{ acknowledged: 297, end: "silent" as const }, "3 messages were not acknowledged"],
  [{ acknowledged: 290, refused: 4, end: "silent" as const }, "6 messages were not acknowledged"],
  [
    { sent: 290, acknowledged: 290, end: "silent" as const },
    "10 messages that were due could not be sent",
  ],
  [{ generator }, "the generator is at its limit (see below the table)"],
  [{ refused: 4 }, "4 messages were refused"],
  [{ sent: 290 }, "10 messages that were due could not be sent"],
  [{ disconnects: 1 }, "1 disconnects"],
  [
    { drainMs: 5_100 },
    "the lab has fallen behind: the last message was read 5.1 s after it was due",
  ],
])("a ramp ends at %p", (changes, why) => {
  expect(limitReached(stageResult(changes))).toBe(why);
});

test("stages that were asked for go on after disconnects and where the generator is limited", () => {
  expect(stageTrouble(stageResult({ disconnects: 3, resent: 2 }))).toBeUndefined();
  expect(stageTrouble(stageResult({ generator }))).toBeUndefined();
  expect(stageTrouble(stageResult({ lost: 1 }))).toBeDefined();
});

test("who interrupts has lost nothing", () => {
  const run = { stopped: undefined, interrupted: false };
  expect(hasLost({ ...run, stages: [stageResult(), stageResult({ lost: 1 })] })).toBe(true);
  expect(hasLost({ ...run, stages: [stageResult()] })).toBe(false);
  const cut = stageResult({ lost: 1, end: "interrupted" });
  expect(hasLost({ ...run, stages: [cut] })).toBe(false);
});
