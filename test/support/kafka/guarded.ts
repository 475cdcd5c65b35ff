import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import type { KafkaAdmin, Sasl } from "../../../provider/admin/port";
import { asking, PATIENT } from "../../../provider/admin/port";
import type { SecurityAdmin } from "../../../provider/admin/security-port";
import { kafkaHome } from "./kafka-home";

const run = promisify(execFile);
const LISTENER = "listener.name.sasl_plaintext";
const SECURITY = "org.apache.kafka.common.security";

/** Settings of brokers that let in who logs in alone, and that ask an authorizer what it may do. */
export function guardedProperties({ username, password }: Sasl): Record<string, string> {
  const scram = `${SECURITY}.scram.ScramLoginModule required;`;
  return {
    "security.inter.broker.protocol": "SASL_PLAINTEXT",
    "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512,SCRAM-SHA-256",
    "sasl.mechanism.inter.broker.protocol": "PLAIN",
    [`${LISTENER}.plain.sasl.jaas.config`]:
      `${SECURITY}.plain.PlainLoginModule required username="${username}" ` +
      `password="${password}" user_${username}="${password}";`,
    [`${LISTENER}.scram-sha-512.sasl.jaas.config`]: scram,
    [`${LISTENER}.scram-sha-256.sasl.jaas.config`]: scram,
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    // The controllers' listener lets in whoever comes: brokers alone do.
    "super.users": `User:${username};User:ANONYMOUS`,
  };
}

/** Waits until it is so by each broker's own view: metadata reaches each in its own time. */
export async function everywhere(
  bootstrapServers: string,
  sasl: Sasl,
  isSo: (security: SecurityAdmin) => Promise<boolean>,
): Promise<void> {
  for (const server of bootstrapServers.split(",")) {
    const ask = (admin: KafkaAdmin): Promise<void> => settled(() => isSo(admin.security));
    await asking(new PlatformaticAdmin([server], { ...PATIENT, sasl }), ask);
  }
}

export async function settled(condition: () => Promise<boolean>): Promise<void> {
  const end = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > end) throw new Error(`waited 20 s for ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Runs one of Kafka's own tools as this user; gives back what it printed. */
export async function kafkaTool(
  tool: string,
  bootstrapServers: string,
  login: Sasl,
  args: readonly string[],
): Promise<string> {
  const home = await kafkaHome();
  const folder = await mkdtemp(join(tmpdir(), "pi-lab-tool-"));
  const file = join(folder, "client.properties");
  const module = login.mechanism === "PLAIN" ? "plain.PlainLoginModule" : "scram.ScramLoginModule";
  await writeFile(
    file,
    [
      "security.protocol=SASL_PLAINTEXT",
      `sasl.mechanism=${login.mechanism}`,
      `sasl.jaas.config=${SECURITY}.${module} required username="${login.username}" password="${login.password}";`,
    ].join("\n"),
    { mode: 0o600 },
  );
  try {
    const java = ["-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", `${home}/libs/*`, tool];
    const common = ["--bootstrap-server", bootstrapServers, "--command-config", file];
    const { stdout, stderr } = await run("java", [...java, ...common, ...args]);
    return stdout + stderr;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
