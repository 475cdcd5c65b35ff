import fc from "fast-check";

import {
  differences,
  judge,
  nextToRoll,
  NOT_RUNNING,
  observed,
  stagingFault,
} from "../../../../provider/rollout/plan";
import type { Fingerprint, HostProbe } from "../../../../provider/rollout/stamp";

const want: Fingerprint = {
  properties: { "node.id": "1", "log.retention.hours": "168" },
  files: { "/etc/kafka/kafka.env": "aa" },
  version: "4.1.1",
};
const probe = (
  changes: Partial<HostProbe> = {},
  active = "active",
  sub = "running",
): HostProbe => ({
  unit: { active, sub, mainPid: 1, restarts: 0 },
  started: want,
  staged: want,
  stagedHash: "bundle",
  ...changes,
});

test.each([
  ["active", "running", want, "current"],
  ["active", "running", { ...want, version: "4.0.1" }, "differs"],
  ["active", "running", undefined, "differs"],
  ["activating", "start-pre", want, "current"],
  ["activating", "auto-restart", want, "down"],
  ["inactive", "dead", undefined, "down"],
  ["failed", "failed", want, "down"],
  ["deactivating", "stop-sigterm", want, "down"],
] as const)("a unit that is %s (%s)", (active, sub, started, verdict) => {
  expect(judge(want, probe({ started }, active, sub))).toBe(verdict);
});

test("differences name properties both ways, wanted files, and the version, without values", () => {
  const has = {
    properties: { "node.id": "1", extra: "x" },
    files: { "/etc/kafka/kafka.env": "bb", "/etc/kafka/hosts": "zz" },
    version: "4.0.1",
  };
  expect(differences(want, has)).toEqual([
    "extra",
    "log.retention.hours",
    "/etc/kafka/kafka.env",
    "version 4.0.1",
  ]);
  expect(differences(want, want)).toEqual([]);
});

test("the state has files that matter; one that is wanted no more shows while it runs", () => {
  const started = {
    ...want,
    files: { "/etc/kafka/kafka.env": "bb", "/old": "cc", "/etc/kafka/hosts": "dd" },
  };
  const former = { ...want, files: { "/old": "cc" } };
  expect(observed(want, former, probe({ started })).files).toEqual({
    "/etc/kafka/kafka.env": "bb",
    "/old": "cc",
  });
});

test("where nothing runs, the version says so and the rest is as last known", () => {
  const down = probe({ started: undefined }, "inactive", "dead");
  expect(observed(want, want, down)).toEqual({ ...want, version: NOT_RUNNING });
  expect(observed(want, undefined, down).version).toBe(NOT_RUNNING);
});

test("nothing is started that was not staged by this stack, or was edited since", () => {
  const urn = "urn:pulumi:dev::pi-lab::pilab:kafka:Broker$command:remote:Command::broker-1-files";
  const fault = (hash: string, changes: Partial<HostProbe>) =>
    stagingFault(want, hash, probe(changes), urn);
  expect(fault("bundle", {})).toBeUndefined();
  expect(fault("bundle", { stagedHash: undefined })).toMatch(/nothing is staged/);
  expect(fault("other", {})).toMatch(/holds the bundle bundle…, not other….*--target/);
  const properties = { "node.id": "1" };
  expect(fault("bundle", { staged: { ...want, properties } })).toMatch(/in log\.retention\.hours/);
  const files = { "/etc/kafka/kafka.env": "by hand" };
  expect(fault("bundle", { staged: { ...want, files } })).toContain(
    `/etc/kafka/kafka.env: was it edited by hand? \`pulumi up --replace '${urn}'\``,
  );
});

test("the order: who does not serve first, controllers before brokers, the active one last of them", () => {
  const nodes = fc.uniqueArray(
    fc.record({
      host: fc.constantFrom("node-1", "node-2"),
      nodeId: fc.integer({ min: 1, max: 9 }),
      isController: fc.boolean(),
    }),
    { minLength: 1, maxLength: 9, selector: ({ nodeId }) => nodeId },
  );
  fc.assert(
    fc.property(
      nodes,
      fc.uniqueArray(fc.integer({ min: 1, max: 9 })),
      fc.integer({ min: 0, max: 9 }),
      (all, down, leader) => {
        const unready = new Set(down);
        let left = all;
        const order: typeof all = [];
        for (;;) {
          const next = nextToRoll(left, unready, leader);
          if (next === undefined) break;
          order.push(next);
          left = left.filter((one) => one !== next);
        }
        expect(new Set(order)).toEqual(new Set(all));
        const ready = order.filter(({ nodeId }) => !unready.has(nodeId));
        expect(order.slice(order.length - ready.length)).toEqual(ready);
        const controllers = ready.filter(({ isController }) => isController);
        expect(ready.slice(0, controllers.length)).toEqual(controllers);
        const ids = controllers.map(({ nodeId }) => nodeId);
        if (ids.includes(leader)) expect(ids.at(-1)).toBe(leader);
      },
    ),
  );
});
