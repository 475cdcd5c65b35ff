import { ensureNode } from "../../../toolchain";
import { allPis, askAll, brokerPis } from "../../support/lab/pi";
import { openLog } from "../../support/lab/records";
import { createTestStack, type LabValue, type TestStack } from "../../support/stack";
import type { GetLab } from "./shared";

/** The lab as one of machines that are there, which is what virtual Pis are to a stack that has not made them. */
async function asRealMachines(stack: TestStack): Promise<LabValue> {
  const value = stack.value();
  delete value["virtual"];
  const pis = allPis(stack);
  const keys = await askAll(pis, (pi) => pi.run("ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key"));
  for (const { host } of pis) {
    const [type, key] = (keys[host.name] ?? "").split(" ");
    value.machines[host.machine.name]!.hostKey = `${type} ${key}`;
  }
  return value;
}

const META = "sort /var/lib/kafka/data/meta.properties | grep -v ^#";

/** The configuration is all that is left: the stack's state is lost, and its cluster runs. */
export function describeLostState(lab: GetLab): void {
  test("a stack without a state takes the running cluster over: no restart, no format, all records there", async () => {
    const { stack } = lab();
    const value = await asRealMachines(stack);
    // What real Pis would be given; these have theirs already, and keep it.
    await ensureNode(() => undefined, "arm64");
    const units = await askAll(brokerPis(stack), (pi) => pi.unit());
    const disks = await askAll(brokerPis(stack), (pi) => pi.run(META));
    const written = Array.from({ length: 20 }, (_, i) => `before the loss ${i}`);
    const log = await openLog(stack.lab(), "green");
    const second = await createTestStack({
      edit: (made) => {
        for (const key of Object.keys(made)) delete made[key];
        Object.assign(made, value);
      },
    });
    try {
      await log.append(0, written);
      const up = await second.up();
      expect(up.errors).toEqual([]);
      const taken = up.events.flatMap(({ diagnosticEvent }) => diagnosticEvent?.message ?? []);
      expect(taken.filter((text) => text.includes("taken over as node"))).toHaveLength(3);
      expect(await askAll(brokerPis(stack), (pi) => pi.unit())).toEqual(units);
      expect(await askAll(brokerPis(stack), (pi) => pi.run(META))).toEqual(disks);
      expect((await second.status()).problems).toEqual([]);
      await expect(log.read(0)).resolves.toEqual(expect.arrayContaining(written));
      expect((await second.preview()).steps.map(({ name }) => name)).toEqual([]);
    } finally {
      await log.close();
      second.forget();
    }
    // And the stack that has its state has nothing to do about it.
    expect((await stack.preview()).steps.map(({ name }) => name)).toEqual([]);
  });
}
