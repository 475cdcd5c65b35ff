import { createHash } from "node:crypto";
import { chmod, mkdtemp, readFile, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { spawnSync } from "node:child_process";

import { type Push, pushes } from "../../model/host-wants";
import { Secret, type PropertyMap } from "../../plugins/common/rpc";
import { pilabProvider } from "../../provider/provider";
import { openSshShell } from "../../provider/ssh/ssh2";
import { ProviderDriver, type ResourceDriver } from "../support/provider-driver";
import { generateKey, startSshServer, type TestServer } from "../support/ssh/server";

/** The provider over gRPC, which looks at files of this machine over SSH. Units are met in the lab. */

const UPDATE = 4;
const user = generateKey();
let root: string;
let server: TestServer;
let driver: ProviderDriver;
let state: ResourceDriver;
let config: string;
let helper: string;

beforeEach(async () => {
  root = await realpath(await mkdtemp(join(tmpdir(), "pi-lab-state-")));
  server = await startSshServer({ authorizedKeys: [user.publicKey] });
  const connectAdmin = () => {
    throw new Error("a host's state asks nothing of the cluster");
  };
  driver = await ProviderDriver.start(pilabProvider({ connectAdmin, openShell: openSshShell }));
  state = driver.resource("pilab:lab/hostState:HostState", "broker-1-state");
  config = join(root, "server.properties");
  helper = join(root, "stage.sh");
  await writeFile(config, "node.id=1\n");
  await writeFile(helper, "#!/bin/sh\n");
  await chmod(config, 0o644);
  await chmod(helper, 0o755);
});

afterEach(async () => {
  await driver.stop();
  await server.close();
  await rm(root, { recursive: true, force: true });
});

function inputs(content = "node.id=1\n"): PropertyMap {
  const { username } = userInfo();
  const group = spawnSync("id", ["-gn"], { encoding: "utf8" }).stdout.trim();
  const file = (text: string, mode: string): PropertyMap => ({
    sha256: createHash("sha256").update(text).digest("hex"),
    mode,
    owner: `${username}:${group}`,
  });
  return {
    host: "broker-1",
    connection: {
      host: "127.0.0.1",
      port: server.port,
      user: "pi",
      sudo: false,
      privateKey: new Secret(user.privateKey),
      hostKey: server.hostKeys[0]!.publicKey.trim(),
    },
    pushes: {
      prepare: { files: { [helper]: file("#!/bin/sh\n", "0755") } },
      stage: { files: { [config]: file(content, "0644") } },
    },
  };
}

/** How often each push is to run again: none but these. */
const counted = (some: Partial<Record<Push, number>>) => ({
  ...Object.fromEntries(pushes.map((push) => [push, 0])),
  ...some,
});

const path = (of: string, push: string, leaf: string): string =>
  `pushes.${push}.files["${of}"].${leaf}`;
const warnings = (): string[] =>
  driver.logs.filter(({ severity }) => severity === WARNING).map(({ message }) => message);
/** Of the engine's log. */
const WARNING = 2;

test("nothing is dialled but at a refresh, and a host as it was left is quiet", async () => {
  await expect(state.up(inputs())).resolves.toBe("created");
  await expect(state.up(inputs())).resolves.toBe("unchanged");
  expect(server.connections()).toBe(0);
  await state.refresh();
  expect(server.connections()).toBe(1);
  await expect(state.diff(inputs())).resolves.toEqual({});
  expect(state.known().outputs).toEqual({
    host: "broker-1",
    pushes: {},
    leftAlone: [],
    generations: counted({}),
  });
});

test("an edited file shows as its hash, counts up its own push alone, and is quiet once it is mended", async () => {
  await state.up(inputs());
  await writeFile(config, "node.id=1\nlog.retention.hours=1\n");
  await state.refresh();
  await expect(state.diff(inputs())).resolves.toEqual({
    [path(config, "stage", "sha256")]: UPDATE,
  });
  const { stage } = state.known().outputs["pushes"] as Record<string, PropertyMap>;
  expect(JSON.stringify(stage)).toMatch(/"edited by hand \([0-9a-f]{12}…\)"/);

  await expect(state.up(inputs())).resolves.toBe("updated");
  expect(state.known().outputs["generations"]).toEqual(counted({ stage: 1 }));
  // The push that it triggers.
  await writeFile(config, "node.id=1\n");
  await expect(state.up(inputs())).resolves.toBe("unchanged");
  await state.refresh();
  await expect(state.diff(inputs())).resolves.toEqual({});
  expect(state.known().outputs["generations"]).toEqual(counted({ stage: 1 }));
});

test("drift that the pushes have not mended is found, and counted, again", async () => {
  await state.up(inputs());
  await chmod(helper, 0o644);
  await rm(config);
  for (const count of [1, 2]) {
    await state.refresh();
    await expect(state.diff(inputs())).resolves.toEqual({
      [path(helper, "prepare", "mode")]: UPDATE,
      [path(config, "stage", "sha256")]: UPDATE,
    });
    await state.up(inputs());
    expect(state.known().outputs["generations"]).toEqual(counted({ prepare: count, stage: count }));
  }
});

test("a preview of the mending knows which pushes run, and dials nobody", async () => {
  await state.up(inputs());
  await rm(config);
  await state.refresh();
  const { outputs: olds } = state.known();
  const dialled = server.connections();
  const { outputs } = await driver.client.update(state.urn, {
    olds,
    news: inputs(),
    preview: true,
  });
  expect(outputs["generations"]).toEqual(counted({ stage: 1 }));
  expect(server.connections()).toBe(dialled);
});

test("an edit of what is wanted is no change of this resource", async () => {
  await state.up(inputs());
  await expect(state.up(inputs("node.id=1\nnum.io.threads=4\n"))).resolves.toBe("unchanged");
});

test("a host that does not answer is kept as last known, with a warning that names it", async () => {
  await state.up(inputs());
  await rm(config);
  await state.refresh();
  const before = state.known();
  await server.close();
  await state.refresh();
  expect(state.known()).toEqual(before);
  expect(warnings()).toEqual([
    expect.stringMatching(
      /^its files and units are kept as last known: broker-1: 127\.0\.0\.1:\d+ /,
    ),
  ]);
});

test("another host key is told, and the host is asked nothing", async () => {
  await state.up(inputs());
  const { port } = server;
  await server.close();
  server = await startSshServer({ authorizedKeys: [user.publicKey], port });
  const news = state.known().inputs;
  await state.refresh();
  expect(server.commands).toEqual([]);
  expect(warnings()).toEqual([expect.stringContaining("has another host key than the pinned one")]);
  expect(state.known().outputs["leftAlone"]).toEqual([
    expect.stringMatching(/^host key: broker-1: 127\.0\.0\.1:\d+ has another host key/),
  ]);
  await expect(state.diff(news)).resolves.toEqual({});
});

test("it cannot be imported, and what it cannot look for is refused by its path", async () => {
  await expect(state.import("broker-1")).rejects.toThrow(
    /cannot be imported: `up` takes hosts over/,
  );
  const pushes = { stage: { files: { [config]: { mode: "0644" } } } };
  await expect(state.check({ ...inputs(), pushes })).resolves.toEqual([
    `pushes.stage.files["${config}"]: is nothing that can be looked for on a host`,
  ]);
});

test("no secret is in the outputs", async () => {
  await state.up(inputs());
  await state.refresh();
  expect(JSON.stringify(state.known().outputs)).not.toContain("PRIVATE KEY");
  await expect(readFile(config, "utf8")).resolves.toBe("node.id=1\n");
});
