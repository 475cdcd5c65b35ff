import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { renderInventory } from "../../../bench/ansible-inventory";
import { assertRecap, parseFaults, parseRecap } from "../../../bench/ansible-recap";
import { hostEntries } from "../../../bench/baseline-folder";
import { brokerFixture, labFixture } from "../../support/lab-fixture";

const OUTPUT = `
TASK [Topics] ******************
changed: [broker-1] => (item=red)
ok: [broker-2]

PLAY RECAP *********************************************************************
broker-1                   : ok=16   changed=13   unreachable=0    failed=0    skipped=1    rescued=0    ignored=0
broker-2                   : ok=16   changed=0    unreachable=0    failed=1    skipped=1    rescued=0    ignored=0

`;

describe("parseRecap", () => {
  it("reads each host's counts", () => {
    expect(parseRecap(OUTPUT)).toEqual([
      { host: "broker-1", ok: 16, changed: 13, unreachable: 0, failed: 0 },
      { host: "broker-2", ok: 16, changed: 0, unreachable: 0, failed: 1 },
    ]);
  });

  it("finds none where the run was cut off", () => {
    expect(parseRecap("TASK [Files] ***\nx : ok=1 changed=1 unreachable=0 failed=0\n")).toEqual([]);
  });
});

describe("assertRecap", () => {
  const host = (name: string, changed: number) => ({
    host: name,
    ok: 16,
    changed,
    unreachable: 0,
    failed: 0,
  });

  it("takes a first run for one only if every host was changed", () => {
    const recap = [host("a", 3), host("b", 1)];
    expect(() => assertRecap(recap, ["a", "b"], "something changed")).not.toThrow();
    expect(() => assertRecap([host("a", 0)], ["a"], "something changed")).toThrow("a: changed=0");
  });

  it("takes a second run for one only if nothing was", () => {
    expect(() => assertRecap([host("a", 0)], ["a"], "nothing changed")).not.toThrow();
    expect(() => assertRecap([host("a", 1)], ["a"], "nothing changed")).toThrow("a: changed=1");
  });

  it("tells all hosts that are missing or failed", () => {
    const recap = [{ ...host("a", 0), unreachable: 1 }];
    expect(() => assertRecap(recap, ["a", "b"], "nothing changed")).toThrow(
      "a: unreachable=1 failed=0; b is missing",
    );
  });
});

test("parseFaults names the task of each failure", () => {
  const failed = `
TASK [Files] ***
changed: [broker-1] => (item=/etc/failed: no)
failed: [broker-2] (item=/etc/kafka/hosts) => {"msg": "no space"}
RUNNING HANDLER [Read units] ***
fatal: [broker-1]: UNREACHABLE! => {}
`;
  expect(parseFaults(failed)).toEqual([
    'Files: failed: [broker-2] (item=/etc/kafka/hosts) => {"msg": "no space"}',
    "Read units: fatal: [broker-1]: UNREACHABLE! => {}",
  ]);
  expect(parseFaults(OUTPUT)).toEqual([]);
});

interface Inventory {
  readonly brokers: {
    readonly hosts: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
    readonly vars: Readonly<Record<string, unknown>>;
  };
}

describe("renderInventory", () => {
  const lab = labFixture();
  const inputs = { folder: "/bench/lab", archive: "/cache/kafka.tgz" };
  const { hosts, vars } = (JSON.parse(renderInventory(lab, inputs)) as Inventory).brokers;

  it("has the brokers alone, each with its address and its folder of files", () => {
    expect(Object.keys(hosts)).toEqual(["broker-1", "broker-2", "broker-3"]);
    expect(hosts["broker-2"]).toMatchObject({ address: "10.0.42.2", tree: "/bench/lab/broker-2" });
  });

  it("names every file that the script and the stack put on the host, with mode and owner", () => {
    const entries = hostEntries(lab, brokerFixture(lab, 2)).filter(({ kind }) => kind === "file");
    const files = hosts["broker-2"]?.["files"] as { path: string }[];
    expect(files.map(({ path }) => path)).toEqual(entries.map(({ path }) => path));
    expect(files).toContainEqual({
      path: "/etc/kafka/server.properties",
      mode: "0644",
      owner: "root",
      group: "kafka",
    });
  });

  it("makes the folder of every file, but for Debian's own", () => {
    const folders = hosts["broker-1"]?.["folders"] as { path: string }[];
    const paths = folders.map(({ path }) => path);
    expect(paths).toContain("/etc/chrony");
    expect(paths).toContain("/etc/systemd/system/chrony.service.d");
    expect(paths).not.toContain("/etc/systemd/system");
    expect(new Set(paths).size).toBe(paths.length);
  });

  it("deals the topics out to the hosts, each once", () => {
    const dealt = Object.values(hosts).map(({ topics }) => topics as { name: string }[]);
    expect(
      dealt
        .flat()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(lab.topics.map(({ name }) => name).sort());
    expect(Math.max(...dealt.map(({ length }) => length))).toBe(Math.ceil(lab.topics.length / 3));
  });

  it("gives the cluster and each voter an id of its own, new in each inventory", () => {
    const ids = [...String(vars["voters"]).matchAll(/:9093:([\w-]{22})/g)].map(([, id]) => id);
    expect(new Set([...ids, vars["cluster_id"]]).size).toBe(4);
    const other = (JSON.parse(renderInventory(lab, inputs)) as Inventory).brokers.vars;
    expect(other["cluster_id"]).not.toBe(vars["cluster_id"]);
  });
});

test("the playbook uses no variable that the inventory does not give, and leaves none unused", () => {
  const text = readFileSync(join(__dirname, "../../../bench/ansible/site.yml"), "utf8");
  const [play] = parse(text) as [{ tasks: { register?: string }[] }];
  const registered = play.tasks.flatMap(({ register }) => register ?? []);
  const inventory = JSON.parse(
    renderInventory(labFixture(), { folder: "/f", archive: "/a" }),
  ) as Inventory;
  const given = new Set([
    ...Object.keys(inventory.brokers.vars),
    ...Object.keys(inventory.brokers.hosts["broker-1"] ?? {}),
  ]);
  const used = new Set(
    [...text.matchAll(/\{\{(.*?)\}\}/g)].flatMap(([, expression = ""]) =>
      // Not what is quoted, a filter, or an attribute.
      [...expression.replace(/'[^']*'/g, "").matchAll(/(?<![\w.|]\s?)\b[a-z_]+\b/g)].map(
        ([word]) => word,
      ),
    ),
  );
  for (const own of [...registered, "item"]) used.delete(own);
  expect([...used].sort()).toEqual([...given].sort());
});
