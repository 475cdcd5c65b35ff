import type { Lab } from "../../../model/types";
import {
  fileHash,
  hostWants,
  jaasHash,
  kafkaPaths,
  nodeFiles,
  nodeWant,
  renderBundle,
  renderKafkaEnv,
  renderServerProperties,
  serverProperties,
  type StagedFile,
} from "../../../render";
import { renderAdminProperties, renderJaas } from "../../../render/credentials";
import { expectGolden } from "../../support/golden";
import { parseJavaProperties } from "../../support/java-properties";
import { brokerFixture, labFixture, nodeFixture, separateFixture } from "../../support/lab-fixture";

const PASSWORD = "s3cr3t-of-24_random_bytes";
const secured = (lab: Lab): Lab => ({
  ...lab,
  cluster: { ...lab.cluster, authentication: "scram" },
});
const lab = secured(labFixture());
const broker = brokerFixture(lab, 1);
const files = nodeFiles(lab, broker, PASSWORD).filter(
  (entry): entry is StagedFile => entry.kind === "file",
);

test("server.properties of a broker that asks who somebody is, is as approved", () => {
  expectGolden("unit/render/golden/server-scram.properties", renderServerProperties(lab, broker));
});

test.each([
  ["jaas.conf", renderJaas(PASSWORD)],
  ["admin.properties", renderAdminProperties(PASSWORD)],
])("%s is as approved", (name, text) => {
  expectGolden(`unit/render/golden/${name}`, text);
});

test("every listener of a node wants a login, and nothing that no rule allows is allowed", () => {
  const separate = secured(separateFixture());
  for (const nodeId of [1, 4]) {
    const settings = serverProperties(separate, nodeFixture(separate, nodeId));
    const names = settings["listeners"]!.split(",").map((listener) => listener.split(":")[0]);
    const protocols = parseMap(settings["listener.security.protocol.map"]!);
    expect(names.map((name) => protocols[name!])).toEqual(["SASL_PLAINTEXT"]);
    expect(settings).toMatchObject({
      "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
      "allow.everyone.if.no.acl.found": "false",
      "super.users": "User:pi-lab",
    });
  }
});

const parseMap = (text: string): Record<string, string> =>
  Object.fromEntries(text.split(",").map((entry) => entry.split(":") as [string, string]));

test("the password is in two files alone, which root and Kafka's group can read", () => {
  const holders = files.filter(({ content }) => content.includes(PASSWORD));
  expect(holders.map(({ path, mode, owner }) => [path, mode, owner])).toEqual([
    [kafkaPaths.jaas, "0640", "root:kafka"],
    [kafkaPaths.adminProperties, "0640", "root:kafka"],
  ]);
  expect(JSON.stringify(nodeWant(lab, broker))).not.toContain(PASSWORD);
  expect(JSON.stringify(hostWants(lab, broker, { password: PASSWORD }))).not.toContain(PASSWORD);
});

test("the JVM is told of the file, by its own path; where nobody logs in there is none", () => {
  const flag = "-Djava.security.auth.login.config=";
  expect(renderKafkaEnv(lab, broker)).toContain(`${flag}${kafkaPaths.jaas}`);
  const open = labFixture();
  expect(renderKafkaEnv(open, brokerFixture(open, 1))).not.toContain(flag);
  const bundle = renderBundle(nodeFiles(open, brokerFixture(open, 1)));
  expect(bundle).not.toMatch(/jaas|admin\.properties|SASL/);
});

test("the tools' login is one line of a properties file, as Kafka reads it", () => {
  const properties = parseJavaProperties(renderAdminProperties(PASSWORD));
  expect(properties["sasl.jaas.config"]).toBe(
    `org.apache.kafka.common.security.plain.PlainLoginModule required username="pi-lab" password="${PASSWORD}";`,
  );
});

test("what a process must be started with, and what is looked for on the host, is what is staged", () => {
  const jaas = files.find(({ path }) => path === kafkaPaths.jaas)!;
  expect(jaasHash(PASSWORD)).toBe(fileHash(jaas));
  expect(jaasHash("another-password-of-ours")).not.toBe(fileHash(jaas));
  const wanted = hostWants(lab, broker, { password: PASSWORD }).stage?.files ?? {};
  for (const file of files) {
    const { mode, owner } = file;
    expect(wanted[file.path]).toEqual({ mode, owner, sha256: fileHash(file) });
  }
});

test.each(["", 'with"quote', "with\nline", "back\\slash"])(
  "a password that needs an escape is none of ours: %j",
  (password) => {
    expect(() => renderJaas(password)).toThrow("bug:");
    expect(() => renderAdminProperties(password)).toThrow("bug:");
  },
);
