import { kafkaVersions, OWNED_BROKER_KEYS } from "../../../model";
import { changesWhileRunning, runTimeSettingKeys } from "../../../model/kafka/run-time-settings";
import { sameValue, settingKeys, settingProblem } from "../../../model/kafka/settings";

describe("the table of settings that change while a broker runs", () => {
  it("names settings of brokers alone, each from the version on that has it", () => {
    const keys = runTimeSettingKeys();
    expect(settingKeys("broker")).toEqual(expect.arrayContaining(keys));
    expect([...new Set(keys)]).toEqual(keys);
    for (const version of kafkaVersions) {
      for (const key of keys.filter((one) => changesWhileRunning(one, "1", "1", version))) {
        expect([
          version,
          key,
          settingProblem("broker", key, "no value", version)?.aboutKey,
        ]).not.toEqual([version, key, true]);
      }
    }
  });

  it("has what Kafka's documentation calls cluster-wide or per-broker, and nothing that it calls read-only", () => {
    const changes = (key: string) => changesWhileRunning(key, "1", "1", "4.1.1");
    expect(
      ["log.retention.ms", "log.cleaner.threads", "message.max.bytes", "max.connections"].map(
        changes,
      ),
    ).toEqual([true, true, true, true]);
    expect(
      ["log.retention.hours", "log.roll.hours", "node.id", "no.such.key", "constructor"].map(
        changes,
      ),
    ).toEqual([false, false, false, false, false]);
  });

  it("never offers what the lab makes itself", () => {
    const owned = Object.keys(OWNED_BROKER_KEYS);
    for (const version of kafkaVersions) {
      expect(owned.filter((key) => changesWhileRunning(key, "1", "2", version))).toEqual([]);
    }
  });
});

it.each([
  ["4", "8", true],
  ["4", "9", false],
  ["5", "2", true],
  ["5", "1", false],
])("threads from %s to %s while a broker runs: %s", (from, to, expected) => {
  expect(changesWhileRunning("num.io.threads", from, to, "4.1.1")).toBe(expected);
  expect(changesWhileRunning("log.retention.ms", from, to, "4.1.1")).toBe(true);
});

it.each([
  ["log.retention.ms", "007", "7", true],
  ["log.retention.ms", "-1", "1", false],
  ["log.cleaner.min.cleanable.ratio", "0.50", "0.5", true],
  ["log.cleanup.policy", "compact, delete", "compact,delete", true],
  ["log.cleanup.policy", "delete,compact", "compact,delete", false],
  ["compression.type", " gzip", "gzip", true],
  ["unknown.key", "1.0", "1", false],
])("%s: %s and %s are the same to Kafka: %s", (key, a, b, expected) => {
  expect(sameValue("broker", key, a, b)).toBe(expected);
  expect(sameValue("broker", key, b, a)).toBe(expected);
});
