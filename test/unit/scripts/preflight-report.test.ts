import { readFileSync } from "node:fs";
import { join } from "node:path";

import { SshError } from "../../../plugins/common/ssh";
import { KafkaError, type KafkaAdmin } from "../../../provider/admin/port";
import type { Login, OpenShell } from "../../../provider/ssh/port";
import { lookAtLab, renderPreflight } from "../../../scripts/lib/preflight-report";
import { labFixture } from "../../support/lab-fixture";
import { virtualLab } from "../../support/labs";

const sample = (name: string): string =>
  readFileSync(join(__dirname, "../provider/preflight/recorded", `${name}.txt`), "utf8");

/** What each address answers to the script; the others are off. */
function hosts(answers: Readonly<Record<string, string>>): { open: OpenShell; logins: Login[] } {
  const logins: Login[] = [];
  const open: OpenShell = (login, { host }) => {
    logins.push(login);
    const answer = answers[login.host];
    if (answer === undefined) {
      return Promise.reject(new SshError("unreachable", `${host}: ${login.host}:22 is silent`));
    }
    const now = (Date.now() / 1000).toFixed(6);
    const stdout = answer.replace(/^(clock\.\w+)=.*$/gm, `$1=${now}`);
    return Promise.resolve({
      run: () => Promise.resolve({ stdout, stderr: "", code: 0 }),
      close: () => undefined,
      forwardIn: () => Promise.reject(new Error("nothing is forwarded here")),
    });
  };
  return { open, logins };
}

/** No cluster lives, unless a test says so. */
let living: string | undefined;
beforeEach(() => (living = undefined));
const connectAdmin = (): KafkaAdmin =>
  ({
    clusterId: () =>
      living === undefined
        ? Promise.reject(new KafkaError("unreachable", "nobody answers"))
        : Promise.resolve(living),
    close: () => Promise.resolve(),
  }) as unknown as KafkaAdmin;

const all = (answer: string): Record<string, string> =>
  Object.fromEntries([1, 2, 3, 4, 5, 6].map((n) => [`10.0.42.${n}`, answer]));

test("a lab of fit machines has no errors, and a line for each host", async () => {
  const { open, logins } = hosts(all(sample("written-pi4-bookworm")));
  const preflight = await lookAtLab(labFixture(), {
    privateKey: "KEY",
    state: [],
    open,
    connectAdmin,
  });
  expect([preflight.errors, preflight.warnings]).toEqual([0, 6]);
  expect(logins).toHaveLength(6);
  expect(logins[0]).toMatchObject({
    user: "pi",
    privateKey: "KEY",
    hostKey: expect.any(String) as string,
  });
  const text = renderPreflight(preflight);
  expect(text).toMatch(
    /broker-2 +broker +pi-2 +10\.0\.42\.2 +Pi 4 Model B Rev 1\.5 +Debian 12 arm64 +7811 MiB +24536 MiB free, ext4 +17\.5 MiB\/s, 9\.0 ms +1 warning/,
  );
  expect(text).toMatch(/\n`up` would go on: no error, 6 warnings\.$/);
});

test("what is wrong is told by host, those that are off among them", async () => {
  const { open } = hosts({
    ...all(sample("written-pi4-bookworm")),
    "10.0.42.2": sample("written-ubuntu-foreign-kafka"),
    "10.0.42.4": undefined as never,
  });
  const preflight = await lookAtLab(labFixture(), {
    privateKey: undefined,
    state: [],
    open,
    connectAdmin,
  });
  const text = renderPreflight(preflight);
  expect(text).toMatch(
    /broker-2:\n {2}error {4}port 9092 is taken by java 712 \(kafka\.service\)\. Stop it/,
  );
  expect(text).toMatch(/client-1 +client +pi-4 +10\.0\.42\.4( +-){5} +1 error/);
  expect(text).toMatch(/client-1:\n {2}error {4}10\.0\.42\.4:22 is silent\. Is it on, /);
  expect(text).toMatch(/`up` would push nothing: 8 errors, /);
  expect(preflight.errors).toBe(8);
});

test("the cluster's id of the state tells the lab's own disks from others", async () => {
  const { open } = hosts(all(sample("written-ubuntu-foreign-kafka")));
  const checks = async (clusterId: string): Promise<string[]> => {
    const state = [
      { urn: "urn", type: "pilab:kafka/nodeStorage:NodeStorage", outputs: { clusterId } },
    ];
    const { hosts: found } = await lookAtLab(labFixture(), {
      privateKey: undefined,
      state,
      open,
      connectAdmin,
    });
    return found[0]!.findings.map(({ check }) => check);
  };
  expect(await checks("BBBBBBBBBBBBBBBBBBBBBB")).toContain("foreign-data");
  expect(await checks("MkU3OEVBNTcwNTJENDM2Qg")).not.toContain("foreign-data");
  // A stack that has lost its state proposes another one than the cluster has that lives.
  living = "MkU3OEVBNTcwNTJENDM2Qg";
  expect(await checks("BBBBBBBBBBBBBBBBBBBBBB")).not.toContain("foreign-data");
  living = "CCCCCCCCCCCCCCCCCCCCCC";
  expect(await checks("BBBBBBBBBBBBBBBBBBBBBB")).toContain("foreign-data");
});

test("machines that are not made yet are no findings but a word to the user", async () => {
  const { open } = hosts({});
  await expect(
    lookAtLab(virtualLab(), { privateKey: undefined, state: [], open, connectAdmin }),
  ).rejects.toThrow(/containers, which `up` makes/);
});
