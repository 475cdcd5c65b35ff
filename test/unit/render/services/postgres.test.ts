import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { parseLab, type Host, type Lab } from "../../../../model";
import { sinkConfig } from "../../../../payloads/sink/config";
import { blankSecrets, hostServices, secretNames } from "../../../../render/services";
import { postgresService } from "../../../../render/services/postgres";
import { renderRoles, scramVerifier } from "../../../../render/services/postgres-roles";
import { sinkService } from "../../../../render/services/sink";
import { expectGolden } from "../../../support/golden";
import { change, physicalConfig } from "../../../support/lab-config";

const config = () =>
  change(physicalConfig(), ["store"], {
    ...{ host: "desk-1", topics: ["red", "green"], readers: ["grafana"] },
  });
const lab = parseLab(config());
const secrets = blankSecrets(lab);
const hostOf = (name: string, of: Lab = lab): Host => of.hosts.find((host) => host.name === name)!;
const service = postgresService(lab, hostOf("desk-1"), secrets)!;

function entry(ends: string) {
  const found = service.entries.find(({ path }) => path.endsWith(ends));
  if (found?.kind !== "file") throw new Error(`no file ${ends}`);
  return found;
}

test.each([
  ["postgresql.conf", "/conf.d/pi-lab.conf"],
  ["postgresql.hba.conf", "/pi-lab.hba.conf"],
  ["postgresql.roles.sql", "/pi-lab.roles.sql"],
  ["postgresql-drop-in.conf", ".service.d/pi-lab.conf"],
])("%s is as approved", (name, ends) => {
  expectGolden(`unit/render/golden/${name}`, entry(ends).content);
});

test("it is Debian's cluster, on its host alone, before the sink", () => {
  const { unit, packages, program, user } = service;
  expect({ unit, packages, program, user }).toEqual({
    ...{ unit: "postgresql@15-main", packages: ["postgresql-15"] },
    ...{ program: undefined, user: undefined },
  });
  const units = lab.hosts.flatMap((host) =>
    hostServices(lab, host, secrets).map((one) => `${host.name} ${one.unit}`),
  );
  expect(units.filter((line) => /postgresql|sink/.test(line))).toEqual([
    "desk-1 postgresql@15-main",
    "desk-1 pi-lab-sink",
  ]);
});

test("root and PostgreSQL alone read who may log in; no password is in any of its files", () => {
  for (const ends of [".hba.conf", ".roles.sql"]) {
    expect(entry(ends)).toMatchObject({ mode: "0640", owner: "root:postgres" });
  }
  const store = { sink: "TOPSECRET-1", dashboards: "TOPSECRET-2", grafana: "TOPSECRET-3" };
  const made = postgresService(lab, hostOf("desk-1"), { ...secrets, store })!;
  expect(JSON.stringify(made.entries)).not.toContain("TOPSECRET");
});

test("what PostgreSQL keeps of a password proves it, and tells it not", () => {
  const salt = Buffer.from("0123456789abcdef").toString("base64");
  const verifier = scramVerifier({ password: "pencil", salt });
  const [, rounds, found, stored, server] =
    /^SCRAM-SHA-256\$(\d+):([^$]+)\$([^:]+):(.+)$/.exec(verifier) ?? [];
  expect([rounds, found]).toEqual(["4096", salt]);
  // RFC 5802: a client proves itself by a key whose hash is stored.
  const salted = pbkdf2Sync("pencil", Buffer.from(salt, "base64"), 4096, 32, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  expect(stored).toBe(createHash("sha256").update(clientKey).digest("base64"));
  expect(server).toBe(createHmac("sha256", salted).update("Server Key").digest("base64"));
});

test("a role without a password is a bug, and is told without any", () => {
  const roles = { database: "pilab", readers: ["grafana"] };
  expect(() => renderRoles(roles, { sink: { password: "p", salt: "AAAA" } })).toThrow(
    /^bug: no password was made for the role grafana$/,
  );
});

test("the sink is told a configuration that it takes, with its own login at both ends", () => {
  const scram = parseLab(change(config(), ["cluster", "authentication"], "scram"));
  const made = sinkService(scram, hostOf("desk-1", scram), blankSecrets(scram));
  const file = made?.entries.find(({ path }) => path === "/etc/pi-lab/sink.json");
  expect(file).toMatchObject({ mode: "0640", owner: "root:pi-lab-sink" });
  const content: unknown = file?.kind === "file" ? JSON.parse(file.content) : undefined;
  expect(sinkConfig.parse(content)).toEqual({
    ...{ host: "desk-1", endpoint: { address: "10.0.42.6", port: 9185 } },
    kafka: {
      bootstrapServers: ["10.0.42.1:9092", "10.0.42.2:9092", "10.0.42.3:9092"],
      sasl: {
        ...{ mechanism: "SCRAM-SHA-512", username: "pi-lab-sink", password: "x".repeat(32) },
      },
    },
    store: {
      ...{ address: "10.0.42.6", port: 5432, database: "pilab", username: "sink" },
      password: "x".repeat(32),
    },
    ...{ topics: ["green", "red"], retentionDays: 30 },
  });
});

test("a lab without a store has no secrets for one", () => {
  expect(secretNames(lab).store).toEqual(["sink", "dashboards", "grafana"]);
  const without = parseLab(physicalConfig());
  expect(secretNames(without).store).toEqual([]);
  expect(blankSecrets(without).storeSalts).toEqual({});
});
