import { askAll, brokerPis, piOf } from "../../support/lab/pi";
import type { GetLab } from "./shared";

/** A broker that dies at each start: told with its reason, and mended by the next `up`. */
export function describeDyingBroker(lab: GetLab): void {
  const reporter = { "metric.reporters": "org.example.NoSuchReporter" };

  test("a broker that dies at its start fails `up` with host, step, reason and remedy", async () => {
    const { stack } = lab();
    const healthy = ["broker-1", "broker-3"].map((name) => piOf(stack, name));
    const before = await askAll(healthy, (pi) => pi.unit());
    stack.edit((value) => (value.hosts["broker-2"]!.settings = reporter));
    const outcome = await stack.run("up", "--yes", "--skip-preview");
    expect(outcome.exitCode).not.toBe(0);
    const told = outcome.errors.find((text) => text.includes("NoSuchReporter")) ?? outcome.output;
    expect(told).toMatch(/broker-2/);
    expect(told).toMatch(/start/i);
    expect(told).toMatch(/NoSuchReporter/);
    expect(told).toMatch(/run `pulumi up` again/);
    // The others serve on, and were not restarted for it.
    expect(await askAll(healthy, (pi) => pi.unit())).toEqual(before);
    const { topics } = await stack.status();
    for (const { isr } of topics.flatMap(({ partitions }) => partitions)) {
      expect(isr).toEqual(["broker-1", "broker-3"]);
    }
  });

  test("with the setting taken back the next `up` mends it, and touches no other broker", async () => {
    const { stack } = lab();
    const healthy = ["broker-1", "broker-3"].map((name) => piOf(stack, name));
    const before = await askAll(healthy, (pi) => pi.unit());
    stack.edit((value) => delete value.hosts["broker-2"]!.settings);
    await stack.up();
    // At once: `up` ends when every broker serves.
    const { topics } = await stack.status();
    for (const { isr } of topics.flatMap(({ partitions }) => partitions)) {
      expect(isr).toEqual(["broker-1", "broker-2", "broker-3"]);
    }
    expect(await askAll(healthy, (pi) => pi.unit())).toEqual(before);
    const units = await askAll(brokerPis(stack), (pi) => pi.unit());
    expect(Object.values(units).map(({ active }) => active)).toEqual(Array(3).fill("active"));
  });
}
