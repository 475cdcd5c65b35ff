import { kafkaHosts, kafkaVersions, OWNED_BROKER_KEYS, parseLab } from "../../../model";
import {
  settingKeys,
  settingProblem,
  type SettingScope,
  topicSettingProblem,
} from "../../../model/kafka/settings";
import { serverProperties } from "../../../render";
import { change, physicalConfig } from "../../support/lab-config";

/** Keys that Kafka 4.0 took away. */
const FORMER = [
  "message.downconversion.enable",
  "message.format.version",
  "message.timestamp.difference.max.ms",
];

const problem = (scope: SettingScope, key: string, value: string) =>
  settingProblem(scope, key, value, "4.1.1");

describe("a setting's value", () => {
  it.each<[SettingScope, string, string]>([
    ["topic", "retention.ms", "-1"],
    ["topic", "retention.ms", "9223372036854775807"],
    ["topic", "segment.bytes", "1048576"],
    ["topic", "cleanup.policy", "compact"],
    ["topic", "cleanup.policy", "compact,delete"],
    ["topic", "cleanup.policy", "delete, compact"],
    ["topic", "compression.gzip.level", "-1"],
    ["topic", "compression.gzip.level", "9"],
    ["topic", "compression.zstd.level", "-131072"],
    ["topic", "compression.type", "producer"],
    ["topic", "min.cleanable.dirty.ratio", "0.5"],
    ["topic", "preallocate", "true"],
    ["topic", "message.timestamp.type", "LogAppendTime"],
    ["broker", "log.retention.hours", "168"],
    ["broker", "broker.rack", "shelf 1"],
    ["broker", "listener.name.plaintext.max.connections", "10"],
  ])("%s %s=%s is taken", (scope, key, value) => {
    expect(problem(scope, key, value)).toBeUndefined();
  });

  it.each<[SettingScope, string, string, string]>([
    ["topic", "retention.ms", "-2", "Give a whole number of at least -1."],
    ["topic", "retention.ms", "7d", "Give a whole number of at least -1."],
    ["topic", "retention.ms", "1.5", "Give a whole number of at least -1."],
    ["topic", "retention.ms", "9223372036854775808", "Give a whole number of at least -1."],
    ["topic", "retention.bytes", "x", "Give a whole number of at most 9223372036854775807."],
    ["topic", "segment.bytes", "1048575", "Give a whole number of at least 1048576."],
    ["topic", "segment.bytes", "2147483648", "Give a whole number of at least 1048576."],
    ["topic", "compression.gzip.level", "0", "Give a whole number from 1 to 9, or -1."],
    ["topic", "min.cleanable.dirty.ratio", "1.1", "Give a number from 0 to 1."],
    ["topic", "min.cleanable.dirty.ratio", "", "Give a number from 0 to 1."],
    ["topic", "preallocate", "yes", "Give true or false."],
    ["topic", "preallocate", "TRUE", "Give true or false."],
    ["topic", "segment.ms", " 5", "Give a whole number of at least 1."],
    ["topic", "segment.ms", "+5", "Give a whole number of at least 1."],
    ["topic", "min.cleanable.dirty.ratio", "5e-1", "Give a number from 0 to 1."],
    [
      "topic",
      "cleanup.policy",
      "delete,delete",
      "Give one or more of compact, delete, with commas between.",
    ],
    [
      "topic",
      "compression.type",
      "brotli",
      "Give one of uncompressed, zstd, lz4, snappy, gzip, producer.",
    ],
    ["broker", "log.segment.bytes", "1024", "Give a whole number of at least 1048576."],
  ])("%s %s=%s is not: %s", (scope, key, value, remedy) => {
    expect(problem(scope, key, value)).toEqual({
      aboutKey: false,
      cause: "is not what Kafka takes",
      remedy,
    });
  });
});

describe("a setting's key", () => {
  it.each<[SettingScope, string, string]>([
    ["topic", "retention.mss", "Did you mean retention.ms?"],
    ["topic", "log.segment.bytes", "Write segment.bytes, which is its name for topics."],
    ["broker", "segment.bytes", "Write log.segment.bytes, which is its name for brokers."],
    ["broker", "log.retention.hour", "Did you mean log.retention.hours?"],
    [
      "broker",
      "message.downconversion.enable",
      "Remove the line; Kafka's documentation lists the settings of brokers.",
    ],
    [
      "broker",
      "constructor",
      "Remove the line; Kafka's documentation lists the settings of brokers.",
    ],
  ])("%s %s: %s", (scope, key, remedy) => {
    expect(problem(scope, key, "1")).toMatchObject({ aboutKey: true, remedy });
  });
});

describe("the tables of settings", () => {
  // The counts of 4.4.0, internal settings left out, as its own `configDef` gives them.
  it.each<[SettingScope, number]>([
    ["topic", 37],
    ["broker", 350],
  ])("of %ss have %i keys, each with a value that it takes", (scope, count) => {
    const keys = settingKeys(scope);
    expect(keys).toHaveLength(count);
    const values = [
      "1",
      "-1",
      "true",
      "1048576",
      "8388608",
      "30000",
      "1000",
      "3000",
      "2",
      "5",
      "100",
    ];
    const words = ["compact", "gzip", "CreateTime", "PLAINTEXT", "required", "consumer", "broker"];
    for (const key of keys) {
      const taken = [...values, ...words].filter(
        (value) => settingProblem(scope, key, value, "4.4.0") === undefined,
      );
      expect([key, taken]).not.toEqual([key, []]);
    }
  });

  it("know a key in all versions from its own on", () => {
    const known = kafkaVersions.filter(
      (version) =>
        settingProblem("broker", "controller.quorum.auto.join.enable", "true", version) ===
        undefined,
    );
    expect(known).toEqual(["4.2.0", "4.3.0", "4.4.0"]);
  });
});

describe("a topic's setting by the brokers' release", () => {
  const fault = (key: string, value: string, release?: string) => {
    const found = topicSettingProblem(key, value, release);
    return found === undefined ? undefined : `${found.cause}. ${found.remedy}`;
  };

  // Counts of what 2.6.0, 3.9.1 and 4.1.1 to 4.4.0 have, internal settings left out, by their own LogConfig.
  it.each([
    ["2.6", 26],
    ["3.9", 36],
    ["4.1", 33],
    ["4.4", 37],
  ])("%s has %i keys", (release, count) => {
    const all = [...settingKeys("topic"), ...FORMER];
    const known = all.filter((key) => topicSettingProblem(key, "?", release)?.aboutKey !== true);
    expect(known).toHaveLength(count);
  });

  it("knows where Kafka 4.0 became narrower, and what it took away", () => {
    expect(fault("segment.bytes", "1048575", "3.9")).toBeUndefined();
    expect(fault("segment.bytes", "14", "2.6")).toBeUndefined();
    expect(fault("segment.bytes", "1048575", "4.0")).toMatch(/these brokers take.*least 1048576/);
    expect(fault("segment.bytes", "13", "2.6")).toMatch(/at least 14/);
    expect(fault("segment.bytes", "1024")).toBeUndefined();
    expect(fault("segment.bytes", "13")).toMatch(/at least 14/);
    expect(fault("message.format.version", "2.6", "2.6")).toBeUndefined();
    expect(fault("message.format.version", "2.6", "4.1")).toMatch(/went with Kafka 4\.0/);
  });

  it("knows what a release does not have yet, and names the nearest that it has", () => {
    expect(fault("compression.gzip.level", "9", "3.8")).toBeUndefined();
    expect(fault("compression.gzip.level", "9", "3.7")).toMatch(/comes with Kafka 3\.8\.0/);
    expect(fault("remote.copy.lag.ms", "5", "4.4")).toBeUndefined();
    expect(fault("message.timestamp.before.max.ms", "5", "3.5")).toMatch(
      /or write message\.timestamp\.difference\.max\.ms, which they/,
    );
    expect(fault("retention.mss", "5", "4.1")).toMatch(/Did you mean retention\.ms\?/);
  });
});

describe("the keys that the lab owns", () => {
  it("are those that it writes whatever a user sets, and each is one that Kafka knows", () => {
    const lab = parseLab(physicalConfig());
    const broker = lab.hosts.find((host) => host.role === "broker");
    if (broker === undefined) throw new Error("the lab has brokers");
    const settings = Object.fromEntries(settingKeys("broker").map((key) => [key, "by the user"]));
    const overruled = Object.entries(serverProperties(lab, { ...broker, settings })).filter(
      ([, value]) => value !== "by the user",
    );
    expect(Object.keys(OWNED_BROKER_KEYS)).toEqual(
      expect.arrayContaining(overruled.map(([key]) => key)),
    );
    const authorizers = ["super.users", "allow.everyone.if.no.acl.found"];
    expect([...settingKeys("broker"), ...authorizers]).toEqual(
      expect.arrayContaining(Object.keys(OWNED_BROKER_KEYS)),
    );
  });

  it("are all that it writes where clients log in, but for what one listener alone has", () => {
    const config = change(physicalConfig(), ["cluster", "authentication"], "scram");
    const lab = parseLab(config);
    const [broker] = kafkaHosts(lab);
    if (broker === undefined) throw new Error("the lab has brokers");
    const settings = Object.fromEntries(settingKeys("broker").map((key) => [key, "by the user"]));
    const overruled = Object.entries(serverProperties(lab, { ...broker, settings })).filter(
      ([key, value]) => value !== "by the user" && !key.startsWith("listener.name."),
    );
    expect(Object.keys(OWNED_BROKER_KEYS)).toEqual(
      expect.arrayContaining(overruled.map(([key]) => key)),
    );
  });

  it.each(Object.keys(OWNED_BROKER_KEYS))(
    "%s is refused, for the cluster and for a host",
    (key) => {
      const config = { ...physicalConfig(), cluster: { settings: { [key]: "1" } } };
      expect(() => parseLab(config)).toThrow(`lab.cluster.settings`);
      expect(() => parseLab(config)).toThrow("is not to be set here");
    },
  );
});
