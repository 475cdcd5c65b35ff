import { existsSync } from "node:fs";
import { aloneAtWork } from "./lib/at-work";
import { runAttached } from "./lib/attached";
import { npmRun, runCommand, toStderr } from "./lib/cli";
import { environmentOf } from "./lib/engine";
import { UserError } from "./lib/errors";
import { display, ownTemplate } from "./lib/lab-files";
import { labFolder, DEFAULT_STACK, type LabFolder } from "./lib/lab-folder";
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
  assertKnown(folder);
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

/** A stack that is neither made nor described by a template is a slip of the pen, not a wish for six containers. */
function assertKnown({ stack, configFile }: LabFolder): void {
  if (existsSync(configFile) || ownTemplate(stack) !== undefined) return;
  throw new UserError(
    `There is no lab ${stack}: ${display(configFile)} does not exist. Make a virtual one with ` +
      `${npmRun("lab", stack)}, or one of real machines with ${npmRun("host-keys", stack)}.`,
  );
}

/** Runs the engine on this terminal, so that it can ask and be interrupted as usual. */
async function attach(
  { folder, engine }: OpenLab,
  args: readonly string[],
  changing: boolean,
): Promise<number> {
  let record = newRun(args.join(" "));
  // One that only looks must not take the place of the record of an `up` beside it.
  const keep = (changes: Partial<RunRecord>): void => {
    record = { ...record, ...changes };
    if (changing) writeRun(folder, record);
  };
  keep({});
  const { exitCode } = await runAttached(engine.bin, args, "Run the command again.", {
    cwd: folder.dir,
    env: environmentOf(folder, engine, { [RUN_VARIABLE]: record.runId }),
    onStart: (pid) => keep({ engine: processId(pid) }),
  });
  if (exitCode === undefined) {
    toStderr(
      `The engine was killed. The next command on the lab ${folder.stack} cleans up after it.`,
    );
    return 1;
  }
  keep({ exitCode });
  return exitCode;
}

runCommand(main);
