import { writeFileSync } from "node:fs";
import { readArgs, runCommand, toStderr, type Given } from "../scripts/lib/cli";
import { UserError } from "../scripts/lib/errors";
import { formatDuration } from "../toolchain";
import { Interrupted } from "./bench-lab";
import { describeMachine } from "./machine";
import { Measuring } from "./measuring";
import { withOwnLabs } from "./own-labs";
import { recordSection } from "./record";
import { renderReport, renderSection, type Results } from "./report";
import { measureAll, parts, type Part } from "./session";
import { renderTimeline, type StepTime } from "./timeline";

const RUNS = 3;
const DATA_MIB = 512;
const TOPICS = 1000;
/** A cold `up` takes about a minute on two cores. */
const DEADLINE_MINUTES = 10;

const USAGE = `npm run bench [-- OPTIONS]

Measures the stack on virtual Pis, beside a shell script and an Ansible playbook that do the same work,
beside plugins that do nothing, and beside what the machine can do at best. Labs of its own are made and
removed; other labs are not touched, but should rest.

  --runs N       how often a lab is brought up from nothing, a broker swapped, three rolled
                 (default ${RUNS}); what takes seconds is measured 2 N + 1 times
  --only PART    ${parts.slice(0, -1).join(", ")} or ${parts.at(-1)};
                 may be given several times (default: all)
  --data MIB     what each broker holds when one of them is swapped (default ${DATA_MIB})
  --topics N     how many topics the stack with many of them has (default ${TOPICS})
  --deadline M   minutes that one run of the engine may take (default ${DEADLINE_MINUTES})
  --timeline     also print where the time of the last cold up went, by resource
  --json FILE    also write all measurements to FILE
  --no-record    do not add the figures to bench/RESULTS.md

What fails is told with its reason, and the rest is measured. Ends with 0 where nothing failed, else 1.`;

async function main(): Promise<number> {
  const given = readArgs({
    text: USAGE,
    values: ["runs", "json", "data", "topics", "deadline"],
    lists: ["only"],
    switches: ["timeline", "no-record"],
  });
  const only = readParts(given);
  const runs = readNumber(given, "runs", 100) ?? RUNS;
  const dataMib = readNumber(given, "data", 100_000) ?? DATA_MIB;
  const topics = readNumber(given, "topics", 5000) ?? TOPICS;
  const minutes = readNumber(given, "deadline", 1000) ?? DEADLINE_MINUTES;
  const started = Date.now();
  return withOwnLabs("bench", async ({ tools, ...own }) => {
    // Before the measurements, which take long: it is their commit that counts.
    const machine = await describeMachine(tools.pulumi.version, own.dockerHost);
    const measuring = new Measuring({
      ...own,
      image: tools.piImage,
      archive: tools.kafka,
      runs,
      dataMib,
      topics,
      deadlineMs: minutes * 60_000,
      log: toStderr,
    });
    let timeline: readonly StepTime[] = [];
    let interrupted = false;
    try {
      timeline = await measureAll(measuring, only);
    } catch (error) {
      if (!(error instanceof Interrupted)) throw error;
      interrupted = true;
    }
    const { samples, busyCores, notes, failures } = measuring;
    const results: Results = {
      date: new Date(started).toISOString(),
      command: ["npm run bench", ...optionsText(only, given)].join(" "),
      machine,
      busyCores,
      samples,
      notes,
      failures,
    };
    tell(results, timeline, given);
    if (interrupted) throw new Interrupted();
    if (!given.has("no-record")) {
      await recordSection(renderSection(results));
      toStderr("Added to bench/RESULTS.md.");
    }
    toStderr(`The benchmark took ${formatDuration(Date.now() - started)}.`);
    return failures.length === 0 ? 0 : 1;
  });
}

function tell(results: Results, timeline: readonly StepTime[], given: Given): void {
  process.stdout.write(`\n${renderReport(results)}\n`);
  if (given.has("timeline") && timeline.length > 0) {
    process.stdout.write(`\nThe last cold up, in seconds:\n${renderTimeline(timeline)}\n`);
  }
  const json = given.value("json");
  if (json !== undefined) {
    writeFileSync(json, `${JSON.stringify({ ...results, timeline }, undefined, 2)}\n`);
  }
}

function readNumber(given: Given, name: string, most: number): number | undefined {
  const number = given.count(name, 1);
  if (number === undefined || number <= most) return number;
  throw new UserError(`--${name}: ${number} is more than ${most}.`);
}

function readParts(given: Given): ReadonlySet<Part> {
  const wanted = given.list("only").flatMap((text) => text.split(","));
  if (wanted.length === 0) return new Set(parts);
  return new Set(
    wanted.map((text) => {
      const part = parts.find((known) => known === text);
      if (part !== undefined) return part;
      throw new UserError(`--only: ${text} is none of ${parts.join(", ")}.`);
    }),
  );
}

function optionsText(only: ReadonlySet<Part>, given: Given): string[] {
  const options = [
    ...["runs", "data", "topics", "deadline"].flatMap((name) => {
      const value = given.value(name);
      return value === undefined ? [] : [`--${name} ${value}`];
    }),
    ...(only.size === parts.length ? [] : [`--only ${[...only].join(",")}`]),
  ];
  return options.length === 0 ? [] : ["--", ...options];
}

runCommand(main);
