import { parseLab, type Lab } from "../../../../model";
import { dashboardsConfig } from "../../../../payloads/dashboards/config";
import type { HostService, ProgramSums } from "../../../../render";
import { hostWants, renderServicesScript } from "../../../../render";
import { blankSecrets, hostServices } from "../../../../render/services";
import { change, physicalConfig } from "../../../support/lab-config";
import { expectGolden } from "../../../support/golden";

const raw = change(physicalConfig(), ["store"], { host: "client-1", topics: ["red"] });
change(raw, ["dashboards"], { host: "desk-1", metabaseJar: "metabase.jar", heapMib: 768 });
const lab: Lab = parseLab(raw);
const hostOf = (name: string) => lab.hosts.find((host) => host.name === name)!;
const secrets = {
  ...blankSecrets(lab),
  dashboards: { password: "admin-password", encryptionKey: "key-of-32-letters-and-digits-001" },
};
const services = (name: string): HostService[] => hostServices(lab, hostOf(name), secrets);
const textOf = (path: string, name = "desk-1"): string => {
  const entry = services(name)
    .flatMap(({ entries }) => entries)
    .find((one) => one.path === path);
  if (entry?.kind !== "file") throw new Error(`no file ${path}`);
  return entry.content;
};

test("Metabase and the program run on their host alone, Metabase first", () => {
  const units = (name: string) => services(name).map(({ unit }) => unit);
  expect(units("desk-1")).toEqual(["metabase", "pi-lab-dashboards"]);
  expect(units("client-2")).not.toContain("metabase");
  expect(services("desk-1")[0]).toMatchObject({
    ...{ user: "metabase", program: undefined, packages: ["openjdk-21-jre-headless"] },
    file: { pushed: "/var/tmp/pi-lab-metabase.jar", path: "/opt/metabase/metabase.jar" },
  });
});

test("its unit and its environment are as approved", () => {
  expectGolden(
    "unit/render/golden/metabase.service",
    textOf("/etc/systemd/system/metabase.service"),
  );
  expectGolden("unit/render/golden/metabase.env", textOf("/etc/pi-lab/metabase.env"));
});

test("root and Metabase alone read what it logs in with", () => {
  const env = services("desk-1")[0]?.entries.find(({ path }) => path.endsWith(".env"));
  expect(env).toMatchObject({ mode: "0640", owner: "root:metabase" });
  expect(textOf("/etc/systemd/system/metabase.service")).not.toContain("key-of-32");
});

test("the program is told a configuration that it takes", () => {
  expect(dashboardsConfig.parse(JSON.parse(textOf("/etc/pi-lab/dashboards.json")))).toEqual({
    ...{ host: "desk-1", endpoint: { address: "10.0.42.6", port: 9186 }, lab: "gcn" },
    metabase: {
      ...{ address: "10.0.42.6", port: 3000, email: "admin@pi-lab.internal" },
      password: "admin-password",
    },
    store: {
      ...{ address: "10.0.42.4", port: 5432, database: "pilab", username: "dashboards" },
      password: "x".repeat(32),
    },
    everySeconds: 60,
  });
});

describe("the store", () => {
  const roles = "/etc/postgresql/15/main/pi-lab.roles.sql";
  const hba = "/etc/postgresql/15/main/pi-lab.hba.conf";

  test("has a database of Metabase's own, which its role alone may open", () => {
    expect(textOf(roles, "client-1")).toContain("CREATE DATABASE metabase OWNER metabase");
    expect(textOf(roles, "client-1")).toContain("REVOKE ALL ON DATABASE metabase FROM PUBLIC;");
    expect(textOf(hba, "client-1")).toContain(
      "host  metabase  metabase  10.0.42.0/24  scram-sha-256\n",
    );
  });

  test("has none where there is no Metabase", () => {
    const without = { ...lab, data: { ...lab.data, dashboards: undefined } };
    const [postgres] = hostServices(without, hostOf("client-1"), blankSecrets(without));
    expect(JSON.stringify(postgres?.entries)).not.toContain("metabase");
  });
});

describe("the push", () => {
  const sums: ProgramSums = {
    node: "ab".repeat(32),
    programs: { dashboards: "cd".repeat(32) },
    files: { "/var/tmp/pi-lab-metabase.jar": "ef".repeat(32) },
  };
  const script = (jar = "ef".repeat(32)) =>
    renderServicesScript(hostOf("desk-1"), services("desk-1"), {
      ...sums,
      files: { "/var/tmp/pi-lab-metabase.jar": jar },
    });

  test("takes the jar from where it was copied to, by its sum", () => {
    expect(script()).toContain("file_path=('/opt/metabase/metabase.jar')");
    expect(script()).toContain(`file_sha256=('${"ef".repeat(32)}')`);
    expect(() =>
      renderServicesScript(hostOf("desk-1"), services("desk-1"), { ...sums, files: {} }),
    ).toThrow("bug: /var/tmp/pi-lab-metabase.jar is not among what is pushed");
  });

  test("another jar restarts Metabase, and not the program", () => {
    const prints = (text: string) => /^unit_print=\('(\w+)' '(\w+)'\)$/m.exec(text)?.slice(1);
    const [metabase, program] = prints(script()) ?? [];
    const [other, same] = prints(script("01".repeat(32))) ?? [];
    expect(metabase).toMatch(/^\w{64}$/);
    expect(other).not.toBe(metabase);
    expect(same).toBe(program);
  });

  test("leaves a jar whose absence is drift", () => {
    const wants = hostWants(lab, hostOf("desk-1"), { services: { all: services("desk-1"), sums } });
    expect(JSON.stringify(wants)).toContain('"/opt/metabase/metabase.jar":"present"');
  });
});
