import { PlatformaticAdmin } from "../../../provider/admin/platformatic";
import { BRISK, type Quorum } from "../../../provider/admin/port";
import { bootstrapServers, brokers } from "../../../model";
import { run } from "../../../toolchain/process";
import type { Verdict } from "../../../trials/checker/ledger";
import { underLoad } from "../../support/lab/load";
import { askAll, brokerPis, Pi, piOf } from "../../support/lab/pi";
import { waitUntilWell } from "../../support/lab/well";
import type { TestStack } from "../../support/stack";
import { waitFor } from "../../support/wait";
import type { GetLab } from "./shared";

const GATE = "pilab:lab/swapGate:SwapGate";

/** A machine of the lab, whichever host is on it. */
function machine(stack: TestStack, name: string): Pi {
  const { container, host } = piOf(stack, "broker-1");
  const dockerHost = stack.engine.env["DOCKER_HOST"]!;
  return new Pi(dockerHost, container.replace(/[^-]+-\d+$/, name), host);
}

async function quorum(stack: TestStack): Promise<Quorum> {
  const lab = stack.lab();
  const admin = new PlatformaticAdmin(bootstrapServers(lab).split(","), BRISK);
  try {
    const port = lab.cluster.controllerPort;
    return await admin.describeQuorum(brokers(lab).map((one) => `${one.machine.address}:${port}`));
  } finally {
    await admin.close();
  }
}

const voters = async (stack: TestStack): Promise<Record<number, string>> =>
  Object.fromEntries((await quorum(stack)).voters.map(({ id, directoryId }) => [id, directoryId]));

/** The gate's steps for a host, as a run's events have them. */
function stepsOf(outcome: Awaited<ReturnType<TestStack["preview"]>>, host: string): string[] {
  const gate = outcome.steps.find(({ type }) => type === GATE);
  const { swaps } = gate?.metadata.new?.inputs as { swaps: Record<string, string[]> };
  return swaps[host] ?? [];
}

/** Swaps take minutes, and all that while records are written. */
function expectKept(verdict: Verdict): void {
  expect(verdict.acknowledged).toBeGreaterThan(1000);
  expect(verdict).toMatchObject({ lost: [], unacknowledged: 0 });
}

/** As if its power had gone: Docker does not start it again by itself. */
async function kill(stack: TestStack, name: string): Promise<void> {
  await docker(stack, "kill", machine(stack, name).container);
}

async function revive(stack: TestStack, name: string): Promise<void> {
  await docker(stack, "start", machine(stack, name).container);
  await waitFor(`${name} to boot`, () => machine(stack, name).run("systemctl is-active ssh"));
}

async function docker(stack: TestStack, ...args: readonly string[]): Promise<void> {
  const host = stack.engine.env["DOCKER_HOST"]!;
  await run("docker", ["-H", host, ...args], { timeoutMs: 60_000 });
}

/**
 * A failed Pi is replaced by one edit, with the template's spare and its data plane's machine (pi-7 and pi-8). The tests go
 * on from each other: a broker whose machine is dead, one whose machine still answers, swaps that are refused.
 */
export function describeSwaps(lab: GetLab): void {
  test("a broker whose machine is dead moves to a spare by one edit, under load, with nothing lost", async () => {
    const { stack } = lab();
    const before = await voters(stack);
    const survivors = ["broker-1", "broker-3"].map((name) => piOf(stack, name));
    const units = await askAll(survivors, (pi) => pi.unit());
    const { result: up, verdict } = await underLoad(stack.lab(), "red", async () => {
      await kill(stack, "pi-2");
      stack.edit((lab) => (lab.hosts["broker-2"]!.machine = "pi-7"));

      await waitFor("the cluster to miss broker-2", async () => {
        const { hosts } = await stack.status();
        return hosts.find(({ name }) => name === "broker-2")?.broker === "up" ? undefined : true;
      });
      const preview = await stack.preview();
      expect(preview.errors).toEqual([]);
      const [safe, former, storage, ...rest] = stepsOf(preview, "broker-2");
      expect(safe).toMatch(/^safe to begin: voters 1 \(\d+ ms behind\), 3 \(\d+ ms behind\);/);
      expect(former).toMatch(/^pi-2 \(10\.\S+\) does not answer and is taken for gone$/);
      expect(storage).toMatch(
        /^storage on pi-7 \(10\.\S+\) is formatted: same cluster, node 2, a new/,
      );
      expect(rest).toEqual([
        "started; its replicas fill until each is in sync",
        `voter 2 with directory ${before[2]} leaves the quorum`,
        "voter 2 joins with its new directory",
      ]);

      return stack.up();
    });
    const after = await voters(stack);
    expect(after).toEqual({ 1: before[1], 2: expect.any(String) as string, 3: before[3] });
    expect(after[2]).not.toBe(before[2]);
    // At once: `up` ends when it serves and all is in sync.
    expect((await stack.status()).problems).toEqual([]);
    expect(up.warnings.join("\n")).toMatch(/broker-2: its former machine .* does not answer/);
    expect(await askAll(survivors, (pi) => pi.unit())).toEqual(units);
    expectKept(verdict);

    const again = await stack.preview();
    expect(again.steps.map(({ name }) => name)).toEqual([]);
  });

  test("a swap that the cluster cannot bear is refused in the preview, and nothing is touched", async () => {
    const { stack } = lab();
    const units = await askAll(brokerPis(stack), (pi) => pi.unit());
    const { hosts } = stack.value();
    // Two at once, and each to the disk of another node.
    stack.edit((lab) => {
      lab.hosts["broker-1"]!.machine = "pi-3";
      lab.hosts["broker-3"]!.machine = "pi-1";
    });
    const two = await stack.preview();
    expect(two.exitCode).not.toBe(0);
    expect(two.output).toMatch(/broker-1 and broker-3: swapped at once they would leave 1 of 3/);
    expect(two.output).toMatch(
      /broker-1: the disk of its new machine pi-3 \(\S+\) is formatted for node 3 of this very cluster/,
    );

    stack.edit((lab) => {
      lab.hosts = structuredClone(hosts);
      lab.hosts["broker-3"]!.machine = "pi-8";
    });
    await piOf(stack, "broker-1").stopKafka();
    const thin = await stack.preview();
    expect(thin.exitCode).not.toBe(0);
    expect(thin.output).toMatch(/broker-3: broker 1 does not serve/);
    expect(thin.output).toMatch(/without it 1 of 3 quorum voters are caught up, and 2 are needed/);
    const up = await stack.run("up", "--yes", "--skip-preview");
    expect(up.exitCode).not.toBe(0);
    // The provider's list of brokers, in the state alone.
    expect(up.steps.map(({ op, name }) => `${op} ${name}`)).toEqual(["update pilab"]);
    await piOf(stack, "broker-1").startKafka();
    stack.edit((lab) => (lab.hosts = hosts));
    await waitUntilWell(stack, 60_000);
    const after = await askAll(brokerPis(stack), (pi) => pi.unit());
    expect({ ...after, "broker-1": undefined }).toEqual({ ...units, "broker-1": undefined });
  });

  test("a repaired machine takes its broker back with the disk it had; the one it leaves is stopped and held", async () => {
    const { stack } = lab();
    // It boots with its Kafka, which the cluster does not let in beside the new one.
    await revive(stack, "pi-2");
    const formerId = await machine(stack, "pi-2").run(
      "sed -n s/^directory.id=//p /var/lib/kafka/data/meta.properties",
    );
    const before = await voters(stack);
    expect(before[2]).not.toBe(formerId);
    const { result: up, verdict } = await underLoad(stack.lab(), "red", () => {
      stack.edit((lab) => {
        lab.hosts["broker-2"]!.machine = "pi-2";
        lab.hosts["client-1"]!.machine = "pi-8";
      });
      return stack.up();
    });
    const steps = stepsOf(up, "broker-2");
    expect(steps[1]).toMatch(/^pi-7 \(10\.\S+\) answers$/);
    expect(steps[2]).toMatch(
      /^storage on pi-2 \(10\.\S+\) is formatted for node 2 already, and kept$/,
    );
    expect(stepsOf(up, "client-1").slice(-2)).toEqual([
      expect.stringMatching(/^pi-8 \(\S+\) is prepared as client-1$/),
      "services of client-1 on pi-4 are stopped, their data stays",
    ]);
    expect(await voters(stack)).toEqual({ ...before, 2: formerId });
    expect((await stack.status()).problems).toEqual([]);
    expectKept(verdict);

    const old = machine(stack, "pi-7");
    await old.run("systemctl start kafka");
    expect(await old.unit()).toMatchObject({ active: "inactive", mainPid: "0" });
    await expect(
      old.run("systemctl is-enabled kafka || true; cat /etc/kafka/hold"),
    ).resolves.toMatch(/^disabled\nbroker-2 was given another machine/);
    expect((await stack.preview()).steps.map(({ name }) => name)).toEqual([]);
  });
}
