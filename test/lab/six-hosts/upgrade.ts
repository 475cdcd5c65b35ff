import { bootstrapServers, brokers } from "../../../model";
import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import type { RunTimeSettings } from "../../../provider/admin/port";
import { PATIENT } from "../../../provider/admin/port";
import { askAll, brokerPis } from "../../support/lab/pi";
import { underLoad } from "../../support/lab/load";
import { watchBrokers } from "../../support/lab/watch";
import { waitUntilWell } from "../../support/lab/well";
import { ensureKafka } from "../../../toolchain";
import type { TestStack } from "../../support/stack";
import type { GetLab } from "./shared";

/** A setting that Kafka changes while a broker runs. */
export const RUN_TIME_SETTING = "log.segment.delete.delay.ms";

/** Other values of settings, another version of Kafka, and a step of the metadata version. */
export function describeUpgrade(lab: GetLab): void {
  test("a setting that Kafka changes while it runs is in force without a restart, and staged", async () => {
    const { stack } = lab();
    const before = await askAll(brokerPis(stack), (pi) => pi.unit());
    stack.edit((value) => (value.cluster.settings![RUN_TIME_SETTING] = "30000"));
    const shown = await stack.ask("preview", "--diff");
    const told = shown.split("\n").filter((line) => line.includes(`~ ${RUN_TIME_SETTING}: `));
    expect(told.map((line) => line.trim())).toEqual(
      Array(3).fill(`~ ${RUN_TIME_SETTING}: "60000" => "30000"`),
    );
    expect((await stack.preview()).output).toContain("changed while it runs, without a restart");

    await stack.up();
    expect(await askAll(brokerPis(stack), (pi) => pi.unit())).toEqual(before);
    for (const { own } of await runTimeSettings(stack)) {
      expect(own).toEqual({ [RUN_TIME_SETTING]: "30000" });
    }
    const files = await askAll(brokerPis(stack), (pi) =>
      pi.run(
        `cat /run/kafka/started/server.properties /etc/kafka/server.properties | grep ${RUN_TIME_SETTING}`,
      ),
    );
    expect(new Set(Object.values(files))).toEqual(
      new Set([`${RUN_TIME_SETTING}=60000\n${RUN_TIME_SETTING}=30000`]),
    );
    expect((await stack.preview()).steps).toEqual([]);
  });

  test("a setting edited and another version of Kafka show in the preview and roll one broker at a time, under load", async () => {
    const { stack } = lab();
    const before = await askAll(brokerPis(stack), (pi) => pi.starts());
    stack.edit((value) => (value.cluster.settings!["log.retention.hours"] = "72"));
    const shown = await stack.ask("preview", "--diff");
    const told = shown.split("\n").filter((line) => line.includes("~ log.retention.hours: "));
    expect(told.map((line) => line.trim())).toEqual(
      Array(3).fill('~ log.retention.hours: "168" => "72"'),
    );

    // The archive is fetched first, as the user's commands do.
    await ensureKafka((line) => process.stderr.write(`${line}\n`), "4.2.0");
    stack.edit((value) => (value.cluster["kafkaVersion"] = "4.2.0"));
    const model = stack.lab();
    const watch = watchBrokers(model);
    const { result: up, verdict } = await underLoad(model, "red", () =>
      stack.run("up", "--yes", "--skip-preview"),
    ).finally(() => watch.stop());
    const seen = await watch.stop();
    expect(up.errors).toEqual([]);
    expect(up.exitCode).toBe(0);
    const rollout = up.steps.find(({ name }) => name === "kafka-rollout");
    for (const host of ["broker-1", "broker-2", "broker-3"]) {
      expect(rollout?.diff).toMatchObject({
        [`nodes.${host}.want.version`]: "update",
        [`nodes.${host}.want.properties["log.retention.hours"]`]: "update",
      });
    }
    expect(seen.mostAway).toHaveLength(1);
    expect(seen.everAway).toEqual(["broker-1", "broker-2", "broker-3"]);
    expect(await askAll(brokerPis(stack), (pi) => pi.starts())).toEqual(
      Object.fromEntries(Object.entries(before).map(([name, count]) => [name, count + 1])),
    );
    // The former version stays for the way back; a process works in the folder of its own version.
    const found = await askAll(brokerPis(stack), (pi) =>
      pi.run(
        "ls /opt/kafka; cat /run/kafka/started/version; ls /var/tmp/*.tgz 2>/dev/null || true; " +
          "grep ^log.retention.hours /run/kafka/started/server.properties",
      ),
    );
    expect(new Set(Object.values(found))).toEqual(
      new Set(["current\nkafka-4.1.1\nkafka-4.2.0\n4.2.0\nlog.retention.hours=72"]),
    );
    // The new processes read the staged value: what was set for the former ones is gone.
    for (const { own } of await runTimeSettings(stack)) expect(own).toEqual({});
    await waitUntilWell(stack, 30_000);
    expect(verdict.acknowledged).toBeGreaterThan(1000);
    expect(verdict).toMatchObject({ lost: [], unacknowledged: 0 });
    expect((await stack.preview()).steps).toEqual([]);
  });

  test("the metadata version stays until it is named; then the preview marks the step as one-way", async () => {
    const { stack } = lab();
    await expect(metadataLevel(stack)).resolves.toBe(27);
    stack.edit((value) => (value.cluster["metadataVersion"] = "4.2"));
    const shown = await stack.ask("preview", "--diff");
    expect(shown).toMatch(
      /oneWay +: "one-way: from then on no Kafka older than 4\.2 can be a broker/,
    );
    const { warnings } = await stack.preview();
    expect(warnings.join("\n")).toMatch(/metadata version 4\.1-IV1 => 4\.2-IV1 is one-way/);
    const before = await askAll(brokerPis(stack), (pi) => pi.unit());
    const up = await stack.up();
    expect(up.steps.map(({ op, name }) => `${op} ${name}`)).toEqual([
      "create kafka-metadata-version",
    ]);
    await expect(metadataLevel(stack)).resolves.toBe(29);
    expect(await askAll(brokerPis(stack), (pi) => pi.unit())).toEqual(before);
  });

  test("steps back are refused in the preview, with what is finalized and the way out", async () => {
    const { stack } = lab();
    stack.edit((value) => (value.cluster["metadataVersion"] = "4.1"));
    const back = await stack.preview();
    expect(back.exitCode).not.toBe(0);
    expect(back.errors.join("\n")).toMatch(/the metadata version 4\.2-IV1 is finalized/);

    stack.edit((value) => {
      delete value.cluster["metadataVersion"];
      value.cluster["kafkaVersion"] = "4.1.1";
    });
    const older = await stack.preview();
    expect(older.exitCode).not.toBe(0);
    expect(older.errors.join("\n")).toMatch(
      /broker-1, broker-2, broker-3: Kafka 4\.1\.1 cannot run in this cluster: .*4\.2-IV1/,
    );

    // Leaving the key out forgets it, and changes nothing.
    stack.edit((value) => (value.cluster["kafkaVersion"] = "4.2.0"));
    const up = await stack.up();
    expect(up.steps.map(({ op, name }) => `${op} ${name}`)).toEqual([
      "delete kafka-metadata-version",
    ]);
    await expect(metadataLevel(stack)).resolves.toBe(29);
  });
}

/** What was set on each broker while it ran, as the broker itself says. */
function runTimeSettings(stack: TestStack): Promise<RunTimeSettings[]> {
  const lab = stack.lab();
  return Promise.all(
    brokers(lab).map(async ({ machine, nodeId }) => {
      const server = `${machine.address}:${lab.cluster.clientPort}`;
      const admin = new PlatformaticAdmin([server], PATIENT);
      return admin.runTimeSettings(nodeId).finally(() => admin.close());
    }),
  );
}

async function metadataLevel(stack: TestStack): Promise<number | undefined> {
  const admin = new PlatformaticAdmin(bootstrapServers(stack.lab()).split(","), PATIENT);
  const { finalized } = await admin.describeFeatures().finally(() => admin.close());
  return finalized["metadata.version"];
}
