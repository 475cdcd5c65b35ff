import type {
  CallContext,
  CheckRequest,
  CheckResult,
  CreateRequest,
  CreateResult,
  DiffRequest,
  DiffResult,
  PropertyMap,
  ResourceHandler,
  UpdateRequest,
  UpdateResult,
} from "../../plugins/common/rpc";
import { reveal } from "../../plugins/common/rpc";
import { SshError } from "../../plugins/common/ssh";
import { checkFormerNames, renamingDiff, withPresentNames } from "../former-names";
import { goneBecause } from "../ssh/gone";
import type { HostShell, OpenShell } from "../ssh/port";
import { diffLeft, type Due, dueMachines, parseLeft } from "./plan";

/** Whoever is taken for gone is not asked again: one that is busy or boots gets its time. */
const DIAL = { retries: 2, dialTimeoutMs: 10_000 };
/** systemd gives a unit 90 s to end by itself. */
const STOP_MS = 180_000;

/**
 * `pilab:lab/leftMachines:LeftMachines`. What a host ran besides Kafka must not run on two machines, so it is stopped
 * and disabled on the one that the host has left, right before it is started on the next. Its inputs are what `SwapGate`
 * remembers, its outputs how many moves of each host were seen to; what they show further is due. So a run that was
 * killed, or whose edit was taken back, is made good by the next one. Previews, reading and deleting it dial nobody.
 */
export class LeftMachinesHandler implements ResourceHandler {
  constructor(private readonly open: OpenShell) {}

  check({ news }: CheckRequest): CheckResult {
    return { inputs: news, failures: checkFormerNames(news) };
  }

  diff({ olds, news }: DiffRequest): DiffResult {
    const before = parseLeft(withPresentNames(olds, "hosts", news)["hosts"]);
    const moved = diffLeft(before, parseLeft(news["hosts"]));
    return { detailedDiff: { ...moved, ...renamingDiff(olds, "hosts", news) } };
  }

  async create(
    { name, news, preview }: CreateRequest,
    context: CallContext,
  ): Promise<CreateResult> {
    if (!preview) await this.quiet({}, news, context);
    return { id: preview ? "" : name, outputs: outputsOf(news) };
  }

  async update(
    { olds, news, preview }: UpdateRequest,
    context: CallContext,
  ): Promise<UpdateResult> {
    if (!preview) await this.quiet(olds, news, context);
    return { outputs: outputsOf(news) };
  }

  private async quiet(olds: PropertyMap, news: PropertyMap, context: CallContext): Promise<void> {
    const privateKey = reveal(news["privateKey"]);
    const before = parseLeft(withPresentNames(olds, "hosts", news)["hosts"]);
    const after = parseLeft(news["hosts"], typeof privateKey === "string" ? privateKey : undefined);
    const script = reveal(news["script"]);
    if (typeof script !== "string") throw new Error("script: must be a text");
    // All are seen to before the first failure is told.
    const outcomes = await Promise.allSettled(
      dueMachines(before, after).map((due) => this.stop(due, script, context)),
    );
    const failures = outcomes.flatMap((outcome) =>
      outcome.status === "rejected" ? [outcome.reason as unknown] : [],
    );
    context.signal.throwIfAborted();
    if (failures.length === 0) return;
    throw new Error(failures.map((one) => (one as Error).message).join("\n"), {
      cause: failures[0],
    });
  }

  private async stop(
    { login, hosts }: Due,
    script: string,
    { signal, log }: CallContext,
  ): Promise<void> {
    const host = hosts.join(", ");
    const status = (line: string): void => log.status(line);
    status(`stopping what ran as ${host} on ${login.host}`);
    let shell: HostShell;
    try {
      shell = await this.open(login, { host, signal, status, ...DIAL });
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof SshError)) throw error;
      const gone = goneBecause(login.host, error);
      if (gone === undefined) {
        throw new Error(
          `${host}: its former machine answers, but its services cannot be stopped there: ${error.message}. ` +
            "Let the stack log in, or switch that machine off, then run `pulumi up` again.",
          { cause: error },
        );
      }
      log.warn(
        `${host}: ${gone}; it is taken for gone. Should it come back, its services start there: ` +
          "erase its card before.",
      );
      return;
    }
    try {
      const { code, stdout, stderr } = await shell.run("bash -s", {
        stdin: script,
        timeoutMs: STOP_MS,
        label: "stopping the services of its former machine",
      });
      if (code !== 0) {
        const said = `${stderr}\n${stdout}`.trim().split("\n").slice(-3).join("; ");
        throw new Error(
          `${host}: its services on its former machine (${login.host}) were not stopped (status ${code}): ${said}`,
        );
      }
      const units = stdout.trim();
      if (units !== "")
        log.info(`${host}: stopped on its former machine (${login.host}): ${units}`);
    } finally {
      shell.close();
    }
  }
}

/** What was seen to; no key, and no script. */
const outputsOf = ({ hosts }: PropertyMap): PropertyMap => ({ hosts: hosts ?? {} });
