import type { PropertyMap } from "../../../../plugins/common/rpc";
import { Secret, UNKNOWN } from "../../../../plugins/common/rpc";
import type { KafkaAdmin } from "../../../../provider/admin/port";
import { KafkaError } from "../../../../provider/admin/port";
import { NOT_RUNNING } from "../../../../provider/rollout/plan";
import {
  comparable,
  finalizedNow,
  lastFinalized,
  refusedVersions,
  versionChanges,
} from "../../../../provider/rollout/versions";

const cluster = (...versions: string[]): PropertyMap => ({
  nodes: Object.fromEntries(
    versions.map((version, i) => [
      `broker-${i + 1}`,
      { address: `10.0.42.${i + 1}:9092`, want: { version } },
    ]),
  ),
});
const unchanged = cluster("4.1.1", "4.1.1", "4.1.1");

test("an unchanged version asks nobody, also where a broker is down", () => {
  const down = cluster("4.1.1", NOT_RUNNING, "4.1.1");
  expect(versionChanges(unchanged, unchanged, unchanged)).toEqual([]);
  expect(versionChanges(unchanged, down, unchanged)).toEqual([]);
  expect(versionChanges({}, {}, unchanged)).toEqual([]);
  expect(versionChanges(unchanged, unchanged, { nodes: UNKNOWN })).toEqual([]);
});

test("what runs counts before what was wanted, so that a half-done upgrade is told as it is", () => {
  const half = cluster("4.2.0", "4.1.1", NOT_RUNNING);
  const wanted = cluster("4.2.0", "4.2.0", "4.2.0");
  expect(versionChanges(wanted, half, wanted)).toEqual([{ to: "4.2.0", hosts: ["broker-2"] }]);
  expect(versionChanges(wanted, half, unchanged)).toEqual([
    { to: "4.1.1", hosts: ["broker-1", "broker-3"] },
  ]);
  const secret = { nodes: new Secret(unchanged["nodes"] ?? {}) };
  expect(versionChanges(secret, secret, wanted)[0]?.hosts).toHaveLength(3);
});

test("a refusal names hosts, version, what is finalized and the way out", () => {
  const changes = [{ to: "4.1.1", hosts: ["broker-1", "broker-2"] }];
  expect(refusedVersions(changes, { "metadata.version": 27 })).toEqual([]);
  expect(refusedVersions(changes, { "metadata.version": 29 })).toEqual([
    expect.stringMatching(
      /^broker-1, broker-2: Kafka 4\.1\.1 cannot run in this cluster: .*4\.2-IV1.*Set cluster\.kafkaVersion/,
    ),
  ]);
});

describe("what the cluster has finalized", () => {
  const answering = (answer: () => Promise<Record<string, number>>) => {
    const asked: string[][] = [];
    const connect = (servers: readonly string[]): KafkaAdmin => {
      asked.push([...servers]);
      const admin: Partial<KafkaAdmin> = {
        describeFeatures: async () => ({ supported: {}, finalized: await answer() }),
        close: () => Promise.resolve(),
      };
      return admin as KafkaAdmin;
    };
    return { asked, connect };
  };
  const silent = () => Promise.reject(new KafkaError("unreachable", "nobody answers"));
  const olds = { ...unchanged, finalized: { "metadata.version": 27 } };

  test("is asked of the brokers that run", async () => {
    const { asked, connect } = answering(() => Promise.resolve({ "metadata.version": 29 }));
    const warned: string[] = [];
    const found = await finalizedNow(connect, olds, (message) => warned.push(message));
    expect(found).toEqual({ "metadata.version": 29 });
    expect(asked).toEqual([["10.0.42.1:9092", "10.0.42.2:9092", "10.0.42.3:9092"]]);
    expect(warned).toEqual([]);
  });

  test.each([
    ["what was last seen", olds, { "metadata.version": 27 }, /judged by what was last seen of it/],
    ["nothing", unchanged, {}, /not known\. One that is older .* dies at its start/],
  ])("is %s where nobody answers, and that is said", async (_, state, expected, said) => {
    const warned: string[] = [];
    const { connect } = answering(silent);
    await expect(finalizedNow(connect, state, (message) => warned.push(message))).resolves.toEqual(
      expected,
    );
    expect(warned).toEqual([expect.stringMatching(said)]);
  });

  test("is an output that no input stands for, hence no difference", () => {
    expect(comparable(olds)).toEqual(unchanged);
    expect(lastFinalized({ finalized: new Secret({ "metadata.version": 27 }) })).toEqual({
      "metadata.version": 27,
    });
    expect(lastFinalized({})).toBeUndefined();
  });
});
