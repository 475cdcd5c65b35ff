import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { join } from "node:path";
import { makeNoopHome } from "../../bench/noop/home";
import { ensurePulumi } from "../../toolchain";
import { testRunDir } from "../support/test-run";
import { TopicStack, type DeclaredTopic } from "../support/topics/stack";

jest.setTimeout(300_000);

const COUNT = 1000;

const topic = (number: number): DeclaredTopic => ({
  name: `topic-${number}`,
  partitions: 2,
  replicationFactor: 3,
  config: { "retention.ms": "86400000" },
  deletionProtection: true,
});

interface Exported {
  readonly deployment: { resources: { urn: string; type: string }[] };
}

/** A stack that has them all in its state; no cluster was ever asked. */
async function stackOfMany(bootstrapServers: string): Promise<TopicStack> {
  const folder = mkdtempSync(join(testRunDir(), "many-topics-"));
  const { pilabFolder } = await makeNoopHome(join(folder, "noop"));
  const engine = await ensurePulumi((line) => process.stderr.write(`${line}\n`));
  const stack = await TopicStack.create({ folder: join(folder, "stack"), engine, pilabFolder });
  await stack.ask("config", "set", "pilab:bootstrapServers", bootstrapServers);
  stack.declare({ topics: { "topic-1": topic(1) } });
  expect((await stack.run("up")).steps).toEqual(["create topic-1"]);
  const { deployment, ...rest } = JSON.parse(await stack.ask("stack", "export")) as Exported;
  const { resources } = deployment;
  const first = resources.findIndex(({ urn }) => urn.endsWith("::topic-1"));
  const text = JSON.stringify(resources[first]);
  const copies = Array.from({ length: COUNT }, (_, index) => {
    const name = `topic-${index + 1}`;
    // The plugin that does nothing gives ids of its own.
    const copy = JSON.parse(text.replaceAll(`topic-1"`, `${name}"`)) as (typeof resources)[0];
    return { ...copy, id: name };
  });
  resources.splice(first, 1, ...copies);
  const file = join(folder, "state.json");
  writeFileSync(file, JSON.stringify({ ...rest, deployment }));
  await stack.ask("stack", "import", "--file", file);
  await stack.usePlugin();
  return stack;
}

test("a preview and an up of a thousand unchanged topics open no connection", async () => {
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const { port } = server.address() as AddressInfo;
    const stack = await stackOfMany(`127.0.0.1:${port}`);
    const all = Array.from({ length: COUNT }, (_, index) => topic(index + 1));
    const declare = (topics: readonly DeclaredTopic[]): void =>
      stack.declare({ topics: Object.fromEntries(topics.map((each) => [each.name, each])) });
    declare(all);
    for (const operation of ["preview", "up"] as const) {
      const run = await stack.run(operation);
      expect(run).toMatchObject({ exitCode: 0, steps: [], errors: "" });
      expect(Object.keys(run.resources).filter((name) => /^topic-\d/.test(name))).toHaveLength(
        COUNT,
      );
    }
    expect(connections).toBe(0);

    // That it would be seen: a refresh has to ask.
    const refresh = await stack.run("refresh", "--target", "**topic-7");
    expect(refresh.logs.join()).toMatch(/topic topic-7: kept as last known/);
    expect(connections).toBeGreaterThan(0);
  } finally {
    server.close();
  }
});
