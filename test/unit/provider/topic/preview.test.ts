import type { Log, PropertyMap } from "../../../../plugins/common/rpc";
import { ClusterLook } from "../../../../provider/topic/look";
import { diffTopic } from "../../../../provider/topic/plan";
import { previewTopic } from "../../../../provider/topic/preview";
import { adminWith } from "../../../support/kafka/admin-with";

const mute = () => undefined;
const log: Log = { debug: mute, info: mute, warn: mute, error: mute, status: mute };

/** Whoever asks the cluster fails. */
const look = (liveChecks = true) =>
  new ClusterLook({
    admin: () => adminWith({}),
    settings: () => ({
      bootstrapServers: [],
      sasl: undefined,
      liveChecks,
      deletionConsents: new Set<string>(),
      reassignmentThrottle: 1,
    }),
  });

const thin: PropertyMap = {
  name: "red",
  partitions: 1,
  replicationFactor: 1,
  config: { "min.insync.replicas": "2" },
  deletionProtection: true,
};

test("a state from before `changes`, `placement` and `unfinished` shows no difference, and asks nobody", async () => {
  const { inputs, failures = [] } = await previewTopic(look(), thin, thin, log);
  expect(failures).toEqual([]);
  expect(JSON.stringify(inputs)).toBe(JSON.stringify(thin));
  expect(diffTopic({ ...thin, topicId: "X" }, inputs)).toEqual({});
});

test("a min.insync.replicas above the factor is a failure where it is new, and no hindrance where it stands", async () => {
  const failing = async (olds: PropertyMap, news: PropertyMap) =>
    ((await previewTopic(look(false), olds, news, log)).failures ?? []).map(
      ({ property }) => property,
    );
  const property = 'config["min.insync.replicas"]';
  expect(await failing({}, thin)).toEqual([property]);
  expect(await failing({ ...thin, config: {} }, thin)).toEqual([property]);
  expect(await failing({ ...thin, replicationFactor: 2 }, thin)).toEqual([property]);
  expect(await failing(thin, thin)).toEqual([]);
  expect(await failing({ ...thin, deletionProtection: false }, thin)).toEqual([]);
});
