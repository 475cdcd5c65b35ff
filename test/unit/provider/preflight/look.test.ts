import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { lookAt, type Look } from "../../../../provider/preflight/look";
import { PREFLIGHT_SCRIPT } from "../../../../provider/preflight/script";
import type { Wanted } from "../../../../provider/preflight/wanted";
import { openSshShell } from "../../../../provider/ssh/ssh2";
import { generateKey, startSshServer, type TestServer } from "../../../support/ssh/server";

/** Over real SSH, with this machine's shell behind it. */

const client = generateKey();
const wanted: Wanted = { role: "client", board: "pi-4b-8gb", address: "127.0.0.1" };
let server: TestServer;

beforeAll(async () => {
  server = await startSshServer({ authorizedKeys: [client.publicKey] });
});
afterAll(() => server.close());

interface Login {
  readonly port?: number;
  readonly user?: string;
  readonly key?: string;
  readonly hostKey?: string;
  readonly patienceMs?: number;
  readonly signal?: AbortSignal;
}

function look(login: Login = {}, status: (line: string) => void = () => undefined): Promise<Look> {
  const user = login.user ?? "root";
  return lookAt(
    openSshShell,
    {
      host: "127.0.0.1",
      port: login.port ?? server.port,
      user,
      privateKey: login.key ?? client.privateKey,
      hostKey: login.hostKey ?? server.hostKeys[0]!.publicKey,
      sudo: user !== "root",
    },
    wanted,
    {
      host: "client-1",
      signal: login.signal ?? new AbortController().signal,
      status,
      patienceMs: login.patienceMs ?? 0,
    },
  );
}

async function only(login: Login): Promise<Look["findings"][number]> {
  const { findings, facts } = await look(login);
  expect(facts).toBeUndefined();
  expect(findings).toHaveLength(1);
  return findings[0]!;
}

test("the script is one that bash can read, and does nothing when it arrives cut off", () => {
  expect(spawnSync("bash", ["-n"], { input: PREFLIGHT_SCRIPT, encoding: "utf8" })).toMatchObject({
    status: 0,
    stderr: "",
  });
  const lines = PREFLIGHT_SCRIPT.trimEnd().split("\n");
  expect(lines.at(-1)).toBe("main </dev/null");
  const input = lines.slice(0, -1).join("\n");
  const cut = spawnSync("bash", ["-s", "--", "other"], { input, encoding: "utf8" });
  expect([cut.status, cut.stdout, cut.stderr]).toEqual([0, "", ""]);
});

test("this machine tells of itself what it is, in one connection", async () => {
  const before = server.connections();
  const { facts } = await look();
  expect(server.connections()).toBe(before + 1);
  const told = (command: string, ...args: string[]): string =>
    spawnSync(command, args, { encoding: "utf8" }).stdout.trim();
  expect(facts?.system).toMatchObject({
    kernel: told("uname", "-m"),
    pageBytes: Number(told("getconf", "PAGESIZE")),
  });
  expect(facts?.memory.mib).toBeGreaterThan(100);
  expect(facts?.disk.root).toMatchObject({ mountPoint: "/" });
  expect(facts?.clock.leastMs).toBeLessThanOrEqual(0);
  expect(facts?.clock.mostMs).toBeGreaterThanOrEqual(0);
});

test("another host key, a refused login and a silent port are told apart", async () => {
  const key = await only({ hostKey: generateKey().publicKey });
  expect(key).toMatchObject({ check: "host-key", severity: "error" });
  expect(key.found).toMatch(
    /^127\.0\.0\.1:\d+ has another host key .*it shows SHA256:\S+ .*pinned is SHA256:/,
  );
  expect(key.remedy).toMatch(/npm run host-keys/);

  const login = await only({ key: generateKey().privateKey, user: "pi" });
  expect(login).toMatchObject({ check: "login", severity: "error" });
  expect(login.found).toMatch(/refuses pi: it was offered the key SHA256:/);
  expect(login.remedy).toMatch(/^Add the public key to that user's .*\.$/);

  const silent = await only({ port: await freePort() });
  expect(silent).toMatchObject({ check: "reachability", severity: "error", value: "unreachable" });
  expect(silent.found).toMatch(
    /^127\.0\.0\.1:\d+ cannot be reached: .*ECONNREFUSED[^.]* 127\.0\.0\.1:\d+$/,
  );
});

test("a machine that is just starting is dialled until it answers, and that is told", async () => {
  const port = await freePort();
  const said: string[] = [];
  const looking = look({ port, patienceMs: 20_000 }, (line) => said.push(line));
  await new Promise((resolve) => setTimeout(resolve, 300));
  const late = await startSshServer({
    port,
    hostKeys: server.hostKeys,
    authorizedKeys: [client.publicKey],
  });
  try {
    expect((await looking).facts).toBeDefined();
    expect(said[0]).toMatch(/^client-1 does not answer yet; it is dialled for \d+ s more$/);
  } finally {
    await late.close();
  }
});

test("one that does not come is given up when its time is over", async () => {
  const { findings } = await look({ port: await freePort(), patienceMs: 500 });
  expect(findings[0]?.found).toMatch(/\(tried for 0\.5 s\)$/);
});

test("an abort ends it with the abort's own reason", async () => {
  const abort = new AbortController();
  const looking = look({ port: await freePort(), patienceMs: 60_000, signal: abort.signal });
  setTimeout(() => abort.abort(new Error("cancelled by the user")), 200);
  await expect(looking).rejects.toThrow("cancelled by the user");
});

test("without sudo the rest is told all the same", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pi-lab-sudo-"));
  const path = process.env["PATH"];
  try {
    const refusing = "#!/bin/sh\necho 'sudo: a password is required' >&2\nexit 1\n";
    await writeFile(join(folder, "sudo"), refusing, { mode: 0o755 });
    process.env["PATH"] = `${folder}:${path}`;
    const { findings, facts } = await look({ user: "pi" });
    expect(findings[0]).toMatchObject({
      check: "sudo",
      found: "pi may not use sudo without a password (sudo: a password is required)",
    });
    expect(facts?.memory.mib).toBeGreaterThan(100);
  } finally {
    process.env["PATH"] = path;
    await rm(folder, { recursive: true });
  }
});

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => probe.once("listening", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
