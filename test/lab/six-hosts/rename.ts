import { askAll, brokerPis, type UnitState } from "../../support/lab/pi";
import { openLog } from "../../support/lab/records";
import type { LabValue, Outcome, TestStack } from "../../support/stack";
import type { GetLab } from "./shared";

/** Gives a host another name; without the former one it is a new host, and the old one gone. */
function rename(lab: LabValue, from: string, to: string, formerNames?: readonly string[]): void {
  const { [from]: host, ...others } = lab.hosts;
  lab.hosts = { ...others, [to]: { ...host!, ...(formerNames && { formerNames }) } };
}

const done = ({ steps }: Outcome): string[] => steps.map(({ op, name }) => `${op} ${name}`).sort();

/** What tells whether Kafka was restarted, by container: hosts' names change here. */
async function unitsByMachine(stack: TestStack): Promise<Record<string, UnitState>> {
  const pis = brokerPis(stack);
  const units = await askAll(pis, (pi) => pi.unit());
  return Object.fromEntries(pis.map(({ container, host }) => [container, units[host.name]!]));
}

/** The names of hosts may change: what they have stays theirs. */
export function describeRename(lab: GetLab): void {
  test("a broker and a virtual machine under other names are refused in the preview, with what to write", async () => {
    const { stack } = lab();
    const { machines, hosts } = stack.value();
    const { machine } = hosts["broker-3"]!;
    stack.edit((value) => {
      const { [machine]: pi, ...others } = machines;
      value.machines = { ...others, "rack-3": pi! };
      value.hosts["broker-3"]!.machine = "rack-3";
      rename(value, "broker-3", "kafka-3");
    });
    const preview = await stack.preview();
    stack.edit((value) => Object.assign(value, { machines, hosts }));
    expect(preview.exitCode).not.toBe(0);
    const told = preview.errors.join("\n");
    expect(told).toMatch(
      /kafka-3: it is new, and has node id 3, which was broker-3's\..* write `formerNames: \[broker-3\]` below hosts\.kafka-3/,
    );
    expect(told).toMatch(
      new RegExp(
        `rack-3: \\S+ is the address of the virtual machine ${machine}, .* call it ${machine} again`,
      ),
    );
  });

  test("renamed with `formerNames`, a broker and a client are updated alone, and no Kafka is restarted", async () => {
    const { stack } = lab();
    const before = await unitsByMachine(stack);
    const written = Array.from({ length: 20 }, (_, i) => `before the renaming ${i}`);
    await withLog(stack, (log) => log.append(0, written));
    stack.edit((value) => {
      rename(value, "broker-3", "kafka-3", ["broker-3"]);
      rename(value, "client-1", "ring-1", ["client-1"]);
    });

    const wanted = [
      // All names files have the new name.
      "update broker-1-files",
      "update broker-2-files",
      // The clients say by its name when a broker goes up or down.
      "update client-2-services",
      "update client-3-services",
      "update kafka-3-files",
      "update kafka-3-prepare",
      "update kafka-3-storage",
      "update kafka-rollout",
      // The client was moved before: what it has left stays its own.
      "update left-machines",
      "update preflight",
      "update ring-1-prepare",
      "update ring-1-services",
      "update swap-gate",
    ];
    const preview = await stack.preview();
    expect(preview.errors).toEqual([]);
    expect(done(preview).filter((step) => !step.endsWith(stack.name))).toEqual(wanted);
    const gate = preview.steps.find(({ name }) => name === "swap-gate");
    expect(Object.keys(gate?.diff ?? {}).sort()).toEqual([
      "formerNames.kafka-3",
      "formerNames.ring-1",
    ]);

    const up = await stack.up();
    expect(done(up).filter((step) => !step.endsWith(stack.name))).toEqual(wanted);
    expect(await unitsByMachine(stack)).toEqual(before);
    expect((await stack.status()).problems).toEqual([]);
    const read = await withLog(stack, (log) => log.read(0));
    expect(read).toEqual(expect.arrayContaining(written));
    expect((await stack.preview()).steps.map(({ name }) => name)).toEqual([]);
  });

  test("after that the former names may be left out, and nothing is restarted either", async () => {
    const { stack } = lab();
    const before = await unitsByMachine(stack);
    stack.edit((value) => {
      for (const host of Object.values(value.hosts)) delete host["formerNames"];
    });
    const up = await stack.up();
    expect(done(up)).toEqual([
      "update broker-1-files",
      "update broker-2-files",
      "update kafka-3-files",
      "update kafka-rollout",
    ]);
    expect(await unitsByMachine(stack)).toEqual(before);
  });
}

async function withLog<T>(
  stack: TestStack,
  work: (log: Awaited<ReturnType<typeof openLog>>) => Promise<T>,
): Promise<T> {
  const log = await openLog(stack.lab(), "green");
  return work(log).finally(() => log.close());
}
