import { editsOf } from "../../../../provider/topic/edits";
import type { ClusterFacts, Wanted } from "../../../../provider/topic/live-checks";
import {
  clusterFailures,
  collisionFailures,
  freshOf,
  tooFewBrokers,
} from "../../../../provider/topic/live-checks";

const facts = (changes: Partial<ClusterFacts> = {}): ClusterFacts => ({
  brokers: [1, 2, 3].map((id) => ({ id, fenced: id === 3 })),
  release: "4.1",
  ...changes,
});
const wanted = (changes: Partial<Wanted> = {}): Wanted => ({
  name: "red",
  replicationFactor: 3,
  placement: undefined,
  config: {},
  ...changes,
});
const all = (want: Wanted) => freshOf(true, [], want);
const properties = (want: Wanted, cluster = facts()): string[] =>
  clusterFailures(want, all(want), cluster).map(({ property }) => property);

test("a replication factor above the registered brokers, fenced ones included", () => {
  expect(properties(wanted())).toEqual([]);
  expect(properties(wanted({ replicationFactor: 4 }))).toEqual(["replicationFactor"]);
  expect(properties(wanted({ replicationFactor: undefined }))).toEqual([]);
  const placement = [
    [1, 2],
    [2, 7],
  ];
  expect(properties(wanted({ placement }))).toEqual(["placement[1]"]);
});

test("settings by the release; of one that is not known here nothing is said", () => {
  const small = wanted({ config: { "segment.bytes": "1024", "local.retention.ms": "5" } });
  expect(properties(small, facts({ release: "4.1" }))).toEqual(['config["segment.bytes"]']);
  expect(properties(small, facts({ release: "3.9" }))).toEqual([]);
  expect(properties(small, facts({ release: undefined }))).toEqual([]);
  const later = wanted({ config: { "remote.copy.lag.ms": "5" } });
  expect(properties(later, facts({ release: undefined }))).toEqual([
    'config["remote.copy.lag.ms"]',
  ]);
  expect(properties(small, facts({ release: "level 40" }))).toEqual([]);
});

test("what the cluster has already is not judged again", () => {
  const olds = {
    name: "red",
    partitions: 1,
    replicationFactor: 4,
    config: { "segment.bytes": "5" },
  };
  const news = { ...olds, config: { ...olds.config, "flush.ms": "1" } };
  const want = wanted({ replicationFactor: 4, config: news.config });
  const fresh = freshOf(false, editsOf(olds, news), want);
  expect(fresh).toEqual({ name: false, replicas: false, keys: ["flush.ms"] });
  expect(clusterFailures(want, fresh, facts())).toEqual([]);
});

test("names that collide, and a topic of the same name, which is no collision", () => {
  expect(collisionFailures("a.b", ["a.b", "c"])).toEqual([]);
  expect(collisionFailures("a.b", ["a_b"])).toEqual([
    {
      property: "name",
      reason: expect.stringMatching(/^a\.b collides with the topic a_b/) as string,
    },
  ]);
});

test("a new topic that nobody could write to yet", () => {
  const minIsr = (count: number) => wanted({ config: { "min.insync.replicas": String(count) } });
  expect(tooFewBrokers(minIsr(2), facts())).toBeUndefined();
  expect(tooFewBrokers(wanted(), facts())).toBeUndefined();
  expect(tooFewBrokers(minIsr(3), facts())).toMatch(/3 is more than the 2 of 3 brokers that serve/);
});
