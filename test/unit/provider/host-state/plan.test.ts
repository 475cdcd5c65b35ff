import fc from "fast-check";

import type { HostWants, PushWants } from "../../../../model";
import { findDrift, pathOf, type Finding } from "../../../../provider/host-state/plan";
import type { SeenFile, SeenUnit } from "../../../../provider/host-state/probe";
import { diffDrift, driftedPushes, parseWants } from "../../../../provider/host-state/wire";
import { hostWants } from "../../../../render";
import { brokerFixture, labFixture } from "../../../support/lab-fixture";

const lab = labFixture();
const wants = hostWants(lab, brokerFixture(lab, 1));
const CONFIG = "/etc/kafka/server.properties";

/** A host on which everything is as it was left. */
function asWanted(of: HostWants): {
  container: boolean;
  files: Map<string, SeenFile>;
  present: Set<string>;
  packages: Set<string>;
  units: Map<string, SeenUnit>;
  meta: undefined;
} {
  const all: PushWants[] = Object.values(of);
  const keys = (key: "present" | "packages"): Set<string> =>
    new Set(all.flatMap((push) => Object.keys(push[key] ?? {})));
  return {
    container: false,
    files: new Map(
      all.flatMap(({ files = {}, links = {} }): [string, SeenFile][] => [
        ...Object.entries(files).map(([path, { sha256, mode, owner }]): [string, SeenFile] => [
          path,
          { kind: "file", sha256, mode, owner },
        ]),
        ...Object.entries(links).map(([path, target]): [string, SeenFile] => [
          path,
          { kind: "link", target },
        ]),
      ]),
    ),
    present: keys("present"),
    packages: keys("packages"),
    units: new Map(
      all.flatMap(({ units = {} }) =>
        Object.keys(units).map((name): [string, SeenUnit] => [
          name,
          { unitFileState: "enabled", activeState: "active", needDaemonReload: "no", dropIns: [] },
        ]),
      ),
    ),
    meta: undefined,
  };
}

const told = (findings: readonly Finding[]): string[] =>
  findings.map(
    ({ kind, name, property, seen, push }) =>
      `${kind} ${name} ${property}: ${seen} (${push ?? ""})`,
  );

function change(edit: (seen: ReturnType<typeof asWanted>) => void): string[] {
  const seen = asWanted(wants);
  edit(seen);
  return told(findDrift(wants, seen));
}

test("a host as it was left has no drift", () => {
  expect(findDrift(wants, asWanted(wants))).toEqual([]);
});

test("an edited file is named with what it is now; another mode and owner by themselves", () => {
  const sha256 = "ab".repeat(32);
  const file = { kind: "file", sha256, mode: "0644", owner: "root:kafka" } as const;
  expect(change(({ files }) => files.set(CONFIG, file))).toEqual([
    `file ${CONFIG} sha256: edited by hand (abababababab…) (stage)`,
  ]);
  const own = asWanted(wants).files.get(CONFIG) as Extract<SeenFile, { kind: "file" }>;
  expect(
    change(({ files }) => files.set(CONFIG, { ...own, mode: "0600", owner: "pi:pi" })),
  ).toEqual([`file ${CONFIG} mode: 0600 (stage)`, `file ${CONFIG} owner: pi:pi (stage)`]);
});

test("a file that is missing, or something else than a file, is named so", () => {
  expect(change(({ files }) => files.delete(CONFIG))).toEqual([
    `file ${CONFIG} sha256: missing (stage)`,
  ]);
  expect(change(({ files }) => files.set(CONFIG, { kind: "link", target: "/dev/null" }))).toEqual([
    `file ${CONFIG} sha256: a link to /dev/null (stage)`,
  ]);
  expect(change(({ files }) => files.set(CONFIG, { kind: "other" }))).toEqual([
    `file ${CONFIG} sha256: no regular file (stage)`,
  ]);
});

test("a link elsewhere, a distribution or a JRE that is gone, each with the push that mends it", () => {
  expect(
    change(({ files, present }) => {
      files.set("/opt/kafka/current", { kind: "link", target: "kafka-3.9.1" });
      present.clear();
    }),
  ).toEqual([
    "path /usr/bin/java : missing (prepare)",
    "path /opt/kafka/kafka-4.1.1/libs : missing (install)",
    "link /opt/kafka/current : kafka-3.9.1 (stage)",
    "path /etc/kafka/manifest : missing (stage)",
  ]);
});

const unit = (changes: Partial<SeenUnit>): SeenUnit => ({
  unitFileState: "enabled",
  activeState: "active",
  needDaemonReload: "no",
  dropIns: [],
  ...changes,
});

test("units: disabled, masked, stopped, not read again", () => {
  expect(
    change(({ units }) => {
      units.set("chrony.service", unit({ unitFileState: "masked", activeState: "inactive" }));
      units.set("kafka.service", unit({ unitFileState: "disabled", needDaemonReload: "yes" }));
    }),
  ).toEqual([
    "unit chrony.service unitFileState: masked (prepare)",
    "unit chrony.service activeState: inactive (prepare)",
    "unit kafka.service unitFileState: disabled (stage)",
    "unit kafka.service needDaemonReload: yes (stage)",
  ]);
});

test("whether Kafka runs is not asked here: the rollout sees it", () => {
  const stopped = unit({ activeState: "inactive" });
  expect(change(({ units }) => units.set("kafka.service", stopped))).toEqual([]);
});

test("a missing package is named, and not its unit beside it", () => {
  expect(
    change(({ packages, units }) => {
      packages.delete("chrony");
      units.set("chrony.service", unit({ unitFileState: "", activeState: "inactive" }));
    }),
  ).toEqual(["package chrony : missing (prepare)"]);
});

test("a drop-in that no push brought is named and mended by nobody; the system's own are not", () => {
  const dropIns = [
    "/etc/systemd/system/kafka.service.d/override.conf",
    "/usr/lib/systemd/system/service.d/10-timeout.conf",
    "/run/systemd/system/service.d/zzz-lxc-service.conf",
    "/etc/systemd/system.control/kafka.service.d/50-MemoryMax.conf",
  ];
  expect(change(({ units }) => units.set("kafka.service", unit({ dropIns })))).toEqual([
    "drop-in /etc/systemd/system/kafka.service.d/override.conf : overrides kafka.service ()",
    "drop-in /etc/systemd/system.control/kafka.service.d/50-MemoryMax.conf : overrides kafka.service ()",
  ]);
});

test("chrony's drop-in in a container is our own", () => {
  const inContainers = hostWants(
    labFixture({ substrate: { kind: "virtual", image: "pi", internet: true } }),
    brokerFixture(lab, 1),
  );
  const own = "/etc/systemd/system/chrony.service.d/pi-lab.conf";
  const seen = asWanted(inContainers);
  seen.units.set("chrony.service", unit({ dropIns: [own] }));
  expect(findDrift(inContainers, seen)).toEqual([]);
  expect(Object.keys(inContainers.prepare?.files ?? {})).toContain(own);
});

test("a board's own files are not missed where a host is a container", () => {
  const sysctl = "/etc/sysctl.d/60-pi-lab.conf";
  expect(change(({ files }) => files.delete(sysctl))).toHaveLength(1);
  expect(
    change((seen) => {
      seen.files.delete(sysctl);
      seen.container = true;
    }),
  ).toEqual([]);
});

test("whatever is missing or changed is found, exactly that, and its path is a wanted one", () => {
  const places = Object.values(wants).flatMap(({ files = {}, links = {} }) => [
    ...Object.keys(files),
    ...Object.keys(links),
  ]);
  fc.assert(
    fc.property(fc.subarray(places), fc.boolean(), (changed, remove) => {
      const seen = asWanted(wants);
      for (const path of changed) {
        if (remove) seen.files.delete(path);
        else seen.files.set(path, { kind: "other" });
      }
      const findings = findDrift(wants, seen);
      expect(findings.map(({ name }) => name).sort()).toEqual([...changed].sort());
      // On the wire they lie where the wanted text lies: so the engine shows "seen => wanted".
      const { detailedDiff, touched } = diffDrift(driftedPushes(findings), wants as never);
      expect(Object.keys(detailedDiff)).toHaveLength(changed.length);
      expect([...touched].sort()).toEqual([...new Set(findings.map(({ push }) => push))].sort());
      for (const finding of findings) expect(pathOf(finding)[1]).toBe(finding.name);
    }),
  );
});

test("what is wanted survives the wire; what cannot be looked for is refused with its path", () => {
  expect(parseWants(JSON.parse(JSON.stringify(wants)) as never)).toEqual(wants);
  const refusal = (value: unknown) => () => parseWants(value as never);
  expect(refusal("x")).toThrow("pushes: must be a map");
  expect(refusal({ deploy: {} })).toThrow("pushes.deploy: must be one of prepare, install, stage");
  expect(refusal({ stage: { files: { "/a.b": { sha256: "x" } } } })).toThrow(
    'pushes.stage.files["/a.b"]: is nothing that can be looked for on a host',
  );
  expect(refusal({ stage: { sockets: {} } })).toThrow("pushes.stage.sockets: is nothing");
});
