import { programService } from "../../../../render/services";
import { expectGolden } from "../../../support/golden";
import { labFixture } from "../../../support/lab-fixture";

const lab = labFixture();
const host = lab.hosts[3]!;
const mqtt = { address: "10.0.42.1", port: 1883, username: "client-1", password: "abc" };
const config = { mqtt, topic: "hosts/client-1/telemetry", everySeconds: 1 };
const service = (directives?: string[]) =>
  programService({
    ...{ lab, host, program: "telemetry", description: "Telemetry of this host", config },
    ...(directives === undefined ? {} : { directives }),
  } as const);
const contentOf = (path: string, of = service()): string => {
  const entry = of.entries.find((one) => one.path === path);
  if (entry?.kind !== "file") throw new Error(`no file ${path}`);
  return entry.content;
};
const UNIT = "/etc/systemd/system/pi-lab-telemetry.service";
const CONFIG = "/etc/pi-lab/telemetry.json";

test("a program is a unit of its own under a user of its own, and its configuration", () => {
  const { unit, user, program, packages, entries } = service();
  expect({ unit, user, program, packages }).toEqual({
    unit: "pi-lab-telemetry",
    user: "pi-lab-telemetry",
    program: "telemetry",
    packages: [],
  });
  expect(entries.map((entry) => (entry.kind === "file" ? [entry.path, entry.mode] : []))).toEqual([
    [UNIT, "0644"],
    [CONFIG, "0640"],
  ]);
  expect(entries[1]).toMatchObject({ owner: "root:pi-lab-telemetry" });
});

test("its unit is as approved", () => {
  expectGolden("unit/render/golden/pi-lab-telemetry.service", contentOf(UNIT));
});

test("the sandbox lets Node.js compile, and what a program asks for comes after it", () => {
  expect(contentOf(UNIT)).not.toContain("MemoryDenyWriteExecute");
  const text = contentOf(UNIT, service(["PrivateDevices=no"]));
  expect(text.indexOf("PrivateDevices=no")).toBeGreaterThan(text.indexOf("PrivateDevices=yes"));
  expect(text.indexOf("PrivateDevices=no")).toBeLessThan(text.indexOf("[Install]"));
});

test("its configuration says on which host it is, and where it tells its health", () => {
  expect(JSON.parse(contentOf(CONFIG))).toEqual({
    host: "client-1",
    endpoint: { address: "10.0.42.4", port: 9182 },
    ...config,
  });
});
