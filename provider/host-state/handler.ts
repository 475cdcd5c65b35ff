import type {
  CallContext,
  CheckRequest,
  CheckResult,
  CreateRequest,
  CreateResult,
  DiffRequest,
  DiffResult,
  PropertyMap,
  ReadRequest,
  ReadResult,
  ResourceHandler,
  UpdateRequest,
  UpdateResult,
} from "../../plugins/common/rpc";
import { reveal, Unknown } from "../../plugins/common/rpc";
import { SshError } from "../../plugins/common/ssh";
import type { OpenShell } from "../ssh/port";
import { parseLogin } from "../ssh/port";
import { type Finding, findDrift } from "./plan";
import { lookAt, ProbeError } from "./probe";
import { diffDrift, driftedPushes, type Generations, parseGenerations, parseWants } from "./wire";

/** A refresh must not stand still for a host that is off, nor take a busy one for it. */
const READ_DIAL = { retries: 0, dialTimeoutMs: 10_000 };

/**
 * `pilab:lab/hostState:HostState`. Its inputs are what the pushes to a host leave there, its outputs
 * what differed at the last refresh. Only `read` connects to anything.
 *
 * An edit of what is wanted is no change here: the engine keeps the new inputs all the same, and the
 * pushes see to it. A difference that a refresh found is one: its update counts up the `generations`
 * of the pushes that mend it, which trigger them. So nothing is mended here, and nothing restarted.
 */
export class HostStateHandler implements ResourceHandler {
  constructor(private readonly open: OpenShell) {}

  check({ news }: CheckRequest): CheckResult {
    // Files with a password are known once that was made.
    if (reveal(news["pushes"]) instanceof Unknown) return { inputs: news };
    try {
      parseWants(news["pushes"]);
      return { inputs: news };
    } catch (error) {
      const [, property = "pushes", reason = ""] =
        /^(.*?): (.*)$/.exec((error as Error).message) ?? [];
      return { inputs: news, failures: [{ property, reason }] };
    }
  }

  diff({ olds, news }: DiffRequest): DiffResult {
    return { detailedDiff: diffDrift(olds["pushes"], news["pushes"]).detailedDiff };
  }

  /** The pushes come after it, so that there is nothing to look at yet. */
  create({ name, news, preview }: CreateRequest): CreateResult {
    return { id: preview ? "" : name, outputs: outputsOf(news, {}, [], NO_DRIFT) };
  }

  /** The same in a preview: so it shows which pushes are going to run, and for what. */
  update({ olds, news }: UpdateRequest): UpdateResult {
    const { touched } = diffDrift(olds["pushes"], news["pushes"]);
    const before = parseGenerations(olds["generations"]);
    const generations = { ...before };
    for (const push of touched) generations[push] = before[push] + 1;
    return { outputs: outputsOf(news, {}, textsOf(olds["leftAlone"]), generations) };
  }

  async read({ id, outputs, inputs }: ReadRequest, context: CallContext): Promise<ReadResult> {
    const host = reveal(inputs["host"]);
    if (Object.keys(outputs).length === 0 || typeof host !== "string") {
      throw new Error("a host's state cannot be imported: `up` takes hosts over as they are");
    }
    const lastKnown = { id, outputs, inputs };
    let findings: Finding[];
    try {
      findings = await this.look(host, inputs, context);
    } catch (error) {
      if (!(error instanceof SshError) && !(error instanceof ProbeError)) throw error;
      if (error instanceof SshError && error.code === "host_key_mismatch") {
        context.log.warn(error.message);
        const leftAlone = [`host key: ${error.message}`];
        const generations = parseGenerations(outputs["generations"]);
        return { id, inputs, outputs: outputsOf(inputs, {}, leftAlone, generations) };
      }
      context.log.warn(`its files and units are kept as last known: ${error.message}`);
      return lastKnown;
    }
    const foreign = findings.filter(({ push }) => push === undefined);
    for (const { kind, name, seen, remedy } of foreign) {
      context.log.warn(`${host}: the ${kind} ${name} ${seen}. ${remedy ?? ""}`);
    }
    const leftAlone = foreign.map(({ kind, name, seen }) => `${kind} ${name}: ${seen}`);
    const generations = parseGenerations(outputs["generations"]);
    const drifted = driftedPushes(findings);
    return { id, inputs, outputs: outputsOf(inputs, drifted, leftAlone, generations) };
  }

  private async look(
    host: string,
    inputs: PropertyMap,
    { signal, log }: CallContext,
  ): Promise<Finding[]> {
    const wants = parseWants(inputs["pushes"]);
    const status = (line: string): void => log.status(line);
    const login = parseLogin(inputs["connection"]);
    const shell = await this.open(login, { host, signal, status, ...READ_DIAL });
    try {
      return findDrift(wants, await lookAt(shell, host, wants));
    } finally {
      shell.close();
    }
  }
}

const NO_DRIFT: Generations = parseGenerations(undefined);

function outputsOf(
  { host }: PropertyMap,
  pushes: PropertyMap,
  leftAlone: readonly string[],
  generations: Generations,
): PropertyMap {
  return { host, pushes, leftAlone: [...leftAlone], generations: { ...generations } };
}

function textsOf(value: PropertyMap[string]): string[] {
  const list = reveal(value);
  return Array.isArray(list) ? list.filter((item): item is string => typeof item === "string") : [];
}
