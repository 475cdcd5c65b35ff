import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Lab } from "../../../../model";
import type { Engine } from "../../../../scripts/lib/engine";
import { checkpointFile, labFolder } from "../../../../scripts/lib/lab-folder";
import { loadTarget } from "../../../../scripts/lib/load/target";
import { labFixture } from "../../../support/lab-fixture";

const root = mkdtempSync(join(tmpdir(), "pi-lab-load-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const fixture = labFixture();
const mqtt = {
  host: fixture.hosts[3]!.name,
  port: 1883,
  maxConnections: 2_000,
  maxQueuedMessages: 1,
  maxMessageBytes: 1,
  devices: [],
};
const lab: Lab = { ...fixture, data: { ...fixture.data, mqtt } };

function engineWith(outputs: object): Engine {
  const bin = join(root, "pulumi");
  writeFileSync(bin, `#!/bin/sh\ncat <<'END'\n${JSON.stringify(outputs)}\nEND\n`);
  chmodSync(bin, 0o755);
  return { bin, env: {} };
}

test("the address is the MQTT broker's, the password the stack's", async () => {
  const folder = labFolder("virtual", root);
  mkdirSync(dirname(checkpointFile(folder)), { recursive: true });
  writeFileSync(checkpointFile(folder), "{}");
  const engine = engineWith({ mqttPasswords: { load: "l", "bridge-a": "b" } });
  await expect(loadTarget(folder, lab, engine)).resolves.toEqual({
    address: "10.0.42.4",
    port: 1883,
    username: "load",
    password: "l",
  });
  await expect(loadTarget(folder, lab, engineWith({}))).rejects.toThrow(
    "The stack virtual has no password of the MQTT user load yet: npm run pulumi -- up has to end once.",
  );
});

test("a lab that was not made yet has none", async () => {
  const folder = labFolder("virtual", join(root, "empty"));
  await expect(loadTarget(folder, lab, { bin: "/nowhere", env: {} })).rejects.toThrow(
    /has no password of the MQTT user load yet/,
  );
});
