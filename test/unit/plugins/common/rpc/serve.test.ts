import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { connectProvider } from "../../../../support/rpc/provider-client";

const ROOT = path.resolve(__dirname, "../../../../..");
const PLUGIN = path.join(ROOT, "test/support/rpc/sample-plugin.ts");

interface Plugin {
  readonly child: ChildProcess;
  readonly port: number;
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

/** @param graceMs the sample's own; a test that must not wait for it gives a long one */
async function startPlugin({ graceMs = 300 } = {}): Promise<Plugin> {
  const child = spawn(process.execPath, ["--import", "tsx", PLUGIN], {
    cwd: ROOT,
    env: { ...process.env, SAMPLE_GRACE_MS: String(graceMs) },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const exit = once(child, "exit").then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  const stderr: string[] = [];
  const lines = createInterface({ input: child.stderr }).on("line", (line) => stderr.push(line));
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  const port = Number(line);
  const client = connectProvider(port);
  const says = async (line: string): Promise<void> => {
    while (!stderr.includes(line)) await once(lines, "line");
  };
  const plugin = { child, port, client, stderr, says, exit };
  started.push(plugin);
  return plugin;
}

const create = (plugin: Plugin, type: string): Promise<unknown> =>
  plugin.client
    .create(`urn:pulumi:dev::proj::sample:index:${type}::x`, {})
    .catch((error: unknown) => error);

test.each(["SIGINT", "SIGTERM"] as const)("an idle plugin ends at %s", async (signal) => {
  const plugin = await startPlugin({ graceMs: 60_000 });
  await plugin.client.getPluginInfo();
  plugin.child.kill(signal);
  expect(await plugin.exit).toEqual({ code: 0, signal: null });
});

test("an idle plugin ends without waiting for the other side of a connection to close it", async () => {
  const plugin = await startPlugin({ graceMs: 60_000 });
  const socket = connect({ port: plugin.port, host: "127.0.0.1", allowHalfOpen: true });
  try {
    // The least that opens a connection of HTTP/2: its preface, and settings without any.
    socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    socket.write(Buffer.from("000000040000000000", "hex"));
    await once(socket, "data");
    plugin.child.kill("SIGINT");
    expect(await plugin.exit).toEqual({ code: 0, signal: null });
  } finally {
    socket.destroy();
  }
});

test("SIGINT aborts what is under way, which still answers", async () => {
  const plugin = await startPlugin();
  const call = create(plugin, "Wait");
  await plugin.says("begun");
  plugin.child.kill("SIGINT");
  await plugin.says("aborted");
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

test("the end of standard input, as when the engine is killed, aborts, says so, and ends", async () => {
  const plugin = await startPlugin();
  const call = create(plugin, "Wait");
  await plugin.says("begun");
  plugin.child.stdin?.end();
  expect(await plugin.exit).toEqual({ code: 0, signal: null });
  await plugin.says("aborted by the engine's death");
  await call;
});
