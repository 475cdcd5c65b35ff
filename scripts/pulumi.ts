import { spawn } from "node:child_process";
import { aloneAtWork } from "./lib/at-work";
import { npmRun, runCommand, toStderr } from "./lib/cli";
import { environmentOf } from "./lib/engine";
import { display } from "./lib/lab-files";
import { labFolder, DEFAULT_STACK } from "./lib/lab-folder";
import { openLab, type OpenLab } from "./lib/open-lab";
import { processId } from "./lib/processes";
import { isChanging, runsProgram, stackInArgs } from "./lib/pulumi-args";
import { RUN_VARIABLE, newRun, writeRun, type RunRecord } from "./lib/run-record";

/**
 * `npm run pulumi -- ARGS`: the engine with the backend, passphrase and configuration of a lab.
 * ARGS go to it as they are; `--stack NAME` among them also says which lab (default: PI_LAB_STACK, virtual).
 */
async function main(): Promise<number> {
  const args = process.argv.slice(2);
  const stack = stackInArgs(args) ?? (process.env.PI_LAB_STACK || DEFAULT_STACK);
  // Said early: a wrong name must not cost the time of the set-up.
  const folder = labFolder(stack);
  const changing = isChanging(args);
  const work = async (): Promise<number> => {
    const open = await openLab(stack, toStderr, {
      recover: changing,
      runsProgram: runsProgram(args),
    });
    if (open.isNew) toStderr(`A new lab, described in ${display(folder.configFile)}.`);
    return attach(open, args, changing);
  };
  if (!changing) return work();
  return aloneAtWork(folder, npmRun("pulumi", stack, ...args), toStderr, work);
}

/** Runs the engine on this terminal, so that it can ask and be interrupted as usual. */
async function attach(
  { folder, engine }: OpenLab,
  args: readonly string[],
  changing: boolean,
): Promise<number> {
  const record = newRun(args.join(" "));
  // One that only looks must not take the place of the record of an `up` beside it.
  const keep = (run: RunRecord): void => (changing ? writeRun(folder, run) : undefined);
  keep(record);
  const child = spawn(engine.bin, [...args], {
    cwd: folder.dir,
    env: environmentOf(folder, engine, { [RUN_VARIABLE]: record.runId }),
    stdio: "inherit",
  });
  const pid = child.pid;
  const begun = { ...record, engine: pid === undefined ? undefined : processId(pid) };
  keep(begun);
  const stop = passSignals(child);
  try {
    const exitCode = await new Promise<number | null>((resolve, reject) => {
      child.on("error", reject);
      child.on("exit", resolve);
    });
    if (exitCode === null) {
      toStderr(
        `The engine was killed. The next command on the lab ${folder.stack} cleans up after it.`,
      );
      return 1;
    }
    keep({ ...begun, exitCode });
    return exitCode;
  } finally {
    stop();
  }
}

function passSignals(child: ReturnType<typeof spawn>): () => void {
  // A terminal's Ctrl-C reaches the engine itself, and a second signal would make it end at once.
  const onInterrupt = (): void => {
    if (!process.stdin.isTTY) child.kill("SIGINT");
  };
  const onTerminate = (): void => {
    child.kill("SIGTERM");
  };
  process.on("SIGINT", onInterrupt);
  process.on("SIGTERM", onTerminate);
  return () => {
    process.off("SIGINT", onInterrupt);
    process.off("SIGTERM", onTerminate);
  };
}

runCommand(main);
