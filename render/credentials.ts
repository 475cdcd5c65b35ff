import { SUPER_USER } from "../model/kafka/security";
import { kafkaPaths } from "./kafka-paths";
import type { StagedFile } from "./bundle";

/** Letters that stand for themselves in JAAS and in Java's properties, within quotes and without. */
const PLAIN_TEXT = /^[A-Za-z0-9_-]+$/;

/**
 * How a node logs in at the others and knows the super user: Kafka's `KafkaServer` section of JAAS. SCRAM's
 * module has nothing to be told: the users' credentials are in the cluster's metadata.
 */
export function renderJaas(password: string): string {
  assertPlain(password);
  return [
    "KafkaServer {",
    "  org.apache.kafka.common.security.plain.PlainLoginModule required",
    `    username="${SUPER_USER}"`,
    `    password="${password}"`,
    `    user_${SUPER_USER}="${password}";`,
    "  org.apache.kafka.common.security.scram.ScramLoginModule required;",
    "};",
    "",
  ].join("\n");
}

/** What Kafka's command-line tools on the host take with `--command-config`. */
export function renderAdminProperties(password: string): string {
  assertPlain(password);
  const login = `username="${SUPER_USER}" password="${password}"`;
  return [
    "security.protocol=SASL_PLAINTEXT",
    "sasl.mechanism=PLAIN",
    `sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required ${login};`,
    "",
  ].join("\n");
}

/** The files that hold the super user's password: for root, and for Kafka to read. */
export function credentialFiles(password: string): readonly StagedFile[] {
  return [
    jaasFile(password),
    confidential(kafkaPaths.adminProperties, renderAdminProperties(password)),
  ];
}

export function jaasFile(password: string): StagedFile {
  return confidential(kafkaPaths.jaas, renderJaas(password));
}

function confidential(path: string, content: string): StagedFile {
  return { kind: "file", path, mode: "0640", owner: "root:kafka", content };
}

/** It is made by this program of letters that need no escape. It is not shown. */
function assertPlain(password: string): void {
  if (!PLAIN_TEXT.test(password))
    throw new Error("bug: a password that JAAS would not read as it is");
}
