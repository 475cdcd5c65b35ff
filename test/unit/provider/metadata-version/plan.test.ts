import fc from "fast-check";

import { kafkaVersions } from "../../../../model";
import {
  knownFeatures,
  METADATA_FEATURE,
  metadataLevel,
  metadataVersionWords,
  metadataVersionName,
  nameOfLevel,
  newestMetadataVersion,
} from "../../../../model/kafka/features";
import { UNKNOWN } from "../../../../plugins/common/rpc";
import {
  checkMetadataVersion,
  nodesThatCannotRead,
  oneWayNote,
  refusedStep,
  unreadable,
} from "../../../../provider/metadata-version/plan";

const level = (name: string): number => metadataLevel(name) as number;
/** What a new cluster of a version begins with. */
const born = (version: (typeof kafkaVersions)[number]): Record<string, number> =>
  Object.fromEntries(
    Object.entries(knownFeatures(version) ?? {}).map(([feature, [, max]]) => [feature, max]),
  );

test("a full name is taken, short forms and others are not", () => {
  expect(checkMetadataVersion({ metadataVersion: "4.1-IV1" })).toEqual([]);
  expect(checkMetadataVersion({ metadataVersion: UNKNOWN })).toEqual([]);
  expect(checkMetadataVersion({ metadataVersion: "4.1" })).toEqual([
    {
      property: "metadataVersion",
      reason: 'must be a metadata version by its full name, such as 4.1-IV1: "4.1" is none',
    },
  ]);
  expect(checkMetadataVersion({})[0]?.reason).toMatch(/it is missing$/);
});

test("the note names the oldest Kafka that can still join", () => {
  expect(oneWayNote("4.2-IV1")).toBe(
    "one-way: from then on no Kafka older than 4.2 can be a broker of this cluster",
  );
});

test("forward and standing still are never refused, back always is", () => {
  const anyLevel = fc.constantFrom(
    ...metadataVersionWords.map((word) => level(metadataVersionName(word))),
  );
  fc.assert(
    fc.property(anyLevel, anyLevel, (from, to) => {
      const refusal = refusedStep(from, to);
      expect(refusal === undefined).toBe(to >= from);
      if (refusal !== undefined) {
        expect(refusal).toContain(nameOfLevel(from));
        expect(refusal).toMatch(/leave the key out/);
      }
    }),
  );
});

test("a step back across records says that there is no way; another one names Kafka's own", () => {
  expect(refusedStep(level("4.3-IV0"), level("4.2-IV1"))).toMatch(
    /^the metadata version 4\.3-IV0 is finalized and cannot go back to 4\.2-IV1: .*records since/,
  );
  const soft = refusedStep(level("4.2-IV1"), level("4.1-IV1"));
  expect(soft).toMatch(/downgrade --metadata 4\.1-IV1`, then `pulumi refresh`/);
  expect(soft).not.toMatch(/cannot go back/);
});

test("nodes that cannot read a level are named with what they know", () => {
  const nodes = [
    { server: "10.0.42.1:9092", supported: { [METADATA_FEATURE]: [7, 29] as const } },
    { server: "10.0.42.2:9092", supported: { [METADATA_FEATURE]: [7, 27] as const } },
    { server: "10.0.42.3:9092", supported: {} },
  ];
  expect(nodesThatCannotRead(27, nodes.slice(0, 2))).toEqual([]);
  expect(nodesThatCannotRead(29, nodes)).toEqual([
    "10.0.42.2:9092 runs a Kafka that knows 3.3-IV3 to 4.1-IV1",
    "10.0.42.3:9092 runs a Kafka that knows level 0 to level 0",
  ]);
});

describe("a version of Kafka in a cluster", () => {
  test("may be any later one, steps skipped, with what an older one has begun", () => {
    for (const [i, from] of kafkaVersions.entries()) {
      for (const to of kafkaVersions.slice(i))
        expect([from, to, unreadable(to, born(from))]).toEqual([from, to, []]);
    }
  });

  test("may be an older one until something is finalized that it does not know", () => {
    expect(unreadable("4.1.1", born("4.1.2"))).toEqual([]);
    // Binaries raised, nothing finalized: back at once.
    expect(unreadable("4.1.1", born("4.1.1"))).toEqual([]);
    expect(unreadable("4.1.1", { ...born("4.1.1"), [METADATA_FEATURE]: 29 })).toEqual([
      "the cluster has finalized metadata.version 4.2-IV1, and it knows 3.3-IV3 to 4.1-IV1",
    ]);
  });

  test("cannot be one that has forgotten what is finalized, or never heard of it", () => {
    expect(unreadable("4.4.0", { [METADATA_FEATURE]: 6 })).toEqual([
      "the cluster has finalized metadata.version level 6, and it knows 3.3-IV3 to 4.4-IV2",
    ]);
    expect(unreadable("4.1.1", { "new.feature": 1, "other.feature": 0 })).toEqual([
      "the cluster has finalized new.feature 1, and it does not know it",
    ]);
  });

  test("is not judged where the lab does not know it, nor by what the quorum keeps for itself", () => {
    expect(unreadable("9.9.9", { [METADATA_FEATURE]: 99 })).toEqual([]);
    expect(unreadable("4.1.1", { "kraft.version": 9 })).toEqual([]);
  });

  test("knows the newest metadata version that it begins with", () => {
    expect(kafkaVersions.map((version) => newestMetadataVersion(version))).toEqual([
      "4.1-IV1",
      "4.1-IV1",
      "4.2-IV1",
      "4.3-IV0",
      "4.4-IV2",
    ]);
  });
});
