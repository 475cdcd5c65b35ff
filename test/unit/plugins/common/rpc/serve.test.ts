import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { createInterface } from "node:readline";
import { connectProvider } from "../../../../support/rpc/provider-client";

const ROOT = path.resolve(__dirname, "../../../../..");
const PLUGIN = path.join(ROOT, "test/support/rpc/sample-plugin.ts");

interface Plugin {
  readonly child: ChildProcess;
  readonly client: ReturnType<typeof connectProvider>;
  readonly stderr: string[];
  /** Resolves when the plugin has written this line to standard error. */
  says(line: string): Promise<void>;
  readonly exit: Promise<{ code: number | null; signal: string | null }>;
}

const started: Plugin[] = [];

afterEach(() => {
  for (const { child, client } of started.splice(0)) {
    client.close();
    child.kill("SIGKILL");
  }
});

async function startPlugin(): Promise<Plugin> {
  const child = spawn(process.execPath, ["--import", "tsx", PLUGIN], {
    cwd: ROOT,
    stdio: ["pipe", "pipe", "pipe"],
  });
  const exit = once(child, "exit").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  const stderr: string[] = [];
  const lines = createInterface({ input: child.stderr }).on("line", (line) => stderr.push(line));
  const [port] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const client = connectProvider(Number(port));
  const says = async (line: string): Promise<void> => {
    while (!stderr.includes(line)) await once(lines, "line");
  };
  const plugin = { child, client, stderr, says, exit };
  started.push(plugin);
  return plugin;
}

const create = (plugin: Plugin, type: string): Promise<unknown> =>
  plugin.client
    .create(`urn:pulumi:dev::proj::sample:index:${type}::x`, {})
    .catch((error: unknown) => error);

test.each(["SIGINT", "SIGTERM"] as const)("an idle plugin ends at %s", async (signal) => {
  const plugin = await startPlugin();
  await plugin.client.getPluginInfo();
  plugin.child.kill(signal);
  expect(await plugin.exit).toEqual({ code: 0, signal: null });
});

test("SIGINT aborts what is under way, which still answers", async () => {
  const plugin = await startPlugin();
  const call = create(plugin, "Wait");
  await plugin.says("begun");
  plugin.child.kill("SIGINT");
  expect(await call).toMatchObject({ details: "interrupted" });
  expect(await plugin.exit).toEqual({ code: 0, signal: null });
});

test("a handler that ignores the abort does not keep the process", async () => {
  const plugin = await startPlugin();
  const call = create(plugin, "Deaf");
  await plugin.says("begun");
  plugin.child.kill("SIGINT");
  expect(await plugin.exit).toEqual({ code: 0, signal: null });
  await call;
});

test("the end of standard input, as when the engine is killed, aborts and ends", async () => {
  const plugin = await startPlugin();
  const call = create(plugin, "Wait");
  await plugin.says("begun");
  plugin.child.stdin?.end();
  expect(await plugin.exit).toEqual({ code: 0, signal: null });
  await plugin.says("aborted");
  await call;
});
