import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BenchLab } from "../../../bench/bench-lab";

const folder = mkdtempSync(join(tmpdir(), "bench-lab-"));
const bin = join(folder, "engine");
beforeAll(() => {
  // In the engine's place: an `up` ends when it is asked to, a preview by itself.
  writeFileSync(
    bin,
    `#!/bin/bash
case $1 in
  up) trap 'echo cancelled; exit 255' INT; while :; do sleep 0.05; done ;;
  preview) echo '{"sequence":1,"timestamp":1,"summaryEvent":{"durationSeconds":0,"resourceChanges":{"same":3},"isPreview":true}}' ;;
esac
`,
  );
  chmodSync(bin, 0o755);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const newLab = (name: string, deadlineMs?: number): Promise<BenchLab> =>
  BenchLab.create({
    name,
    labsDir: join(folder, "labs"),
    subnet: "10.201.0.0/24",
    hosts: "brokers",
    engine: { bin, env: {} },
    dockerHost: "unix:///nowhere",
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
    log: () => undefined,
  });

describe("BenchLab", () => {
  it("fails one run that exceeds its deadline, with the reason, and can run the next", async () => {
    const lab = await newLab("late", 300);
    await expect(lab.run("up", "--yes")).rejects.toThrow(
      "pulumi up was not done in 0.005 minutes and was ended",
    );
    expect((await lab.run("preview")).changes).toEqual({ same: 3 });
  });

  it("adds machines that the configuration bears, beside the template's brokers", async () => {
    const lab = await newLab("spares");
    lab.addMachine("spare-1", 1);
    lab.addMachine("spare-2", 2);
    const machines = lab.lab.machines.map(({ name, address }) => `${name} ${address}`);
    expect(machines).toEqual([
      "pi-1 10.201.0.1",
      "pi-2 10.201.0.2",
      "pi-3 10.201.0.3",
      "spare-1 10.201.0.101",
      "spare-2 10.201.0.102",
    ]);
    lab.set(["hosts", "broker-1", "machine"], "spare-2");
    expect(lab.lab.hosts[0]?.machine.name).toBe("spare-2");
  });
});
