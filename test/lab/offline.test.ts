import { mkdir, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { ensureKafka, ensureNode, nodeArchHere } from "../../toolchain";
import { piOf } from "../support/lab/pi";
import { waitUntilWell } from "../support/lab/well";
import { createTestStack, keepHosts, type Outcome, type TestStack } from "../support/stack";

/**
 * An exhibit: hosts without internet, a cache that begins empty, and in the end a controlling machine that is as
 * cut off as they are. The tests go on from each other.
 */

jest.setTimeout(600_000);

/** Port 9 of loopback: nobody listens there. The engine's own connections must not go that way. */
const NO_UPSTREAM = { http_proxy: "http://127.0.0.1:9", no_proxy: "127.0.0.1,localhost" };

let stack: TestStack | undefined;
let first: Outcome;

beforeAll(async () => {
  const made = await createTestStack({
    edit: (lab) => {
      keepHosts(lab, ["broker-1", "broker-2", "broker-3"], ["pi-7"]);
      lab["virtual"] = { internet: false };
      lab["packages"] = { from: "controller" };
    },
  });
  const cache = join(made.folder.dir, "cache");
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
  for (const host of ["broker-1", "broker-2", "broker-3"]) {
    const pi = piOf(lab(), host);
    await expect(pi.run("ip -4 route show default")).resolves.toBe("");
    const out = await pi.try(
      "timeout 3 apt-get -qq -o Acquire::Retries=0 --print-uris update && timeout 3 bash -c '</dev/tcp/deb.debian.org/80'",
    );
    expect(out.code).not.toBe(0);
    await expect(pi.run("systemctl is-active chrony kafka")).resolves.toBe("active\nactive");
    await expect(
      pi.run("ls -d /var/cache/pi-lab-packages 2>/dev/null || echo clean"),
    ).resolves.toBe("clean");
  }
  await waitUntilWell(lab(), 30_000);
  const again = await lab().preview();
  expect(again.steps.map(({ name }) => name)).toEqual([]);
});

test("with the controlling machine offline as well, a spare takes a broker's place out of the cache", async () => {
  const offline = lab().withEnv(NO_UPSTREAM);
  offline.edit((value) => (value.hosts["broker-3"]!.machine = "pi-7"));
  const swap = await offline.up();
  expect(swap.warnings.join("\n")).toMatch(
    /broker-3: deb\.debian\.org does not answer \(.*ECONNREFUSED.*\), so its packages come from this machine's cache alone, by lists that are \d+ min old/,
  );
  const pi = piOf(lab(), "broker-3");
  expect(pi.container).toMatch(/-pi-7$/);
  await expect(pi.run("java -version 2>&1 | head -n 1")).resolves.toMatch(/version "17/);
  await expect(pi.run("systemctl is-active chrony kafka")).resolves.toBe("active\nactive");
  await waitUntilWell(lab(), 60_000);
});
