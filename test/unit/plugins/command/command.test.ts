import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { commandProvider } from "../../../../plugins/command/provider";
import type { PropertyMap } from "../../../../plugins/common/rpc";
import { Archive, Asset, Secret, startServer, UNKNOWN } from "../../../../plugins/common/rpc";
import type { FakeEngine } from "../../../support/rpc/fake-engine";
import { startFakeEngine } from "../../../support/rpc/fake-engine";
import type { ProviderClient } from "../../../support/rpc/provider-client";
import { connectProvider } from "../../../support/rpc/provider-client";
import type { ServerOptions, TestServer } from "../../../support/ssh/server";
import { generateKey, startSshServer } from "../../../support/ssh/server";

const userKey = generateKey();
const REMOTE = "urn:pulumi:dev::proj::command:remote:Command::job";
const LOCAL = "urn:pulumi:dev::proj::command:local:Command::job";
const COPY = "urn:pulumi:dev::proj::command:remote:CopyToRemote::job";

const cleanups: (() => Promise<void> | void)[] = [];
let engine: FakeEngine;
let plugin: ProviderClient;

beforeEach(async () => {
  engine = await startFakeEngine();
  const server = await startServer(commandProvider, { engineAddress: engine.address });
  plugin = connectProvider(server.port);
  cleanups.push(() => {
    plugin.close();
    server.close();
    engine.close();
  });
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startHost(options: ServerOptions = {}): Promise<TestServer> {
  const server = await startSshServer({ authorizedKeys: [userKey.publicKey], ...options });
  cleanups.push(() => server.close());
  return server;
}

const connectionTo = (host: TestServer): PropertyMap => ({
  host: "127.0.0.1",
  port: host.port,
  user: "pi",
  privateKey: userKey.privateKey,
  hostKey: host.hostKeys[0]?.publicKey,
  dialErrorLimit: 0,
});

function temporaryFolder(): string {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pi-lab-command-"));
  cleanups.push(() => fs.rmSync(folder, { recursive: true }));
  return folder;
}

const detailsOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => "no error",
    (error: unknown) => (error as { details: string }).details,
  );

describe("check", () => {
  test("fills in the connection's defaults and marks what is secret, as the official plugin", async () => {
    const { inputs, failures } = await plugin.check(
      REMOTE,
      {},
      { create: "true", connection: { host: "a", privateKey: "k" } },
    );
    expect(failures).toEqual([]);
    expect(inputs).toEqual({
      create: "true",
      connection: new Secret({
        host: "a",
        port: 22,
        user: "root",
        dialErrorLimit: 10,
        perDialTimeout: 15,
        privateKey: new Secret("k"),
      }),
    });
  });

  test("does not wrap a secret twice, and leaves unknowns alone", async () => {
    const connection = new Secret({
      host: UNKNOWN,
      port: 1,
      user: "u",
      privateKey: new Secret("k"),
    });
    const { inputs } = await plugin.check(REMOTE, {}, { connection });
    expect(inputs["connection"]).toEqual(
      new Secret({
        host: UNKNOWN,
        port: 1,
        user: "u",
        dialErrorLimit: 10,
        perDialTimeout: 15,
        privateKey: new Secret("k"),
      }),
    );
    const later = await plugin.check(REMOTE, {}, { connection: UNKNOWN, create: UNKNOWN });
    expect(later).toEqual({
      inputs: { connection: new Secret(UNKNOWN), create: UNKNOWN },
      failures: [],
    });
  });

  test.each([
    [REMOTE, {}, "connection"],
    [REMOTE, { connection: {} }, "connection.host"],
    [REMOTE, { connection: "root@pi" }, "connection"],
    [REMOTE, { connection: { host: "a", hostKey: "nonsense" } }, "connection.hostKey"],
    [REMOTE, { connection: { host: "a", proxy: { host: "b" } } }, "connection.proxy"],
    [REMOTE, { connection: { host: "a" }, logging: "all" }, "logging"],
    [REMOTE, { connection: { host: "a" }, create: 1 }, "create"],
    [REMOTE, { connection: { host: "a" }, environment: { A: 1 } }, "environment"],
    [LOCAL, { interpreter: "bash" }, "interpreter"],
    [LOCAL, { assetPaths: ["*"] }, "assetPaths"],
    [COPY, { connection: { host: "a" }, remotePath: "/f" }, "source"],
    [COPY, { connection: { host: "a" }, remotePath: "/f", source: "x" }, "source"],
    [COPY, { connection: { host: "a" }, source: new Asset({ text: "x" }) }, "remotePath"],
    [
      COPY,
      { connection: { host: "a" }, remotePath: "/f", source: new Asset({ uri: "file://x" }) },
      "source",
    ],
  ])("%s with %j: the failure names %s", async (urn, news, property) => {
    const { failures } = await plugin.check(urn, {}, news);
    expect(failures.map((failure) => failure.property)).toEqual([property]);
  });
});

describe("diff", () => {
  const oldInputs: PropertyMap = { create: "a", triggers: [1, { b: 2 }], stdin: new Secret("s") };
  const diff = (news: PropertyMap) =>
    plugin.diff(REMOTE, { oldInputs, olds: { ...oldInputs, stdout: "x", stderr: "" }, news });

  test("the same inputs: nothing", async () => {
    expect(await diff({ ...oldInputs, stdin: "s" })).toMatchObject({ changes: 1, diffs: [] });
  });

  test("a changed command, environment, stdin: an update", async () => {
    const result = await diff({ ...oldInputs, create: "b", stdin: "t", environment: { A: "1" } });
    expect(result).toMatchObject({ changes: 2, replaces: [] });
    expect(result.detailedDiff).toEqual({ create: 4, stdin: 4, environment: 0 });
  });

  test("a changed trigger, nested or appended: a replacement", async () => {
    expect(await diff({ ...oldInputs, triggers: [1, { b: 3 }] })).toMatchObject({
      replaces: ["triggers"],
      detailedDiff: { "triggers[1].b": 5 },
    });
    expect((await diff({ ...oldInputs, triggers: [1, { b: 2 }, UNKNOWN] })).replaces).toEqual([
      "triggers",
    ]);
  });
});

describe("remote command", () => {
  test("create runs once and keeps what it said, without the final line feed", async () => {
    const host = await startHost();
    const news = { create: "cat; echo err >&2", stdin: "one\n\n", connection: connectionTo(host) };
    const { id, outputs } = await plugin.create(REMOTE, news);
    expect(id).toMatch(/^job[0-9a-f]{8}$/);
    expect(outputs).toEqual({ ...news, stdout: "one\n", stderr: "err" });
    expect(host.commands).toEqual(["cat; echo err >&2"]);
  });

  test("a preview connects nowhere and knows no output", async () => {
    const host = await startHost();
    const news = { create: "true", connection: connectionTo(host) };
    const created = await plugin.create(REMOTE, news, { preview: true });
    expect(created.outputs).toMatchObject({ create: "true", stdout: UNKNOWN, stderr: UNKNOWN });
    const olds = { ...news, stdout: "old", stderr: "" };
    const changed = await plugin.update(REMOTE, {
      olds,
      news: { ...news, stdin: "x" },
      preview: true,
    });
    expect(changed.outputs).toMatchObject({ stdout: UNKNOWN });
    const forced = await plugin.update(REMOTE, { olds, news, preview: true });
    expect(forced.outputs).toMatchObject({ stdout: "old", stderr: "" });
    expect(host.connections()).toBe(0);
  });

  test("update runs `update`, else `create`, else nothing", async () => {
    const host = await startHost();
    const base = { connection: connectionTo(host) };
    const olds = { ...base, stdout: "old", stderr: "" };
    const update = (news: PropertyMap) =>
      plugin.update(REMOTE, { olds, news: { ...base, ...news } });
    expect((await update({ create: "echo c", update: "echo u" })).outputs["stdout"]).toBe("u");
    expect((await update({ create: "echo c" })).outputs["stdout"]).toBe("c");
    expect((await update({})).outputs["stdout"]).toBe("old");
  });

  test("delete runs `delete` with the state's connection, or nothing", async () => {
    const host = await startHost();
    const base = { connection: connectionTo(host), stdout: "", stderr: "" };
    await plugin.delete(REMOTE, "id", base);
    expect(host.connections()).toBe(0);
    await plugin.delete(REMOTE, "id", { ...base, delete: "echo gone" });
    expect(host.commands).toEqual(["echo gone"]);
  });

  test("earlier outputs go into the environment, unless that is turned off", async () => {
    const names = ["PULUMI_COMMAND_STDOUT", "PULUMI_COMMAND_STDERR"];
    const host = await startHost({ acceptEnv: names });
    const news = { update: "echo $PULUMI_COMMAND_STDOUT", connection: connectionTo(host) };
    const olds = { ...news, stdout: "before", stderr: "" };
    expect((await plugin.update(REMOTE, { olds, news })).outputs["stdout"]).toBe("before");
    const off = { ...news, addPreviousOutputInEnv: false };
    expect((await plugin.update(REMOTE, { olds, news: off })).outputs["stdout"]).toBe("");
  });

  test("a server that does not take them is a warning, one that refuses `environment` an error", async () => {
    const host = await startHost();
    const news = { update: "echo ran", connection: connectionTo(host) };
    const olds = { ...news, stdout: "before", stderr: "" };
    expect((await plugin.update(REMOTE, { olds, news })).outputs["stdout"]).toBe("ran");
    expect(engine.logs).toContainEqual(
      expect.objectContaining({
        severity: 2,
        message: expect.stringContaining('"AcceptEnv PULUMI_COMMAND_STDOUT"') as string,
      }),
    );
    const wanted = { create: "echo ran", environment: { A: "x" }, connection: connectionTo(host) };
    expect(await detailsOf(plugin.create(REMOTE, wanted))).toContain("AcceptEnv A");
  });

  test.each([
    ["stdoutAndStderr", ["err", "out"]],
    ["stdout", ["out"]],
    ["stderr", ["err"]],
    ["none", []],
  ])("logging %s shows %j", async (logging, shown) => {
    const host = await startHost();
    const create = "echo out; sleep 0.1; printf err >&2";
    await plugin.create(REMOTE, { create, logging, connection: connectionTo(host) });
    expect(engine.logs.map(({ message }) => message).sort()).toEqual(shown);
    expect(engine.logs.every(({ ephemeral, urn }) => ephemeral && urn === REMOTE)).toBe(true);
  });

  test("a failing command: host, status, command and output, also with logging none", async () => {
    const host = await startHost();
    const create = "echo said; echo why >&2; exit 4";
    const news = { create, logging: "none", connection: connectionTo(host) };
    const details = await detailsOf(plugin.create(REMOTE, news));
    expect(details).toContain(`127.0.0.1:${host.port}: Process exited with status 4: running`);
    expect(details).toContain(JSON.stringify(create));
    expect(details).toContain("said\n");
    expect(details).toContain("why\n");
    expect(engine.logs).toEqual([]);
  });

  test("no secret is in an error or a log line, even one that the command prints", async () => {
    const host = await startHost({ acceptEnv: ["PASSWORD"] });
    const news = {
      create: new Secret("cat; echo $PASSWORD; : hidden-command; exit 1"),
      stdin: new Secret("first-secret-line\nsecond-secret-line\n"),
      environment: { PASSWORD: new Secret("env-secret") },
      connection: new Secret(connectionTo(host)),
    };
    const details = await detailsOf(plugin.create(REMOTE, news));
    const shown = details + JSON.stringify(engine.logs);
    expect(details).toContain("status 1: running [secret]:\n[secret]\n[secret]");
    for (const secret of ["secret-line", "env-secret", "hidden-command", "PRIVATE KEY"]) {
      expect(shown).not.toContain(secret);
    }
  });

  test("the end of a long output is what the error shows", async () => {
    const host = await startHost();
    const create = "seq 1 20000; echo the reason; exit 1";
    const details = await detailsOf(
      plugin.create(REMOTE, { create, connection: connectionTo(host) }),
    );
    expect(details).toMatch(/characters left out[^]*the reason\n$/);
    expect(details.length).toBeLessThan(10_000);
  });

  test("cancel ends a running command", async () => {
    const host = await startHost();
    const call = detailsOf(
      plugin.create(REMOTE, { create: "echo begun; sleep 60", connection: connectionTo(host) }),
    );
    while (host.commands.length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    await plugin.cancel();
    expect(await call).toContain("cancelled by the user");
    await host.idle();
  });
});

describe("local command", () => {
  test("runs in its folder with its environment, interpreter and input", async () => {
    const folder = temporaryFolder();
    const base = { dir: folder, environment: { A: "one" }, stdin: "in" };
    const shell = await plugin.create(LOCAL, { ...base, create: "pwd; echo $A; cat; echo e >&2" });
    expect(shell.outputs).toMatchObject({
      stdout: `${fs.realpathSync(folder)}\none\nin`,
      stderr: "e",
    });
    const interpreter = ["/bin/sh", "-c", 'echo "$0"'];
    const other = await plugin.create(LOCAL, { interpreter, create: "the command" });
    expect(other.outputs["stdout"]).toBe("the command");
  });

  test("a failure shows status and output, no secret", async () => {
    const details = await detailsOf(
      plugin.create(LOCAL, { create: "cat; exit 3", stdin: new Secret("hidden-input") }),
    );
    expect(details).toBe('exit status 3: running "cat; exit 3":\n[secret]');
  });

  test.each([
    [{ create: "true", dir: "/does/not/exist" }],
    [{ create: "true", interpreter: ["/does/not/exist"] }],
  ])("what cannot be started says so: %j", async (news) => {
    expect(await detailsOf(plugin.create(LOCAL, news))).toContain("program or folder not found");
  });

  test("update and delete see the earlier output", async () => {
    const folder = temporaryFolder();
    const state = {
      create: "echo new after $PULUMI_COMMAND_STDOUT",
      delete: "echo deleted after $PULUMI_COMMAND_STDOUT > log",
      dir: folder,
    };
    const olds = { ...state, stdout: "old", stderr: "" };
    const { outputs } = await plugin.update(LOCAL, { olds, news: state });
    expect(outputs["stdout"]).toBe("new after old");
    await plugin.delete(LOCAL, "id", outputs);
    expect(fs.readFileSync(path.join(folder, "log"), "utf8")).toBe("deleted after new after old\n");
  });

  test("cancel ends it, although what it started goes on", async () => {
    const folder = temporaryFolder();
    const create = "(sleep 3) & touch begun; wait";
    const call = detailsOf(plugin.create(LOCAL, { create, dir: folder }));
    while (!fs.existsSync(path.join(folder, "begun"))) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await plugin.cancel();
    expect(await call).toContain("cancelled by the user");
  });
});

describe("copy to remote", () => {
  async function start(): Promise<{
    root: string;
    local: string;
    connection: PropertyMap;
    host: TestServer;
  }> {
    const root = temporaryFolder();
    const host = await startHost({ sftpRoot: root });
    return { root, local: temporaryFolder(), connection: connectionTo(host), host };
  }

  test("a text, into folders that are made", async () => {
    const { root, connection } = await start();
    const source = new Asset({ text: "hello" }, "h");
    const news = { source, connection, remotePath: "/a/b/f" };
    const { id, outputs } = await plugin.create(COPY, news);
    expect(id).toMatch(/^[0-9a-f]{8}$/);
    expect(outputs).toEqual(news);
    expect(fs.readFileSync(path.join(root, "a/b/f"), "utf8")).toBe("hello");
  });

  test("a file: to its path, or into a folder that exists", async () => {
    const { root, local, connection } = await start();
    const file = path.join(local, "archive.tgz");
    fs.writeFileSync(file, "content");
    fs.mkdirSync(path.join(root, "folder"));
    const source = new Archive({ path: file }, "h");
    await plugin.create(COPY, { source, connection, remotePath: "/new/name" });
    await plugin.create(COPY, { source, connection, remotePath: "/folder" });
    expect(fs.readFileSync(path.join(root, "new/name"), "utf8")).toBe("content");
    expect(fs.readFileSync(path.join(root, "folder/archive.tgz"), "utf8")).toBe("content");
  });

  test("a folder, with and without a final slash", async () => {
    const { root, local, connection } = await start();
    fs.mkdirSync(path.join(local, "conf/sub"), { recursive: true });
    fs.writeFileSync(path.join(local, "conf/sub/f"), "x");
    const folder = path.join(local, "conf");
    const remotePath = "/target";
    await plugin.create(COPY, { source: new Archive({ path: folder }), connection, remotePath });
    await plugin.create(COPY, {
      source: new Archive({ path: `${folder}/` }),
      connection,
      remotePath,
    });
    expect(fs.readFileSync(path.join(root, "target/conf/sub/f"), "utf8")).toBe("x");
    expect(fs.readFileSync(path.join(root, "target/sub/f"), "utf8")).toBe("x");
  });

  test("copies again when content or path change, not when only the host does", async () => {
    const { connection, host, root } = await start();
    const olds = { source: new Asset({ text: "a" }, "1"), connection, remotePath: "/f" };
    const update = (news: PropertyMap) => plugin.update(COPY, { olds, news: { ...olds, ...news } });
    await update({ connection: { ...connection, perDialTimeout: 7 } });
    expect(host.connections()).toBe(0);
    await update({ source: new Asset({ text: "b" }, "2") });
    expect(fs.readFileSync(path.join(root, "f"), "utf8")).toBe("b");
    await update({ remotePath: "/g" });
    expect(fs.readFileSync(path.join(root, "g"), "utf8")).toBe("a");
  });

  test("a file that is missing here is found before the host is dialled", async () => {
    const { connection, host } = await start();
    const news = {
      source: new Asset({ path: "/does/not/exist" }, "h"),
      connection,
      remotePath: "/f",
    };
    expect(await detailsOf(plugin.create(COPY, news))).toContain("/does/not/exist");
    expect(host.connections()).toBe(0);
  });

  test("a text cannot become a folder", async () => {
    const { connection, root } = await start();
    fs.mkdirSync(path.join(root, "folder"));
    const news = { source: new Asset({ text: "x" }), connection, remotePath: "/folder" };
    expect(await detailsOf(plugin.create(COPY, news))).toContain(
      "needs a remotePath that names a file",
    );
  });
});

test("the schema names what the plugin covers", async () => {
  const schema = JSON.parse(await plugin.getSchema()) as { resources: Record<string, unknown> };
  expect(Object.keys(schema.resources).sort()).toEqual(
    Object.keys(commandProvider.resources).sort(),
  );
});
