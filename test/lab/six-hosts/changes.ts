import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import { PATIENT } from "../../../provider/admin/port";
import { bootstrapServers } from "../../../model";
import { allPis, askAll, brokerPis, type UnitState } from "../../support/lab/pi";
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

  test("one topic setting edited is one line in the preview, with what it does, is applied, and touches no host", async () => {
    const { stack } = lab();
    const before = await footprint(stack);
    stack.edit((value) => (value.topics["green"]!.config = { "retention.ms": "43200000" }));

    const shown = await stack.ask("preview", "--diff");
    const lines = shown.split("\n").filter((line) => /^\s*[-+~] retention/.test(line));
    expect(lines.map((line) => line.trim())).toEqual(['~ retention.ms: "604800000" => "43200000"']);
    expect(shown).toMatch(/"safe: retention\.ms 604800000 => 43200000; it deletes nothing now"/);

    const up = await stack.up();
    expect(up.steps.map(({ op, type, name, diff }) => ({ op, type, name, diff }))).toEqual([
      {
        op: "update",
        type: "pilab:kafka/topic:Topic",
        name: "green",
        diff: { 'config["retention.ms"]': "update", changes: "add" },
      },
    ]);
    await expect(topicSetting(stack, "green", "retention.ms")).resolves.toBe("43200000");
    await expect(topicSetting(stack, "red", "retention.ms")).resolves.toBe("604800000");
    expect(await footprint(stack)).toEqual(before);
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
