import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import { PATIENT } from "../../../provider/admin/port";
import { bootstrapServers } from "../../../model";
import { allPis, askAll, brokerPis, type UnitState } from "../../support/lab/pi";
import { leadersOf, readFrom } from "../../support/lab/records";
import { waitUntilWell } from "../../support/lab/well";
import { startLoad, watchBrokers } from "../../support/lab/watch";
import type { TestStack } from "../../support/stack";
import type { GetLab } from "./shared";

/** An edit of the configuration is how anything changes, and what was not edited stays untouched. */
export function describeChanges(lab: GetLab): void {
  test("a second `up` changes nothing, restarts no process and opens no SSH connection", async () => {
    const { stack } = lab();
    const before = await footprint(stack);
    const again = await stack.up();
    expect(again.steps.map(({ op, name, diff }) => ({ op, name, diff }))).toEqual([]);
    const { same, ...changed } = again.summary?.resourceChanges ?? {};
    expect(changed).toEqual({});
    expect(same).toBe(lab().coldUp.summary?.resourceChanges["create"]);
    expect(await footprint(stack)).toEqual(before);
  });

  test("one topic setting edited is one line in the preview, is applied, and touches no host", async () => {
    const { stack } = lab();
    const before = await footprint(stack);
    stack.edit((value) => (value.topics["green"]!.config = { "retention.ms": "43200000" }));

    const shown = await stack.ask("preview", "--diff");
    const lines = shown.split("\n").filter((line) => /^\s*[-+~] retention/.test(line));
    expect(lines.map((line) => line.trim())).toEqual(['~ retention.ms: "604800000" => "43200000"']);

    const up = await stack.up();
    expect(up.steps.map(({ op, type, name, diff }) => ({ op, type, name, diff }))).toEqual([
      {
        op: "update",
        type: "pilab:kafka/topic:Topic",
        name: "green",
        diff: { 'config["retention.ms"]': "update" },
      },
    ]);
    await expect(topicSetting(stack, "green", "retention.ms")).resolves.toBe("43200000");
    await expect(topicSetting(stack, "red", "retention.ms")).resolves.toBe("604800000");
    expect(await footprint(stack)).toEqual(before);
  });

  test("one broker setting edited shows in the preview and rolls one broker at a time, under load", async () => {
    const { stack } = lab();
    const before = await brokerStarts(stack);
    stack.edit((value) => (value.cluster.settings!["log.retention.hours"] = "72"));

    const shown = await stack.ask("preview", "--diff");
    const told = shown.split("\n").filter((line) => /~ log\.retention\.hours: /.test(line));
    expect(told.map((line) => line.trim())).toEqual(
      Array(3).fill('~ log.retention.hours: "168" => "72"'),
    );

    const model = stack.lab();
    const load = startLoad(model, "red", 3);
    const watch = watchBrokers(model);
    const up = await stack.run("up", "--yes", "--skip-preview");
    const seen = await watch.stop();
    const acknowledged = await load.stop();
    expect(up.errors).toEqual([]);
    expect(up.exitCode).toBe(0);
    expect(up.steps.map(({ op, name }) => `${op} ${name}`).sort()).toEqual([
      "update broker-1-files",
      "update broker-2-files",
      "update broker-3-files",
      "update kafka-rollout",
    ]);
    const running = (host: string): string =>
      `nodes.${host}.want.properties["log.retention.hours"]`;
    expect(up.steps.find(({ name }) => name === "kafka-rollout")?.diff).toMatchObject({
      [running("broker-1")]: "update",
      [running("broker-2")]: "update",
      [running("broker-3")]: "update",
    });
    expect(seen.mostAway.length).toBe(1);
    expect(seen.everAway).toEqual(["broker-1", "broker-2", "broker-3"]);
    const after = await brokerStarts(stack);
    expect(after).toEqual(
      Object.fromEntries(Object.entries(before).map(([name, count]) => [name, count + 1])),
    );
    const inForce = await askAll(brokerPis(stack), (pi) =>
      pi.run("grep ^log.retention.hours /run/kafka/started/server.properties"),
    );
    expect(new Set(Object.values(inForce))).toEqual(new Set(["log.retention.hours=72"]));
    await waitUntilWell(stack, 30_000);

    expect(acknowledged.length).toBeGreaterThan(20);
    const kept = new Set<string>();
    for (const [partition, leader] of (await leadersOf(model, "red")).entries()) {
      for (const value of await readFrom(model, leader, "red", partition)) kept.add(value);
    }
    expect(acknowledged.filter((value) => !kept.has(value))).toEqual([]);

    const again = await stack.preview();
    expect(again.steps.map(({ name }) => name)).toEqual([]);
  });
}

interface Footprint {
  readonly units: Record<string, UnitState>;
  readonly sshdLines: Record<string, number>;
}

/** Equal before and after: no process was restarted, nobody came in by SSH. */
async function footprint(stack: TestStack): Promise<Footprint> {
  return {
    units: await askAll(brokerPis(stack), (pi) => pi.unit()),
    sshdLines: await askAll(allPis(stack), (pi) => pi.sshdLines()),
  };
}

function brokerStarts(stack: TestStack): Promise<Record<string, number>> {
  return askAll(brokerPis(stack), (pi) => pi.starts());
}

async function topicSetting(
  stack: TestStack,
  topic: string,
  key: string,
): Promise<string | undefined> {
  const admin = new PlatformaticAdmin(bootstrapServers(stack.lab()).split(","), PATIENT);
  try {
    return (await admin.describeTopic(topic))?.config[key];
  } finally {
    await admin.close();
  }
}
