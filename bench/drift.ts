import type { Lab } from "../model";
import { gatherDrift, type DriftPorts, type KnownOfHosts } from "../scripts/lib/lab-drift";

/**
 * Looks at every host of a lab once, as `npm run drift` does after its start.
 * @throws Error where a host has drifted or does not answer
 */
export async function measureDrift(
  lab: Lab,
  known: KnownOfHosts,
  ports: DriftPorts,
): Promise<{ readonly seconds: number }> {
  const begin = performance.now();
  const { hosts } = await gatherDrift(lab, known, ports);
  const seconds = (performance.now() - begin) / 1000;
  const faults = hosts.flatMap(({ host, drift, error }) => [
    ...(error === undefined ? [] : [error]),
    ...drift.map(({ name, property, seen }) => `${host}: ${name} ${property} ${seen}`),
  ]);
  if (faults.length === 0) return { seconds };
  throw new Error(`hosts that were to be as they were left are not:\n${faults.join("\n")}`);
}
