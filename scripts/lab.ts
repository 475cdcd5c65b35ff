import { setTimeout as sleep } from "node:timers/promises";
import { formatDuration } from "../toolchain/log";
import { parseLab, type Lab } from "../model";
import { aloneAtWork } from "./lib/at-work";
import { readArgs, runCommand, stackOf, npmRun, toStderr } from "./lib/cli";
import { writeKnownHosts } from "./lib/known-hosts";
import { display, readLab } from "./lib/lab-files";
import { labFolder } from "./lib/lab-folder";
import { labLogin } from "./lib/lab-login";
import { gatherStatus, type LabStatus, type StatusPorts } from "./lib/lab-status";
import { openLab, type OpenLab } from "./lib/open-lab";
import { runShown, upArgs } from "./lib/shown-run";
import { statusPortsAs } from "./lib/status-ports";
import { renderStatus } from "./lib/status-text";
import { whatNext } from "./lib/what-next";

const USAGE = `npm run lab [-- --stack NAME]

Brings a virtual lab up on this machine, from nothing or from wherever it stands, and shows it.
Run again, it changes nothing but what was edited meanwhile.

  --stack NAME   which lab; default virtual (or PI_LAB_STACK). A new name makes a further lab.`;

/** After `up` brokers have full ISR within seconds; a slow disk may need more. */
const VERIFY_DEADLINE_MS = 120_000;

/** How often a lab that is not well yet is asked again, and how often that is said. */
const VERIFY_PAUSE_MS = 1000;
const VERIFY_REMINDER_MS = 10_000;

async function main(): Promise<number> {
  const given = readArgs({ text: USAGE, values: ["stack"] });
  const stack = stackOf(given);
  const started = Date.now();
  const folder = labFolder(stack);
  const code = await aloneAtWork(folder, npmRun("lab", stack), toStderr, async () => {
    const open = await openLab(stack, toStderr, { only: "virtual" });
    if (open.isNew) toStderr(`A new lab, described in ${display(folder.configFile)}.`);
    return bringUp(open);
  });
  if (code !== 0) return code;
  const lab = parseLab(readLab(folder));
  writeKnownHosts(folder, lab);
  const status = await verify(lab, statusPortsAs(await labLogin(folder, lab)));
  const time = formatDuration(Date.now() - started);
  process.stdout.write(`\n${renderStatus(status)}\n\n${whatNext(folder, lab)}\n`);
  if (status.problems.length === 0) {
    toStderr(`\nThe lab ${stack} is up (${time}).`);
    return 0;
  }
  toStderr(
    `\nThe lab ${stack} was brought up, but is not well after ${VERIFY_DEADLINE_MS / 1000} s. See above; ${npmRun("status", stack)} looks again.`,
  );
  return 1;
}

async function bringUp({ folder, engine }: OpenLab): Promise<number> {
  toStderr(`Bringing up the lab ${folder.stack}`);
  const run = await runShown(folder, engine, upArgs(folder), toStderr);
  const again = npmRun("lab", folder.stack);
  if (run.interrupted) {
    toStderr(
      `Interrupted. What is done stays; ${again} goes on from there, ${npmRun("lab:down", folder.stack)} ends the lab.`,
    );
    return 130;
  }
  if (run.exitCode !== 0) {
    toStderr(
      `The lab is not up: see the errors above. What is done stays; once the cause is mended, ${again} goes on from there.`,
    );
    return 1;
  }
  toStderr(summaryLine(run.summary?.resourceChanges ?? {}));
  return 0;
}

function summaryLine(changes: Readonly<Record<string, number>>): string {
  const changed = Object.entries(changes).filter(([op]) => op !== "same");
  if (changed.length === 0)
    return `Nothing to change: ${changes["same"] ?? 0} resources are as described.`;
  return `Resources: ${Object.entries(changes)
    .map(([op, count]) => `${count} ${op}`)
    .join(", ")}.`;
}

/** Asks until the lab is well or the deadline has passed. */
async function verify(lab: Lab, ports: StatusPorts): Promise<LabStatus> {
  const deadline = Date.now() + VERIFY_DEADLINE_MS;
  let nextReminder = Date.now() + VERIFY_REMINDER_MS;
  for (;;) {
    const status = await gatherStatus(lab, ports);
    if (status.problems.length === 0 || Date.now() >= deadline) return status;
    if (Date.now() >= nextReminder) {
      toStderr(`  … waiting for the lab to be well: ${status.problems[0]}`);
      nextReminder = Date.now() + VERIFY_REMINDER_MS;
    }
    await sleep(VERIFY_PAUSE_MS);
  }
}

runCommand(main);
