import { SshError } from "../../../plugins/common/ssh";
import type { HostShell, OpenShell } from "../../../provider/ssh/port";
import { exitCodeOf, renderDrift } from "../../../scripts/lib/drift-text";
import {
  gatherDrift,
  knownOfHosts,
  type DriftPorts,
  type LabDrift,
} from "../../../scripts/lib/lab-drift";
import { hostWants, kafkaPaths } from "../../../render";
import type { Host, HostName, HostWants, Lab } from "../../../model";
import { probeAnswer } from "../../support/hosts/probe-answer";
import { labFixture } from "../../support/lab-fixture";

const lab: Lab = labFixture();
const IDS = {
  clusterId: "CLUSTERCLUSTERCLUSTER1",
  nodeId: 1,
  directoryId: "DIRECTORYDIRECTORYDIR1",
};
const META = `cluster.id=${IDS.clusterId}\nnode.id=1\ndirectory.id=${IDS.directoryId}\n`;
const nothingKnown = knownOfHosts([]);

/** What a host prints that is as its pushes left it. */
const answer = (wants: HostWants, meta = META): string => probeAnswer(wants, meta);

/** Hosts by name: what each prints, or how it fails. */
function ports(hosts: Record<string, string | Error> = {}): DriftPorts & { most: number } {
  let open = 0;
  const made = {
    privateKey: "KEY",
    signal: new AbortController().signal,
    most: 0,
    openShell: (async (_login, { host }) => {
      made.most = Math.max(made.most, ++open);
      await new Promise((resolve) => setTimeout(resolve, 5));
      const own = hosts[host];
      if (own instanceof Error) {
        open--;
        throw own;
      }
      const stdout = own ?? answer(hostWants(lab, hostNamed(host)));
      const shell: HostShell = {
        run: () => Promise.resolve({ stdout, stderr: "", code: 0 }),
        close: () => void open--,
        forwardIn: () => Promise.reject(new Error("nothing is forwarded here")),
      };
      return shell;
    }) satisfies OpenShell,
  };
  return made;
}

function hostNamed(name: string): Host {
  const host = lab.hosts.find((one) => one.name === name);
  if (host === undefined) throw new Error(`no host ${name}`);
  return host;
}

const broker = hostWants(lab, hostNamed("broker-1"));
const edited = answer(broker).replace(
  `sum ${broker.stage!.files![kafkaPaths.serverProperties]!.sha256}`,
  `sum ${"ab".repeat(32)}`,
);

test("hosts that are as they were left: no drift, exit code 0", async () => {
  const drift = await gatherDrift(lab, nothingKnown, ports());
  expect(drift.hosts.map(({ host }) => host)).toEqual(lab.hosts.map(({ name }) => name));
  expect(drift.hosts.filter((one) => one.drift.length > 0 || one.error)).toEqual([]);
  expect(exitCodeOf(drift)).toBe(0);
  expect(renderDrift(drift, "virtual")).toBe(
    "Lab gcn: 6 of 6 hosts looked at, none drifted.\nTopics are looked at by npm run status.",
  );
});

test("an edited file, a drop-in and a stopped Kafka are named by host, with what mends them", async () => {
  const dropIn = "/etc/systemd/system/kafka.service.d/override.conf";
  const drift = await gatherDrift(
    lab,
    nothingKnown,
    ports({
      "broker-1": edited,
      "broker-2": answer(hostWants(lab, hostNamed("broker-2")))
        .replace(/(unit kafka\.service\n.*\n)ActiveState=active/, "$1ActiveState=failed")
        .replace(/DropInPaths=\n(?=present|meta)/, `DropInPaths=${dropIn}\n`),
    }),
  );
  expect(exitCodeOf(drift)).toBe(3);
  const text = renderDrift(drift, "virtual");
  expect(text).toMatch(/6 of 6 hosts looked at, 2 drifted/);
  expect(text).toMatch(
    /broker-1 +\/etc\/kafka\/server\.properties sha256 +edited by hand \(abababababab…\) +[0-9a-f]{12}…\n/,
  );
  expect(text).toMatch(/broker-2 +kafka\.service activeState +failed +active\n/);
  expect(text).toContain(dropIn);
  expect(text).toMatch(
    /left alone.*sudo rm -f \/etc\/systemd\/system\/kafka\.service\.d\/override\.conf/,
  );
  expect(text).toContain("npm run pulumi -- preview --refresh");
  expect(text).toContain("kafka.service: `up --refresh` starts it: its rollout does.");
});

test("hosts that cannot be asked are named, are errors, and hide nobody's drift", async () => {
  const off = new SshError("dial_timeout", "client-1: 10.0.42.4:22 did not let us in within 5 s");
  const drift = await gatherDrift(
    lab,
    nothingKnown,
    ports({ "client-1": off, "broker-1": edited, "client-2": "garbage" }),
  );
  expect(exitCodeOf(drift)).toBe(1);
  const text = renderDrift(drift, "virtual");
  expect(text).toContain("4 of 6 hosts looked at, 1 drifted");
  expect(text).toContain("  client-1: 10.0.42.4:22 did not let us in within 5 s");
  expect(text).toContain("  client-2: the answer about its files and units broke off");
  expect(text).toMatch(/broker-1 .*edited by hand/);
});

test("another host key is drift, not an error", async () => {
  const key = new SshError("host_key_mismatch", "client-3: it has another host key");
  const drift = await gatherDrift(lab, nothingKnown, ports({ "client-3": key }));
  expect(exitCodeOf(drift)).toBe(3);
  expect(renderDrift(drift, "virtual")).toMatch(/client-3 +SSH host key +client-3: it has another/);
});

test("a disk with another identity than the state keeps is drift that nobody mends", async () => {
  const outputs = { host: "broker-1", ...IDS };
  const storage = { type: "pilab:kafka/nodeStorage:NodeStorage", urn: "urn:x", outputs };
  const gather = (known: typeof nothingKnown, meta: string): Promise<LabDrift> =>
    gatherDrift(lab, known, ports({ "broker-1": answer(broker, meta) }));
  const known = knownOfHosts([storage]);
  expect(exitCodeOf(await gather(known, META))).toBe(0);
  // A lab whose state is elsewhere: nothing to hold it against.
  expect(exitCodeOf(await gather(nothingKnown, ""))).toBe(0);
  const other = await gather(known, META.replace("DIRECTORY", "XIRECTORY"));
  expect(other.hosts[0]!.drift).toEqual([
    {
      kind: "storage",
      name: "/var/lib/kafka/data/meta.properties",
      property: "directoryId",
      seen: "XIRECTORYDIRECTORYDIR1",
      wanted: IDS.directoryId,
      push: undefined,
      remedy: "Nothing formats or renames that disk: mount the node's own one.",
    },
  ]);
  const blank = await gather(known, "");
  expect(blank.hosts[0]!.drift.map(({ property, seen }) => [property, seen])).toEqual([
    ["clusterId", "missing"],
    ["nodeId", "missing"],
    ["directoryId", "missing"],
  ]);
});

test("an edit of the configuration that `up` has not applied yet is no drift", async () => {
  const applied = {
    type: "pilab:lab/hostState:HostState",
    urn: "urn:x",
    inputs: { host: "broker-1", pushes: JSON.parse(JSON.stringify(broker)) as unknown },
  };
  const now: Lab = {
    ...lab,
    hosts: lab.hosts.map((host) =>
      host.role === "broker" && host.name === "broker-1" ? { ...host, heapMib: 2048 } : host,
    ),
  };
  const drift = await gatherDrift(now, knownOfHosts([applied]), ports({ "broker-1": edited }));
  const [first] = drift.hosts;
  expect(first!.drift.map(({ name }) => name)).toEqual([kafkaPaths.serverProperties]);
  expect(first!.pending.map(({ name }) => name)).toEqual([kafkaPaths.jvmEnv]);
  expect(renderDrift(drift, "virtual")).toMatch(
    /not applied yet; the next up does it:\n.*\n.*kafka\.env/,
  );
});

test("services are compared with what the last `up` left, which alone knows their passwords", async () => {
  const path = "/etc/pi-lab/ring.json";
  const services = {
    files: { [path]: { sha256: "cd".repeat(32), mode: "0640", owner: "root:pi-lab-ring" } },
    units: { "pi-lab-ring.service": { unitFileState: "enabled", activeState: "active" } },
  };
  const pushes = { ...hostWants(lab, hostNamed("client-1")), services } as HostWants;
  const state = { type: "pilab:lab/hostState:HostState", urn: "urn:x" };
  const known = knownOfHosts([
    {
      ...state,
      inputs: { host: "client-1", pushes: JSON.parse(JSON.stringify(pushes)) as unknown },
    },
  ]);
  const told = async (text: string): Promise<string[]> =>
    (await gatherDrift(lab, known, ports({ "client-1": text }))).hosts
      .filter(({ host }) => host === "client-1")
      .flatMap(({ drift }) =>
        drift.map(({ name, property, push }) => `${name} ${property} ${push}`),
      );
  expect(await told(answer(pushes))).toEqual([]);
  const stopped = answer(pushes)
    .replace(`sum ${"cd".repeat(32)}`, `sum ${"ef".repeat(32)}`)
    .replace(/(unit pi-lab-ring.*\n.*\nActiveState=)active/, "$1inactive");
  expect(await told(stopped)).toEqual([
    `${path} sha256 services`,
    "pi-lab-ring.service activeState services",
  ]);
});

const stateOf = (host: string) => ({
  type: "pilab:lab/hostState:HostState",
  urn: "urn:x",
  inputs: {
    host,
    pushes: JSON.parse(JSON.stringify(hostWants(lab, hostNamed(host)))) as unknown,
  },
});

test("a host that was added, or given another machine, and not applied yet has not drifted", async () => {
  const others = lab.hosts.filter(({ name }) => name !== "broker-1").map(({ name }) => name);
  const added = await gatherDrift(
    lab,
    knownOfHosts(others.map(stateOf)),
    ports({ "broker-1": edited, "broker-2": edited }),
  );
  expect(added.hosts[0]).toMatchObject({ drift: [], pending: [{ kind: "file" }] });
  expect(added.hosts[1]!.drift).not.toEqual([]);

  const gate = (hostKey: string) => ({
    type: "pilab:lab/swapGate:SwapGate",
    urn: "urn:gate",
    inputs: { hosts: { "broker-1": { connection: { hostKey } } } },
  });
  const all = lab.hosts.map(({ name }) => stateOf(name));
  const moved = knownOfHosts([...all, gate("ssh-ed25519 OTHER")]);
  const [first] = (await gatherDrift(lab, moved, ports({ "broker-1": edited }))).hosts;
  expect(first).toMatchObject({ drift: [], pending: [{ kind: "file" }] });
  const stayed = knownOfHosts([...all, gate(hostNamed("broker-1").machine.hostKey!)]);
  const [same] = (await gatherDrift(lab, stayed, ports({ "broker-1": edited }))).hosts;
  expect(same).toMatchObject({ drift: [{ kind: "file" }], pending: [] });
});

test("a virtual lab's keys come from the state; before its first `up` each host says so", async () => {
  const blank: Lab = {
    ...lab,
    hosts: lab.hosts.map((host) => ({ ...host, machine: { ...host.machine, hostKey: undefined } })),
  };
  const before = await gatherDrift(blank, nothingKnown, ports());
  expect(exitCodeOf(before)).toBe(1);
  expect(before.hosts[0]!.error).toMatch(/broker-1: the state has no host key of pi-1/);
  const keys = lab.machines.map(({ name }) => ({
    type: "pilab:virtual:Pi",
    urn: `urn:pulumi:s::pi-lab::pilab:virtual:Pi::${name}`,
    outputs: { hostKey: `ssh-ed25519 ${name}` },
  }));
  expect(exitCodeOf(await gatherDrift(blank, knownOfHosts(keys), ports()))).toBe(0);
});

test("many hosts are asked a bounded number at once", async () => {
  const [client] = lab.hosts.filter(({ role }) => role === "client");
  const hosts = Array.from({ length: 100 }, (_, n) => ({ ...client!, name: `c-${n}` as HostName }));
  const stdout = answer(hostWants(lab, client!));
  const many = ports(Object.fromEntries(hosts.map(({ name }) => [name, stdout])));
  const drift = await gatherDrift({ ...lab, hosts }, nothingKnown, many);
  expect(drift.hosts).toHaveLength(100);
  expect(many.most).toBe(32);
});
