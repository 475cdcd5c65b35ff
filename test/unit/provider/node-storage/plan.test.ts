import fc from "fast-check";
import { UNKNOWN } from "../../../../plugins/common/rpc";
import {
  checkStorage,
  parseMeta,
  planStorage,
  refusedChange,
} from "../../../../provider/node-storage/plan";

const want = {
  host: "broker-2",
  clusterId: "c".repeat(22),
  nodeId: 2,
  directoryId: "d".repeat(22),
};

const metaOf = (identity: Omit<typeof want, "host">): string =>
  [
    "#",
    "#Sun Nov 22 17:00:00 UTC 2026",
    `cluster.id=${identity.clusterId}`,
    `directory.id=${identity.directoryId}`,
    `node.id=${identity.nodeId}`,
    "version=1",
    "",
  ].join("\n");

describe("planStorage", () => {
  it("adopts a disk with the wanted identity, whatever else lies on it", () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (entries) => {
        expect(planStorage(want, { meta: metaOf(want), entries })).toEqual({ kind: "adopt" });
      }),
    );
  });

  it("formats a blank disk; what mkfs and Kafka's lock leave is blank", () => {
    for (const entries of [[], ["lost+found"], [".lock"]]) {
      const plan = planStorage(want, { meta: undefined, entries });
      expect(plan).toEqual({ kind: "format", leftovers: [] });
    }
  });

  it("clears away what a cut-off format left, then formats", () => {
    const entries = [
      "bootstrap.checkpoint",
      "__cluster_metadata-0",
      "__cluster_metadata-0/00000000000000000000-0000000000.checkpoint",
      "meta.properties.pi-lab-new",
    ];
    expect(planStorage(want, { meta: undefined, entries })).toEqual({
      kind: "format",
      leftovers: ["bootstrap.checkpoint", "__cluster_metadata-0", "meta.properties.pi-lab-new"],
    });
  });

  it.each([
    ["a topic's folder", "red-0"],
    ["a metadata log that was written to", "__cluster_metadata-0/00000000000000000000.log"],
    ["anybody's file", "thesis.tex"],
  ])("never formats over %s", (_, entry) => {
    const plan = planStorage(want, { meta: undefined, entries: ["bootstrap.checkpoint", entry] });
    expect(plan).toMatchObject({
      kind: "refuse",
      cause: expect.stringContaining(entry) as unknown,
    });
  });

  it.each([
    ["another cluster", { clusterId: "x".repeat(22) }],
    ["another node", { nodeId: 3 }],
    ["another directory id", { directoryId: "y".repeat(22) }],
  ])("never formats the disk of %s, and names what was found and what is wanted", (_, other) => {
    const [[key, found] = []] = Object.entries(other);
    const plan = planStorage(want, { meta: metaOf({ ...want, ...other }), entries: [] });
    expect(plan.kind).toBe("refuse");
    const cause = plan.kind === "refuse" ? plan.cause : "";
    expect(cause).toContain(`${key} ${found}`);
    expect(cause).toContain(`wants ${want[key as keyof typeof want]}`);
  });

  it("tells how the lab's own disks are taken over, where the stack has lost its state", () => {
    const remedyFor = (found: typeof want): string => {
      const plan = planStorage(want, { meta: metaOf(found), entries: [] });
      return plan.kind === "refuse" ? plan.remedy : "";
    };
    const remedy = remedyFor({ ...want, clusterId: "x".repeat(22) });
    expect(remedy).toMatch(/start Kafka on the machines that the configuration names/);
    expect(remedy).toMatch(/leave \/etc\/kafka\/hold where it is/);
    // Another node's disk is none of its own, whatever the cluster.
    expect(remedyFor({ ...want, nodeId: 3 })).not.toMatch(/start Kafka/);
  });

  it("takes a meta.properties without an id for another identity", () => {
    expect(planStorage(want, { meta: "version=1\n", entries: [] }).kind).toBe("refuse");
    expect(planStorage(want, { meta: "", entries: [] }).kind).toBe("refuse");
  });
});

describe("parseMeta", () => {
  it("reads what Kafka writes, ids with leading hyphens included", () => {
    const identity = { clusterId: "-".repeat(22), nodeId: 1, directoryId: `-=${"a".repeat(20)}` };
    expect(parseMeta(metaOf(identity))).toEqual(identity);
  });
});

describe("checkStorage", () => {
  const good = {
    clusterId: "BBBBBBBBBBBBBBBBBBBBBB",
    directoryId: "CCCCCCCCCCCCCCCCCCCCCC",
    nodeId: 1,
  };

  it("accepts ids of 16 bytes, and what is not known yet", () => {
    expect(checkStorage(good)).toEqual([]);
    expect(checkStorage({ clusterId: UNKNOWN, directoryId: UNKNOWN, nodeId: UNKNOWN })).toEqual([]);
  });

  it("refuses a directory id that Kafka reserves", () => {
    const failures = checkStorage({ ...good, directoryId: "AAAAAAAAAAAAAAAAAAAAAA" });
    expect(failures.map(({ property }) => property)).toEqual(["directoryId"]);
  });

  it("tells every wrong property", () => {
    const failures = checkStorage({ clusterId: "short", directoryId: 7, nodeId: -1 });
    expect(failures.map(({ property }) => property)).toEqual([
      "clusterId",
      "directoryId",
      "nodeId",
    ]);
  });
});

describe("refusedChange", () => {
  const olds = { ...want, connection: { host: "10.0.42.2", hostKey: "ssh-ed25519 AAAA" } };

  it("has nothing against another disk or machine: the node stays the same", () => {
    const connection = { host: "10.0.42.9", hostKey: "ssh-ed25519 BBBB" };
    const news = { ...olds, connection, directoryId: "z".repeat(22) };
    expect(refusedChange(olds, news)).toBeUndefined();
    expect(refusedChange(olds, { ...news, directoryId: UNKNOWN })).toBeUndefined();
  });

  it("refuses another node id and another cluster, naming both values", () => {
    expect(refusedChange(olds, { ...olds, nodeId: 4 })).toMatch(/nodeId 2 was .* become 4/);
    expect(refusedChange(olds, { ...olds, clusterId: "n" })).toMatch(/clusterId c+ .* become n/);
    expect(refusedChange(olds, { ...olds, clusterId: UNKNOWN })).toMatch(/clusterId c+ .* become/);
  });
});
