import { setTimeout as sleep } from "node:timers/promises";
import type { RecordJson } from "../../../scripts/lib/records/record-text";
import { piOf } from "../../support/lab/pi";
import { leadersOf } from "../../support/lab/records";
import { waitUntilWell } from "../../support/lab/well";
import { waitFor } from "../../support/wait";
import type { RunningScript } from "../../support/stack";
import type { GetLab } from "./shared";

/** What a user types every day, as processes of their own. */
export function describeCommands(lab: GetLab): void {
  test("what `produce` says it has written, `consume` prints", async () => {
    const { stack } = lab();
    const input = "one\nzwölf\n";
    const written = await stack.scriptReading(input, "produce", "blue", "--key", "k", "--json")
      .ended;
    expect(written.exitCode).toBe(0);
    const told = records<{ partition: number; offset: number; line: number }>(written.stdout);
    expect(told).toMatchObject([
      { topic: "blue", partition: 0, line: 1 },
      { topic: "blue", partition: 0, line: 2 },
    ]);
    const [json, text] = await Promise.all([
      stack.script("consume", "blue", "--last", "2", "--json").ended,
      stack.script("consume", "blue", "--last", "2").ended,
    ]);
    expect(records<RecordJson>(json.stdout)).toMatchObject([
      { topic: "blue", offset: told[0]!.offset, key: "k", value: "one", headers: [] },
      { topic: "blue", offset: told[1]!.offset, key: "k", value: "zwölf", headers: [] },
    ]);
    expect(text).toMatchObject({ exitCode: 0, stdout: "k\tone\nk\tzwölf\n" });
  });

  test("a topic or a host that is not there is told with the nearest that is", async () => {
    const { stack } = lab();
    const [topic, host] = await Promise.all([
      stack.script("consume", "gren").ended,
      stack.script("logs", "brocker-1").ended,
    ]);
    expect(topic).toMatchObject({ exitCode: 1, stdout: "" });
    expect(topic.output).toMatch(/gren: the lab \S+ has no such topic\. Did you mean green\?\n$/);
    expect(host).toMatchObject({ exitCode: 1, stdout: "" });
    expect(host.output).toMatch(/Did you mean broker-1\?\n$/);
  });

  test("a broker that goes away stops neither who writes nor who follows", async () => {
    const { stack } = lab();
    const following = stack.script("consume", "green", "--follow");
    await said(following, "Following green");
    const [leader] = await leadersOf(stack.lab(), "green");
    const broker = piOf(stack, `broker-${leader}`);
    await broker.stopKafka();
    try {
      const written = await stack.scriptReading("still here\n", "produce", "green").ended;
      expect(written.output).toMatch(/^green, partition 0, offset \d+$/m);
      expect(written.exitCode).toBe(0);
      await said(following, "still here");
    } finally {
      await broker.startKafka();
    }
    following.process.kill("SIGINT");
    await expect(following.ended).resolves.toMatchObject({ exitCode: 0, stdout: "still here\n" });
    await waitUntilWell(stack);
  });

  test("`logs` prints a broker's journal, and leaves nothing running there", async () => {
    const { stack } = lab();
    const printed = await stack.script("logs", "broker-1", "-n", "5", "--json").ended;
    expect(printed.exitCode).toBe(0);
    const entries = records<Record<string, unknown>>(printed.stdout);
    expect(entries.length).toBe(5);
    const units = entries.map((entry) => entry["_SYSTEMD_UNIT"] ?? entry["UNIT"]);
    expect(new Set(units)).toEqual(new Set(["kafka.service"]));

    const following = stack.script("logs", "client-1", "--follow");
    const pi = piOf(stack, "client-1");
    await waitFor("journalctl on client-1", async () =>
      (await pi.run("pgrep -c journalctl || true")) === "0" ? undefined : true,
    );
    await pi.run("logger said by a test");
    await said(following, "said by a test");
    following.process.kill("SIGINT");
    expect((await following.ended).exitCode).toBe(0);
    await waitFor("the end of journalctl on client-1", async () =>
      (await pi.run("pgrep -c journalctl || true")) === "0" ? true : undefined,
    );
  });

  test("`ssh` is the user's own client with the lab's key and pinned host key", async () => {
    const { stack } = lab();
    const there = await stack.script("ssh", "broker-2", "hostname; exit 7").ended;
    // A virtual Pi is called as its machine.
    const { machine } = piOf(stack, "broker-2").host;
    expect(there).toMatchObject({ exitCode: 7, stdout: `${machine.name}\n` });
  });
}

function records<T>(stdout: string): T[] {
  return stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as T);
}

/** Waits until a command that goes on has printed a text; its end is waited for no longer. */
async function said(script: RunningScript, text: string): Promise<void> {
  await waitFor(`"${text}"`, async () => {
    if (script.output().includes(text)) return true;
    const early = await Promise.race([script.ended, sleep(1)]);
    if (early !== undefined) throw new Error(`it ended with ${early.exitCode}: ${early.output}`);
    return undefined;
  });
}
