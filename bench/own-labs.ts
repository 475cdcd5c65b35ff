import { toStderr } from "../scripts/lib/cli";
import type { Engine } from "../scripts/lib/engine";
import { freeSubnet, takenSubnets } from "../scripts/lib/subnets";
import { ensureAll } from "../toolchain";
import { Interrupted } from "./bench-lab";
import { beginRun, deadRuns, removeRun, type OwnRun, type RunKind } from "./owner";

/** What a run that makes labs of its own works with. */
export interface OwnLabs extends OwnRun {
  readonly subnet: string;
  readonly engine: Engine;
  readonly dockerHost: string;
  readonly tools: Awaited<ReturnType<typeof ensureAll>>;
  /** Aborted when the user asks for an end. */
  readonly signal: AbortSignal;
}

/** Where the search for a free subnet begins: away from the templates' and from Docker's own. */
const SUBNET = "10.201.0.0/24";

/**
 * Works on labs of this run's own, whose names begin with the run's, and removes them whatever happens;
 * those of earlier runs that were killed too.
 * @returns the exit code: the work's, or 130 where it was interrupted
 */
export async function withOwnLabs(
  kind: RunKind,
  work: (own: OwnLabs) => Promise<number>,
): Promise<number> {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(name, () => stop.abort());
  }
  const tools = await ensureAll(toStderr);
  const dockerHost = tools.docker.host;
  const run = beginRun(kind);
  try {
    for (const dead of deadRuns(kind)) await removeRun(dockerHost, dead);
    return await work({
      ...run,
      subnet: freeSubnet(SUBNET, await takenSubnets(dockerHost)),
      engine: { bin: tools.pulumi.bin, env: { ...tools.pulumi.env, DOCKER_HOST: dockerHost } },
      dockerHost,
      tools,
      signal: stop.signal,
    });
  } catch (error) {
    if (!(error instanceof Interrupted)) throw error;
    toStderr("Interrupted; removing what was made.");
    return 130;
  } finally {
    await removeRun(dockerHost, run);
    if (tools.docker.startedNow) await tools.docker.stop();
  }
}
