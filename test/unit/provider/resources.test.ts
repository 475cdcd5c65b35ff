import { readFileSync } from "node:fs";
import { join } from "node:path";

import { providerSchema } from "../../../provider/schema";
import { PROVIDER_VERSION } from "../../../provider/version";

test("the provider has the package's version", () => {
  const text = readFileSync(join(__dirname, "../../../package.json"), "utf8");
  expect(PROVIDER_VERSION).toBe((JSON.parse(text) as { version: string }).version);
});

test("the schema has every resource, and refers to types that it has", () => {
  const schema = JSON.parse(providerSchema()) as {
    types: Record<string, unknown>;
    resources: Record<string, { inputProperties: object }>;
  };
  expect(Object.keys(schema.resources).sort()).toEqual([
    "pilab:kafka/acls:Acls",
    "pilab:kafka/clusterConfig:ClusterConfig",
    "pilab:kafka/metadataVersion:MetadataVersion",
    "pilab:kafka/nodeStorage:NodeStorage",
    "pilab:kafka/quota:Quota",
    "pilab:kafka/rollout:Rollout",
    "pilab:kafka/topic:Topic",
    "pilab:kafka/topicSet:TopicSet",
    "pilab:kafka/user:User",
    "pilab:lab/hostState:HostState",
    "pilab:lab/leftMachines:LeftMachines",
    "pilab:lab/packages:Packages",
    "pilab:lab/preflight:Preflight",
    "pilab:lab/swapGate:SwapGate",
  ]);
  const refs = [...JSON.stringify(schema).matchAll(/"#\/types\/([^"]+)"/g)].map(([, name]) => name);
  expect(refs.length).toBeGreaterThan(0);
  for (const name of refs) expect(Object.keys(schema.types)).toContain(name);
});
