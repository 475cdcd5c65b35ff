import fc from "fast-check";

import { settingKeys } from "../../../../model/kafka/settings";
import { sameSetting, settingFault, THROTTLE_SETTINGS } from "../../../../provider/topic/settings";

test.each([
  ["cleanup.policy", "compact,delete", undefined],
  ["cleanup.policy", "compact, delete", undefined],
  [
    "cleanup.policy",
    "keep",
    /"keep" is not what Kafka takes\. Give one or more of compact, delete/,
  ],
  ["cleanup.policy", "", /one or more of/],
  ["compression.type", "zstd", undefined],
  ["compression.type", "rar", /Give one of uncompressed, zstd/],
  ["preallocate", "TRUE", /true or false/],
  ["min.cleanable.dirty.ratio", "1.5", /from 0 to 1/],
  ["retention.ms", "-1", undefined],
  ["retention.ms", "-2", /at least -1/],
  ["segment.bytes", "1048575", undefined],
  ["segment.bytes", "13", /at least 14/],
  ["min.insync.replicas", "2.0", /a whole number/],
  ["max.message.bytes", "3000000000", /a whole number/],
])("%s = %j", (key, value, fault) => {
  if (fault === undefined) expect(settingFault(key, value)).toBeUndefined();
  else expect(settingFault(key, value)).toMatch(fault);
});

test("a key that any version of the lab's knows is no fault", () => {
  for (const key of settingKeys("topic").filter((one) => !THROTTLE_SETTINGS.includes(one))) {
    expect([key, settingFault(key, "x") ?? ""]).not.toEqual([
      key,
      expect.stringMatching(/is not a setting of topics/),
    ]);
  }
  expect(settingFault("remote.copy.lag.ms", "5")).toBeUndefined();
  expect(settingFault("remote.copy.lug.ms", "5")).toMatch(/is not a setting of topics/);
});

test("the same to Kafka: notation and order, not the value", () => {
  expect(sameSetting("min.cleanable.dirty.ratio", "0.50", "0.5")).toBe(true);
  expect(sameSetting("cleanup.policy", "delete, compact", "compact,delete")).toBe(true);
  expect(sameSetting("retention.ms", "007", "7")).toBe(true);
  expect(sameSetting("retention.ms", "7", "70")).toBe(false);
  expect(sameSetting("retention.ms", "9223372036854775806", "9223372036854775807")).toBe(false);
  expect(sameSetting("retention.ms", undefined, undefined)).toBe(true);
  expect(sameSetting("retention.ms", undefined, "7")).toBe(false);
  expect(sameSetting("some.key.of.later", "a", "b")).toBe(false);
});

test("sameness is symmetric, and everything is the same as itself", () => {
  const key = fc.constantFrom(...settingKeys("topic"), "some.key.of.later");
  fc.assert(
    fc.property(key, fc.string(), fc.string(), (name, a, b) => {
      expect(sameSetting(name, a, a)).toBe(true);
      expect(sameSetting(name, a, b)).toBe(sameSetting(name, b, a));
    }),
  );
});
