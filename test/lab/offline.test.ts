import { readFileSync } from "node:fs";
import { lookup } from "node:dns/promises";
import { mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { packageCache } from "../../provider/packages/kept";
import { accepts } from "../../provider/reachable";
import { openSshShell } from "../../provider/ssh/ssh2";
import { resourcesInState } from "../../scripts/lib/leftovers";
import { exitCodeOf, fillForLab, renderPackages } from "../../scripts/lib/packages-report";
import { ensureKafka, ensureNode, nodeArchHere } from "../../toolchain";
import { piOf } from "../support/lab/pi";
import { keepHosts } from "../support/lab/template";
import { createTestStack, type Outcome, type TestStack } from "../support/stack";

/**
 * An exhibit: hosts without internet, a cache that begins empty, and in the end a controlling machine that is as
 * cut off as they are. The tests go on from each other.
 */

jest.setTimeout(600_000);

/** Port 9 of loopback: nobody listens there. The engine's own connections must not go that way. */
const NO_UPSTREAM = { http_proxy: "http://127.0.0.1:9", no_proxy: "127.0.0.1,localhost" };

let stack: TestStack | undefined;
let cache: string;
let first: Outcome;

beforeAll(async () => {
  const made = await createTestStack({
    edit: (lab) => {
      keepHosts(lab, ["broker-1", "client-2"], ["pi-7"]);
      lab.hosts["desk-1"] = { role: "host", machine: lab.hosts["client-2"]!.machine, port: 5 };
      delete lab.hosts["client-2"];
      lab.cluster["replicationFactor"] = 1;
      lab.cluster["minInsyncReplicas"] = 1;
      lab["virtual"] = { internet: false };
      lab["packages"] = { from: "controller" };
    },
  });
  cache = join(made.folder.dir, "cache");
  await mkdir(cache, { recursive: true });
  await symlink(dirname(await ensureKafka(() => undefined)), join(cache, "kafka"));
  await symlink(dirname(await ensureNode(() => undefined, nodeArchHere())), join(cache, "node"));
  stack = made.withEnv({ PI_LAB_CACHE: cache });
  first = await stack.up();
});

afterAll(() => stack?.remove());

function lab(): TestStack {
  if (stack === undefined) throw new Error("the lab did not come up");
  return stack;
}

test("hosts that reach nothing but the switch get their packages all the same", async () => {
  expect(first.warnings.filter((text) => /cache/.test(text))).toEqual([]);
  const source = await piOf(lab(), "desk-1").run("grep -om 1 'http://[^ ]*' /etc/apt/sources.list");
  const mirror = new URL(source);
  const { address } = await lookup(mirror.hostname, { family: 4 });
  const port = mirror.port || "80";
  expect(await accepts(`${address}:${port}`, 10_000)).toBe(true);
  for (const [host, units] of [
    ["broker-1", "chrony kafka"],
    ["desk-1", "chrony"],
  ] as const) {
    const pi = piOf(lab(), host);
    const out = await pi.try(`timeout 3 bash -c '</dev/tcp/${address}/${port}'`);
    expect(out.code).not.toBe(0);
    await expect(pi.run(`systemctl is-active ${units} | sort -u`)).resolves.toBe("active");
    await expect(pi.run("ls -A /var/lib/apt/lists")).resolves.toBe("");
    await expect(pi.run("ls -A /var/cache | grep pi-lab || true")).resolves.toBe("");
  }
  const again = await lab().preview();
  expect(again.steps.map(({ name }) => name)).toEqual([]);
});

test("with the controlling machine offline as well, a spare takes a host's place out of the cache", async () => {
  const offline = lab().withEnv(NO_UPSTREAM);
  offline.edit((value) => (value.hosts["desk-1"]!.machine = "pi-7"));
  const swap = await offline.up();
  expect(swap.warnings.join("\n")).toMatch(
    /desk-1: deb\.debian\.org does not answer \(.*ECONNREFUSED.*\), so its packages come from this machine's cache alone, by lists that are \d+ min old/,
  );
  expect(swap.warnings.join("\n")).not.toMatch(/the cache lacks/);
  const pi = piOf(lab(), "desk-1");
  expect(pi.container).toMatch(/-pi-7$/);
  await expect(pi.run("systemctl is-active chrony")).resolves.toBe("active");
});

test("`npm run packages` says that a broker could be replaced, too; and without the cache, that nothing could", async () => {
  const fill = (env: NodeJS.ProcessEnv) =>
    fillForLab(lab().lab(), {
      privateKey: readFileSync(lab().folder.privateKeyFile, "utf8"),
      state: resourcesInState(lab().folder),
      open: openSshShell,
      cache: packageCache(env),
      signal: new AbortController().signal,
      progress: () => undefined,
    });
  const whole = await fill({ PI_LAB_CACHE: cache, ...NO_UPSTREAM });
  expect(whole.systems).toMatchObject([{ hosts: ["broker-1", "desk-1"], through: "broker-1" }]);
  const [{ filled }] = whole.systems as [(typeof whole.systems)[number]];
  expect(filled).toMatchObject({ missed: [], fetched: 0 });
  expect(filled?.bytes).toBeGreaterThan(50e6);
  expect(exitCodeOf(whole)).toBe(0);

  const none = await fill({ PI_LAB_CACHE: join(cache, "none"), ...NO_UPSTREAM });
  expect(exitCodeOf(none)).toBe(1);
  expect(renderPackages(none)).toMatch(
    /broker-1: InRelease cannot be had: http:\/\/deb\.debian\.org\/\S+\/InRelease: it is not in the cache, and deb\.debian\.org does not answer .*npm run packages/,
  );
});
