import { bootstrapServers, brokers } from "../../../model";
import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import type { RunTimeSettings } from "../../../provider/admin/port";
import { PATIENT } from "../../../provider/admin/port";
import { askAll, brokerPis } from "../../support/lab/pi";
import { upgradeUnderLoad } from "../../support/lab/upgrade";
import type { TestStack } from "../../support/stack";
import type { GetLab } from "./shared";

/** A setting that Kafka changes while a broker runs. */
export const RUN_TIME_SETTING = "log.segment.delete.delay.ms";

/** Another value of a setting, another version of Kafka, and a step of the metadata version. */
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

  test("another version of Kafka rolls one broker at a time under load, with nothing lost", async () => {
    const { stack } = lab();
    const {
      outcome,
      acknowledged,
      lost,
      brokers: seen,
    } = await upgradeUnderLoad(stack, "4.2.0", "red");
    expect(outcome.errors).toEqual([]);
    expect(outcome.exitCode).toBe(0);
    const rollout = outcome.steps.find(({ name }) => name === "kafka-rollout");
    expect(rollout?.diff).toMatchObject({
      "nodes.broker-1.want.version": "update",
      "nodes.broker-2.want.version": "update",
      "nodes.broker-3.want.version": "update",
    });
    expect(seen.mostAway).toHaveLength(1);
    expect(seen.everAway).toEqual(["broker-1", "broker-2", "broker-3"]);
    expect(acknowledged.length).toBeGreaterThan(20);
    expect(lost).toEqual([]);
    // The former one stays for the way back; a process works in the folder of its own version.
    const found = await askAll(brokerPis(stack), (pi) =>
      pi.run(
        "ls /opt/kafka; cat /run/kafka/started/version; ls /var/tmp/*.tgz 2>/dev/null || true",
      ),
    );
    expect(new Set(Object.values(found))).toEqual(
      new Set(["current\nkafka-4.1.1\nkafka-4.2.0\n4.2.0"]),
    );
    // The new processes read the staged value: what was set for the former ones is gone.
    for (const { own } of await runTimeSettings(stack)) expect(own).toEqual({});
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
