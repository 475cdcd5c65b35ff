import type { BenchLab } from "../bench-lab";
import { coldUp, unchanged, type Measuring } from "../measuring";

/** The template's brokers and clients, from nothing and unchanged. */
export async function sixHosts(measuring: Measuring): Promise<void> {
  let lab: BenchLab | undefined;
  for (let run = 1; run <= measuring.options.runs; run++) {
    await lab?.remove();
    const next = await measuring.newLab("six");
    const cold = await measuring.take("six-cold", () => coldUp(next, "--yes", "--skip-preview"));
    lab = cold === undefined ? undefined : next;
    if (cold === undefined) await next.remove();
  }
  const last = lab ?? (await measuring.unmeasured("six"));
  for (let round = 1; round <= measuring.rounds; round++) {
    await measuring.take("six-preview", () => unchanged(last, "preview"));
    await measuring.take("six-up", () => unchanged(last, "up", "--yes"));
  }
  await last.remove();
}
