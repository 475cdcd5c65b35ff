import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { SshHost } from "../support/conformance/sshd";
import type { ConformanceStack, Resource, Value } from "../support/conformance/stack";
import {
  archive,
  file,
  output,
  pluginUnderTest,
  secret,
  stackMaker,
  text,
} from "../support/conformance/stack";
import { generateKey } from "../support/ssh/server";

/**
 * What a stack may rely on, of whichever command plugin. PI_LAB_COMMAND_PLUGIN names the one under
 * test (the file or its folder); by default it is this project's own.
 */
let host: SshHost;
let makeStack: () => ConformanceStack;
let stack: ConformanceStack;
/** A folder on the host for each test, so that none sees another's files. */
let home: string;
let count = 0;

jest.setTimeout(300_000);

beforeAll(async () => {
  const plugin = await pluginUnderTest((line) => process.stderr.write(`${line}\n`));
  makeStack = await stackMaker(plugin);
  host = await SshHost.start();
});

afterAll(() => host.stop());

beforeEach(async () => {
  stack = makeStack();
  home = `/home/pi/${++count}`;
  await host.shell(`install -d -o pi ${home}`);
});

afterEach(() => stack.remove());

/** A remote command that does not pass its earlier output on: the host would not take it. */
function job(args: Readonly<Record<string, Value>>, name = "job"): Resource {
  const connection = host.connection();
  return {
    name,
    type: "remote.Command",
    args: { addPreviousOutputInEnv: false, connection, ...args },
  };
}

function local(args: Readonly<Record<string, Value>>): Resource {
  return { name: "job", type: "local.Command", args };
}

const copy = (args: Readonly<Record<string, Value>>): Resource => ({
  name: "copy",
  type: "remote.CopyToRemote",
  args: { connection: host.connection(), ...args },
});

const outputsOf = (run: { resources: Readonly<Record<string, { outputs: unknown }>> }) =>
  run.resources["job"]?.outputs as Record<string, unknown>;

describe("remote.Command", () => {
  test("is created once, updated by `update`, deleted by `delete`", async () => {
    const log = `${home}/log`;
    const of = (word: string): Resource =>
      job({
        create: `echo created ${word} >> ${log}; echo out; echo err >&2`,
        update: `echo updated ${word} >> ${log}; echo out ${word}`,
        delete: `echo deleted ${word} >> ${log}`,
      });
    const created = await stack.up([of("one")]);
    expect(created.steps).toEqual(["create job"]);
    expect(outputsOf(created)).toMatchObject({ stdout: "out", stderr: "err" });
    expect((await stack.up([of("one")])).steps).toEqual([]);
    expect((await stack.run("refresh", [of("one")])).exitCode).toBe(0);
    expect((await stack.up([of("one")])).steps).toEqual([]);
    const updated = await stack.up([of("two")]);
    expect(updated.steps).toEqual(["update job"]);
    expect(outputsOf(updated)).toMatchObject({ stdout: "out two", stderr: "" });
    expect((await stack.up([])).steps).toEqual(["delete job"]);
    expect(await host.read(log)).toBe("created one\nupdated two\ndeleted two");
  });

  test("without `update` runs `create` again; without any command does nothing", async () => {
    const created = await stack.up([job({ create: "echo a" })]);
    expect(outputsOf(created)["stdout"]).toBe("a");
    const changed = await stack.up([job({ create: "echo b" })]);
    expect(changed.steps).toEqual(["update job"]);
    expect(outputsOf(changed)["stdout"]).toBe("b");
    const emptied = await stack.up([job({})]);
    expect(emptied.steps).toEqual(["update job"]);
    expect(outputsOf(emptied)["stdout"]).toBe("b");
  });

  test("a changed trigger replaces: the new one's create, then the old one's delete", async () => {
    const log = `${home}/log`;
    const of = (trigger: Value): Resource =>
      job({
        create: `echo created >> ${log}`,
        update: `echo updated >> ${log}`,
        delete: `echo deleted >> ${log}`,
        triggers: ["same", { version: trigger }],
      });
    await stack.up([of(1)]);
    const replaced = await stack.up([of(2)]);
    expect(replaced.steps).toEqual(
      expect.arrayContaining(["create-replacement job", "delete-replaced job"]),
    );
    expect(await host.read(log)).toBe("created\ncreated\ndeleted");
  });

  test("passes standard input", async () => {
    const run = await stack.up([job({ create: "wc -l; true", stdin: "one\ntwo\n" })]);
    expect(outputsOf(run)["stdout"]).toBe("2");
    const large = await stack.up([job({ create: "wc -c", stdin: "x".repeat(1_000_000) })]);
    expect(outputsOf(large)["stdout"]).toBe("1000000");
  });

  test("passes the environment that the server takes, and fails for what it does not", async () => {
    const create = `echo $LC_ONE-$LC_TWO; echo ran >> ${home}/log`;
    const run = await stack.up([job({ create, environment: { LC_ONE: "1", LC_TWO: "a b" } })]);
    expect(outputsOf(run)["stdout"]).toBe("1-a b");
    const refused = await stack.run("up", [job({ create, environment: { OTHER: "1" } })]);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.errors).toContain("OTHER");
    expect(await host.read(`${home}/log`)).toBe("ran");
  });

  test("earlier output that the server does not take is a warning, and the command runs", async () => {
    await stack.up([job({ create: "echo a", addPreviousOutputInEnv: true })]);
    const run = await stack.up([job({ create: "echo b", addPreviousOutputInEnv: true })]);
    expect(outputsOf(run)["stdout"]).toBe("b");
    expect(run.logs.join("\n")).toContain("PULUMI_COMMAND_STDOUT");
  });

  test("logging chooses which lines are shown, and keeps all as outputs", async () => {
    const modes = ["stdoutAndStderr", "stdout", "stderr", "none"];
    const create = (mode: string): string => `echo ${mode}-out; sleep 0.3; echo ${mode}-err >&2`;
    const run = await stack.up([
      job({ create: create("default") }, "default"),
      ...modes.map((logging) => job({ create: create(logging), logging }, logging)),
    ]);
    const shown = (mode: string): string[] =>
      run.logs.filter((line) => line === `${mode}-out` || line === `${mode}-err`);
    expect(shown("default")).toEqual(["default-out", "default-err"]);
    expect(shown("stdoutAndStderr")).toEqual(["stdoutAndStderr-out", "stdoutAndStderr-err"]);
    expect(shown("stdout")).toEqual(["stdout-out"]);
    expect(shown("stderr")).toEqual(["stderr-err"]);
    expect(shown("none")).toEqual([]);
    expect(run.resources["none"]?.outputs).toMatchObject({
      stdout: "none-out",
      stderr: "none-err",
    });
  });

  test("a failing create: the error has status and output, nothing is kept, a mended one runs", async () => {
    const failed = await stack.run("up", [job({ create: "echo why >&2; exit 7" })]);
    expect(failed.exitCode).not.toBe(0);
    expect(failed.errors).toContain("Process exited with status 7");
    expect(failed.errors).toContain("why");
    const mended = await stack.up([job({ create: "true" })]);
    expect(mended.steps).toEqual(["create job"]);
  });

  test("a failing update is tried again by the next run", async () => {
    const of = (word: string): Resource =>
      job({ create: "true", update: `test -e ${home}/ready`, stdin: word });
    await stack.up([of("a")]);
    expect((await stack.run("up", [of("b")])).exitCode).not.toBe(0);
    await host.shell(`touch ${home}/ready`);
    expect((await stack.up([of("b")])).steps).toEqual(["update job"]);
    expect((await stack.up([of("b")])).steps).toEqual([]);
  });

  test("a failing delete keeps the resource", async () => {
    await stack.up([job({ create: "true", delete: `test -e ${home}/ready` })]);
    expect((await stack.run("up", [])).exitCode).not.toBe(0);
    await host.shell(`touch ${home}/ready`);
    expect((await stack.up([])).steps).toEqual(["delete job"]);
  });

  test("an output that is not known in a preview reaches the next command in the run", async () => {
    const resources = [
      job({ create: "echo first" }, "first"),
      job({ create: "cat", stdin: output("first", "stdout"), triggers: [output("first", "id")] }),
    ];
    const preview = await stack.run("preview", resources);
    expect([...preview.steps].sort()).toEqual(["create first", "create job"]);
    expect(outputsOf(await stack.up(resources))["stdout"]).toBe("first");
    expect((await stack.run("preview", resources)).steps).toEqual([]);
  });

  test("secrets are neither printed nor lie in the state in plain", async () => {
    const resources = (word: string): Resource[] => [
      job({
        create: "cat > /dev/null",
        stdin: secret(`hidden-input-${word}`),
        environment: { LC_PASSWORD: secret(`hidden-env-${word}`) },
        connection: host.connection(),
      }),
    ];
    const created = await stack.up(resources("one"));
    const preview = await stack.run("preview", resources("two"));
    const updated = await stack.up(resources("two"));
    const failed = await stack.run("up", [
      job({ create: "cat > /dev/null; exit 1", stdin: secret("hidden-input-three") }),
    ]);
    expect(updated.steps).toEqual(["update job"]);
    expect(failed.exitCode).not.toBe(0);
    const keyLine = host.userKey.privateKey.split("\n")[2] ?? "";
    expect(keyLine.length).toBeGreaterThan(20);
    for (const run of [created, preview, updated, failed]) {
      expect(run.everything).not.toContain("hidden-");
      expect(run.everything).not.toContain(keyLine);
    }
    expect(stack.stateText()).not.toContain("hidden-");
    expect(stack.stateText()).not.toContain(keyLine);
  });

  test("a dozen commands at once on one host", async () => {
    const resources = Array.from({ length: 12 }, (_, i) => job({ create: `echo ${i}` }, `job${i}`));
    const run = await stack.up(resources);
    resources.forEach(({ name }, i) => {
      expect(run.resources[name]?.outputs["stdout"]).toBe(String(i));
    });
  });

  test("SIGINT ends the run; no command goes on after it, and the next run works", async () => {
    const create = `touch ${home}/begun; sleep 13.5`;
    const engine = stack.start("up", [
      job({ create }),
      { ...job({ create: "true" }, "next"), dependsOn: ["job"] },
    ]);
    while ((await host.read(`${home}/begun`)) === "absent") {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    engine.process.kill("SIGINT");
    const run = await engine.ended;
    expect(run.exitCode).not.toBe(0);
    expect(run.steps).not.toContain("create next");
    expect(await host.shell("pgrep -f 'sleep 13[.]5' || echo none")).toBe("none");
    await stack.up([job({ create: "echo mended" })]);
  });
});

describe("connection", () => {
  test("a wrong host key ends the run before anything is run; the right one mends it", async () => {
    const wrong = host.connection({ hostKey: generateKey().publicKey, dialErrorLimit: 1 });
    const create = `echo ran >> ${home}/log`;
    const run = await stack.run("up", [job({ create, connection: wrong })]);
    expect(run.exitCode).not.toBe(0);
    expect(run.errors).toMatch(/host key/i);
    expect(await host.read(`${home}/log`)).toBe("absent");
    await stack.up([job({ create })]);
    expect(await host.read(`${home}/log`)).toBe("ran");
  });

  test("a refused key ends the run", async () => {
    const stranger = host.connection({ privateKey: generateKey().privateKey, dialErrorLimit: 1 });
    const run = await stack.run("up", [job({ create: "true", connection: stranger })]);
    expect(run.exitCode).not.toBe(0);
    expect(run.errors).toMatch(/unable to authenticate|refuses pi/);
    expect(run.errors).not.toContain("PRIVATE KEY");
  });

  test("a host that does not answer is dialled again up to the limit", async () => {
    let dials = 0;
    const server = net.createServer((socket) => {
      dials++;
      socket.destroy();
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as net.AddressInfo;
    const connection = host.connection({ host: "127.0.0.1", port, dialErrorLimit: 2 });
    const run = await stack.run("up", [job({ create: "true", connection })]);
    server.close();
    expect(run.exitCode).not.toBe(0);
    expect(dials).toBe(3);
  });

  test("neither a preview nor an unchanged run connects", async () => {
    const resources = [job({ create: "true", delete: "true" })];
    await stack.up(resources);
    const before = await host.logins();
    expect(before).toBeGreaterThan(0);
    expect((await stack.run("preview", resources)).exitCode).toBe(0);
    expect((await stack.up(resources)).steps).toEqual([]);
    expect(await host.logins()).toBe(before);
  });

  test("a changed connection runs `update` there", async () => {
    const of = (perDialTimeout: number): Resource =>
      job({
        create: `echo created >> ${home}/log`,
        update: `echo updated >> ${home}/log`,
        connection: host.connection({ perDialTimeout }),
      });
    await stack.up([of(10)]);
    expect((await stack.up([of(11)])).steps).toEqual(["update job"]);
    expect(await host.read(`${home}/log`)).toBe("created\nupdated");
  });
});

describe("remote.CopyToRemote", () => {
  test("copies a file, and again when its content or its path changes", async () => {
    const source = path.join(stack.folder, "source.bin");
    fs.writeFileSync(source, Buffer.alloc(300_000, "one "));
    const of = (remotePath: string): Resource[] => [copy({ source: file(source), remotePath })];
    expect((await stack.up(of(`${home}/a/b/file`))).steps).toEqual(["create copy"]);
    expect(await host.shell(`wc -c < ${home}/a/b/file; head -c 4 ${home}/a/b/file`)).toBe(
      "300000\none",
    );
    expect((await stack.up(of(`${home}/a/b/file`))).steps).toEqual([]);
    fs.writeFileSync(source, "two");
    expect((await stack.up(of(`${home}/a/b/file`))).steps).toEqual(["update copy"]);
    expect(await host.read(`${home}/a/b/file`)).toBe("two");
    expect((await stack.up(of(`${home}/other`))).steps).toEqual(["update copy"]);
    expect(await host.read(`${home}/other`)).toBe("two");
    expect((await stack.run("refresh", of(`${home}/other`))).exitCode).toBe(0);
    expect((await stack.up(of(`${home}/other`))).steps).toEqual([]);
    expect((await stack.up([])).steps).toEqual(["delete copy"]);
    expect(await host.read(`${home}/other`)).toBe("two");
  });

  test("copies nothing when only the connection changes, everything when a trigger does", async () => {
    const remotePath = `${home}/file`;
    const of = (args: Readonly<Record<string, Value>>): Resource[] => [
      copy({ source: text("content"), remotePath, ...args }),
    ];
    await stack.up(of({}));
    expect(await host.read(remotePath)).toBe("content");
    await host.shell(`rm ${remotePath}`);
    const connection = host.connection({ perDialTimeout: 11 });
    expect((await stack.up(of({ connection }))).steps).toEqual(["update copy"]);
    expect(await host.read(remotePath)).toBe("absent");
    const replaced = await stack.up(of({ connection, triggers: ["new"] }));
    expect(replaced.steps).toContain("create-replacement copy");
    expect(await host.read(remotePath)).toBe("content");
  });

  test("a packed archive goes as it is; a folder goes into the path, its content with a slash", async () => {
    const packed = path.join(stack.folder, "kafka.tgz");
    fs.writeFileSync(packed, "packed");
    const folder = path.join(stack.folder, "conf");
    fs.mkdirSync(path.join(folder, "sub"), { recursive: true });
    fs.writeFileSync(path.join(folder, "sub/file"), "inside");
    await host.shell(`install -d -o pi ${home}/existing`);
    await stack.up([
      { ...copy({ source: archive(packed), remotePath: `${home}/existing` }), name: "packed" },
      { ...copy({ source: archive(folder), remotePath: `${home}/whole` }), name: "whole" },
      { ...copy({ source: archive(`${folder}/`), remotePath: `${home}/inner` }), name: "inner" },
    ]);
    expect(await host.read(`${home}/existing/kafka.tgz`)).toBe("packed");
    expect(await host.read(`${home}/whole/conf/sub/file`)).toBe("inside");
    expect(await host.read(`${home}/inner/sub/file`)).toBe("inside");
  });

  test("a path that may not be written is an error that names it", async () => {
    const run = await stack.run("up", [copy({ source: text("x"), remotePath: "/root/file" })]);
    expect(run.exitCode).not.toBe(0);
    expect(run.errors).toContain("/root/file");
  });

  test("a source that is none is refused by the preview, with its property", async () => {
    const run = await stack.run("preview", [
      copy({ source: { $archive: "https://127.0.0.1:9/x.tgz" }, remotePath: "/x" }),
    ]);
    expect(run.exitCode).not.toBe(0);
    expect(run.errors).toMatch(/archive|source/);
  });
});

describe("local.Command", () => {
  test("is created, updated, deleted in its folder, with its environment and interpreter", async () => {
    const of = (word: string): Resource =>
      local({
        create: "echo create $WORD; cat",
        update: "echo update $WORD after $PULUMI_COMMAND_STDOUT",
        delete: "echo delete $WORD > gone",
        dir: stack.folder,
        environment: { WORD: word },
        stdin: "in",
        interpreter: ["/bin/sh", "-e", "-c"],
      });
    const created = await stack.up([of("one")]);
    expect(outputsOf(created)["stdout"]).toBe("create one\nin");
    expect((await stack.up([of("one")])).steps).toEqual([]);
    const updated = await stack.up([of("two")]);
    expect(updated.steps).toEqual(["update job"]);
    expect(outputsOf(updated)["stdout"]).toBe("update two after create one in");
    await stack.up([]);
    expect(fs.readFileSync(path.join(stack.folder, "gone"), "utf8")).toBe("delete two\n");
  });

  test("a failure has status and output; a changed trigger replaces", async () => {
    const failed = await stack.run("up", [local({ create: "echo why >&2; exit 5" })]);
    expect(failed.exitCode).not.toBe(0);
    expect(failed.errors).toContain("exit status 5");
    expect(failed.errors).toContain("why");
    const log = path.join(stack.folder, "log");
    const of = (trigger: string): Resource =>
      local({
        create: `echo created >> ${log}`,
        delete: `echo deleted >> ${log}`,
        triggers: [trigger],
      });
    await stack.up([of("a")]);
    await stack.up([of("b")]);
    expect(fs.readFileSync(log, "utf8")).toBe("created\ncreated\ndeleted\n");
  });

  test("a missing folder is an error", async () => {
    const run = await stack.run("up", [local({ create: "true", dir: "/does/not/exist" })]);
    expect(run.exitCode).not.toBe(0);
    expect(run.errors).toContain("/does/not/exist");
  });
});

test("destroy runs each resource's delete", async () => {
  await stack.up([job({ create: "true", delete: `echo deleted > ${home}/log` })]);
  expect((await stack.destroy()).steps).toEqual(["delete job"]);
  expect(await host.read(`${home}/log`)).toBe("deleted");
});
