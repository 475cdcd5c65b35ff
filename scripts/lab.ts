import { setTimeout as sleep } from "node:timers/promises";
import { formatDuration } from "../toolchain/log";
import { parseLab, type Lab } from "../model";
import { ensureAll } from "../toolchain";
import { readArgs, runCommand, stackOf, npmRun, toStderr } from "./lib/cli";
import { runEngine } from "./lib/engine";
import { display, readLab } from "./lib/lab-files";
import type { LabFolder } from "./lib/lab-folder";
import { gatherStatus, type LabStatus } from "./lib/lab-status";
import { openLab, type OpenLab } from "./lib/open-lab";
import { Progress } from "./lib/progress";
import { statusPorts } from "./lib/status-ports";
import { renderStatus } from "./lib/status-text";

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
  await ensureAll(toStderr);
  const open = await openLab(stack, toStderr, { only: "virtual" });
  const { folder } = open;
  if (open.isNew) toStderr(`A new lab, described in ${display(folder.configFile)}.`);
  const code = await bringUp(open);
  if (code !== 0) return code;
  const lab = parseLab(readLab(folder));
  const status = await verify(lab);
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
  const progress = new Progress(toStderr);
  const ticker = setInterval(() => progress.tick(), 1000);
  try {
    const run = await runEngine(folder, engine, ["up", "--yes", "--skip-preview", "--json"], {
      log: toStderr,
      onEvent: (event) => progress.handle(event),
    });
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
  } finally {
    clearInterval(ticker);
  }
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
async function verify(lab: Lab): Promise<LabStatus> {
  const deadline = Date.now() + VERIFY_DEADLINE_MS;
  let nextReminder = Date.now() + VERIFY_REMINDER_MS;
  for (;;) {
    const status = await gatherStatus(lab, statusPorts);
    if (status.problems.length === 0 || Date.now() >= deadline) return status;
    if (Date.now() >= nextReminder) {
      toStderr(`  … waiting for the lab to be well: ${status.problems[0]}`);
      nextReminder = Date.now() + VERIFY_REMINDER_MS;
    }
    await sleep(VERIFY_PAUSE_MS);
  }
}

function whatNext({ stack, configFile, privateKeyFile }: LabFolder, lab: Lab): string {
  const file = display(configFile);
  const topic = lab.topics[0];
  const broker = lab.hosts.find(({ role }) => role === "broker");
  const edit = topic ? ` (e.g. topics.${topic.name}.config: another retention.ms)` : "";
  const login = broker
    ? [
        `  Log in   ssh -i ${display(privateKeyFile)} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null ${lab.ssh.user}@${broker.machine.address}`,
        `           and there: kafka-topics.sh --bootstrap-server ${broker.machine.address}:${lab.cluster.clientPort} --describe`,
      ]
    : [];
  return [
    "What to try next",
    `  Edit     ${file}${edit}`,
    `  Preview  ${npmRun("pulumi", stack, "preview", "--diff")}`,
    `  Apply    ${npmRun("pulumi", stack, "up")}`,
    `  Look     ${npmRun("status", stack)}`,
    ...login,
    `  End      ${npmRun("lab:down", stack)}`,
  ].join("\n");
}

runCommand(main);
