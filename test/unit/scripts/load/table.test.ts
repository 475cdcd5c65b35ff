import type { LoadResult } from "../../../../scripts/lib/load/result";
import { milliseconds, notes, renderLoad } from "../../../../scripts/lib/load/table";
import { stageResult } from "../../../support/load/stage-result";

const run = (...stages: LoadResult["stages"]): LoadResult => ({
  stages,
  stopped: undefined,
  interrupted: false,
});

test("a row for each stage, figures below each other, and what they are", () => {
  const large = stageResult({
    devices: 1_000,
    due: 60_000,
    sent: 60_000,
    acknowledged: 60_000,
    inKafka: 60_001,
    read: 60_000,
    duplicates: 1,
  });
  expect(renderLoad(run(stageResult(), large), "LogAppendTime")).toBe(
    `devices  messages/s    sent  acknowledged  in Kafka    read  lost  duplicates  disconnects
      5           5     300           300       300     300     0           0            0
  1,000       1,000  60,000        60,000    60,001  60,000     0           1            0

Milliseconds since each message was due: p50 / p95 / p99 / max

devices  messages/s                   sent                   PUBACK                in Kafka                   read
      5           5  0.5 / 1.0 / 2.0 / 500  1.3 / 2.5 / 5.0 / 1,250  3.0 / 6.0 / 12 / 3,000  12 / 25 / 50 / 12,400
  1,000       1,000  0.5 / 1.0 / 2.0 / 500  1.3 / 2.5 / 5.0 / 1,250  3.0 / 6.0 / 12 / 3,000  12 / 25 / 50 / 12,400

Time counts from when a message was due, so that one that had to wait counts in full.
"in Kafka" is the time stamp of the record: when the leader appended it, by that broker's clock (the topic's message.timestamp.type is LogAppendTime).
The generator took at most 12 % of one core; its timers were late by at most 1.3 ms (p99) and 18 ms.`,
  );
});

test("a stage that the generator limits is marked, and told as such", () => {
  const { generator } = stageResult();
  const limited = stageResult({ generator: { ...generator, cpuPercent: 97, limited: true } });
  const text = renderLoad(run(stageResult(), limited), "CreateTime");
  expect(text.split("\n").filter((line) => /^ *\* 5 /.test(line))).toHaveLength(2);
  expect(text).toContain("at most 97 % of one core");
  expect(text).toContain("Rows with * are the generator's limit, not the lab's: above 85 %");
  expect(text).toContain("when the bridge made the record");
});

test("what went wrong is said of the stage that it went wrong in", () => {
  const bad = stageResult({
    due: 295,
    sent: 290,
    acknowledged: 285,
    refused: 2,
    refusals: ["not authorized (2)"],
    unheard: 4,
    end: "late",
    lost: 3,
    lostMessages: ["load-1 number 7", "load-2 number 0"],
    disconnects: 2,
    disconnectReasons: ["read ECONNRESET (2)"],
    resent: 6,
    beforeDue: 9,
  });
  const said = notes({ ...run(stageResult(), bad), stopped: "something." }, "CreateTime").slice(3);
  expect(said).toEqual([
    "5 devices at 5/s: 5 messages that were due could not be sent.",
    "5 devices at 5/s: 3 messages that were sent were not acknowledged.",
    "5 devices at 5/s: 2 refused by the MQTT broker: not authorized (2).",
    "5 devices at 5/s: 4 acknowledged by an MQTT broker that had no subscriber for them: no bridge has a session there.",
    "5 devices at 5/s: not read back, among others: load-1 number 7, load-2 number 0; some were still coming when the wait was over.",
    "5 devices at 5/s: disconnects: read ECONNRESET (2); 6 messages were sent again.",
    '5 devices at 5/s: 9 records bear a time before their message was due: the clocks of this machine and of the lab differ, and "in Kafka" is off by as much.',
    "Ended here: something.",
  ]);
});

test("an interrupted stage says how far it came, and a run without one has no table", () => {
  const cut = stageResult({ end: "interrupted", due: 120, sent: 120, acknowledged: 120 });
  expect(notes(run(cut), "CreateTime")).toContain(
    "5 devices at 5/s: interrupted after 120 of 300 messages; what was under way was not waited for.",
  );
  expect(renderLoad({ ...run(), stopped: "interrupted" }, "CreateTime")).toBe(
    "No stage has ended.\n\nEnded here: interrupted.",
  );
});

test("a hop that no message has made is a dash", () => {
  const { latencyMs } = stageResult();
  const none = stageResult({ latencyMs: { ...latencyMs, kafka: undefined, read: undefined } });
  expect(renderLoad(run(none), "CreateTime")).toMatch(/1,250 +- +-$/m);
});

test.each([
  [0.04, "0.0"],
  [9.94, "9.9"],
  [10, "10"],
  [1234.6, "1,235"],
])("%p ms is %p", (ms, text) => {
  expect(milliseconds(ms)).toBe(text);
});
