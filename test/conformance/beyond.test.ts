import fs from "node:fs";
import { fingerprint, parseHostKey } from "../../plugins/common/ssh";
import { SshHost } from "../support/conformance/sshd";
import type { ConformanceStack, Resource, Value } from "../support/conformance/stack";
import { secret, stackMaker, text } from "../support/conformance/stack";
import { endProcesses, processesWithEnv, waitForEnd } from "../../scripts/lib/processes";
import { bundlePlugin } from "../../toolchain";
import { generateKey } from "../support/ssh/server";

/** What this project's own plugin does on top of the official one's behaviour. */
let host: SshHost;
let makeStack: () => ConformanceStack;
let stack: ConformanceStack;

jest.setTimeout(300_000);

beforeAll(async () => {
  const log = (line: string): void => void process.stderr.write(`${line}\n`);
  makeStack = await stackMaker((await bundlePlugin(log, "command")).folder);
  host = await SshHost.start();
});

afterAll(() => host.stop());

beforeEach(() => {
  stack = makeStack();
});

afterEach(() => stack.remove());

const job = (args: Readonly<Record<string, Value>>): Resource => ({
  name: "job",
  type: "remote.Command",
  args: { connection: host.connection(), ...args },
});

const commandLine = (pid: number): string => fs.readFileSync(`/proc/${pid}/cmdline`, "utf8");

const begun = async (mark: string): Promise<void> => {
  while ((await host.read(mark)) === "absent") {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
};

/** Its sleep outlasts every test: it is only gone when something ended it. */
const endless = (mark: string): Resource => job({ create: `touch ${mark}; sleep 4321` });
const sleeping = (): Promise<string> => host.shell("pgrep -f 'sleep 432[1]' || echo none");

test("SIGINT ends a running command on the host", async () => {
  const engine = stack.start("up", [endless("/tmp/interrupted")]);
  await begun("/tmp/interrupted");
  expect(await sleeping()).not.toBe("none");
  engine.process.kill("SIGINT");
  const run = await engine.ended;
  expect(run.exitCode).not.toBe(0);
  expect(run.errors).toContain("cancelled by the user");
  expect(await sleeping()).toBe("none");
});

test("when the engine is killed, the plugin ends the command and itself", async () => {
  const engine = stack.start("up", [endless("/tmp/killed")]);
  await begun("/tmp/killed");
  const plugins = processesWithEnv("CONFORMANCE_PROGRAM", stack.programFile).filter(({ pid }) =>
    commandLine(pid).includes("pulumi-resource-command"),
  );
  expect(plugins).toHaveLength(1);
  engine.process.kill("SIGKILL");
  expect(await waitForEnd(plugins, 60_000)).toBe(true);
  while ((await sleeping()) !== "none") await new Promise((resolve) => setTimeout(resolve, 100));
  // The language host outlives a killed engine by a minute and more.
  await endProcesses(processesWithEnv("CONFORMANCE_PROGRAM", stack.programFile));
});

test("a wrong host key is dialled once; the error names both keys and the remedy", async () => {
  const { publicKey } = generateKey();
  const connection = host.connection({ hostKey: publicKey });
  const run = await stack.run("up", [job({ create: "true", connection })]);
  expect(run.exitCode).not.toBe(0);
  expect(run.errors).toContain(`${host.address}:22 has another host key than the pinned one`);
  expect(run.errors).toContain(fingerprint(parseHostKey(publicKey).blob));
  expect(run.errors).toContain(fingerprint(parseHostKey(host.hostKey.publicKey).blob));
  expect(run.errors).toContain("pin its new key");
});

test("a secret that a failing command prints is not shown", async () => {
  const run = await stack.run("up", [
    job({ create: "cat; cat /dev/null; exit 3", stdin: secret("hidden-input\n") }),
  ]);
  expect(run.errors).toContain("[secret]");
  expect(run.everything).not.toContain("hidden-input");
});

// One a preview: the engine ends at the first check that fails, whichever that is.
test.each([
  [
    "connection.proxy",
    () => job({ create: "true", connection: host.connection({ proxy: { host: "10.0.0.1" } }) }),
  ],
  [
    "assetPaths",
    () => ({
      name: "local",
      type: "local.Command" as const,
      args: { create: "true", assetPaths: ["*"] },
    }),
  ],
] as const)(
  "%s, which it does not cover, is refused by the preview",
  async (property, resource) => {
    const run = await stack.run("preview", [resource()]);
    expect(run.exitCode).not.toBe(0);
    expect(run.errors).toContain(property);
  },
);

test("a full disk on the host is named", async () => {
  const remotePath = "/dev/shm/file";
  const size = Number(await host.shell("df --output=avail -B1 /dev/shm | tail -1"));
  const run = await stack.run("up", [
    {
      name: "copy",
      type: "remote.CopyToRemote",
      args: {
        connection: host.connection(),
        source: text("x".repeat(size + 1)),
        remotePath,
      },
    },
  ]);
  await host.shell(`rm -f ${remotePath}`);
  expect(run.exitCode).not.toBe(0);
  expect(run.errors).toContain("the disk is full");
});
