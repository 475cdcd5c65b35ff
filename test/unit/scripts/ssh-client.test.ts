import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Address, HostKey, Lab } from "../../../model";
import { runAttached } from "../../../scripts/lib/attached";
import { renderKnownHosts } from "../../../scripts/lib/known-hosts";
import { sshArguments } from "../../../scripts/lib/ssh-client";
import { labFixture } from "../../support/lab-fixture";
import { generateKey, startSshServer, type TestServer } from "../../support/ssh/server";

const client = generateKey();
const publicHalf = (key: string): HostKey => key.trim().split(" ").slice(0, 2).join(" ") as HostKey;

let dir: string;
let server: TestServer;

beforeAll(async () => {
  // Characters that mean something to ssh's options.
  dir = mkdtempSync(join(tmpdir(), "pi-lab ssh 50%h-"));
  writeFileSync(join(dir, "key"), client.privateKey, { mode: 0o600 });
  server = await startSshServer({ authorizedKeys: [client.publicKey] });
});

afterAll(async () => {
  await server.close();
  rmSync(dir, { recursive: true, force: true });
});

/** A lab whose first machine is the test's server, and is to have this key. */
function labWith(hostKey: HostKey): Lab {
  const lab = labFixture();
  const machine = { ...lab.machines[0]!, address: "127.0.0.1" as Address, hostKey };
  return {
    ...lab,
    ssh: { ...lab.ssh, port: server.port },
    machines: [machine],
    hosts: [{ ...lab.hosts[0]!, machine }],
  };
}

/** OpenSSH's own client, as `npm run ssh` calls it. */
function ssh(hostKey: HostKey, ...rest: readonly string[]) {
  const lab = labWith(hostKey);
  const knownHosts = join(dir, "known_hosts");
  writeFileSync(knownHosts, renderKnownHosts(lab, []));
  const login = { host: lab.hosts[0]!, hostKey, privateKeyFile: join(dir, "key") };
  const args = sshArguments(lab, login, knownHosts, rest);
  return new Promise<{ code: number; stdout: string; stderr: string }>((resolve) =>
    execFile("ssh", args, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, stdout, stderr });
    }),
  );
}

test("a command runs with its arguments as they stand, and its exit code is the end", async () => {
  const pinned = publicHalf(server.hostKeys[0]!.publicKey);
  const { code, stdout, stderr } = await ssh(pinned, "echo", "--stack", "'a b'", "; exit 7");
  expect(stderr).toBe("");
  expect(stdout).toBe("--stack a b\n");
  expect(code).toBe(7);
  expect(server.commands.at(-1)).toBe("echo --stack 'a b' ; exit 7");
});

test("a host with another key than the pinned one is not talked to", async () => {
  const before = server.commands.length;
  const { code, stderr } = await ssh(publicHalf(generateKey().publicKey), "true");
  expect(code).toBe(255);
  expect(stderr).toMatch(/Host key verification failed/);
  expect(server.commands.length).toBe(before);
});

test("where the agent is asked no key is named, and options of ssh may follow the host", () => {
  const lab = labFixture();
  const login = { host: lab.hosts[0]!, hostKey: "", privateKeyFile: undefined };
  const args = sshArguments(lab, login, "/labs/50%/known_hosts", ["-v", "uptime"]);
  expect(args.join(" ")).not.toContain("Identit");
  expect(args).toContain('UserKnownHostsFile="/labs/50%%/known_hosts"');
  expect(args.slice(-7)).toEqual(["-p", "22", "-l", "pi", "10.0.42.1", "-v", "uptime"]);
});

test.each([
  ["exit 7", { exitCode: 7, shellCode: 7 }],
  ["kill -TERM $$", { exitCode: undefined, shellCode: 143 }],
])("a program on this terminal that ends by `%s` is told so", async (script, expected) => {
  let pid = 0;
  const end = await runAttached("sh", ["-c", script], "", { onStart: (number) => (pid = number) });
  expect(end).toEqual(expected);
  expect(pid).toBeGreaterThan(0);
});

test("a program that is not there is told with what to install", async () => {
  await expect(runAttached("no-such-program", [], "Install it.")).rejects.toThrow(
    "no-such-program is not on this machine, or not on the PATH. Install it.",
  );
});
