import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readArgs, runCommand, toStderr, type Given } from "../scripts/lib/cli";
import { UserError } from "../scripts/lib/errors";
import { formatDuration } from "../toolchain";
import { describeMachine } from "./machine";
import { withOwnLabs } from "./own-labs";
import { renderReport, renderSection, type Results } from "./report";
import { parts, Session, type Part } from "./session";
import { renderTimeline } from "./timeline";

const USAGE = `npm run bench [-- OPTIONS]

Measures the stack on virtual Pis, beside a shell script that does the same work and beside plugins
that do nothing. Labs of its own are made and removed; other labs are not touched, but should rest.

  --runs N       how often a lab is brought up from nothing (default 3); what takes seconds is
                 measured 2 N + 1 times
  --only PART    cold, preview, up, topic, six or drift; may be given several times (default: all)
  --timeline     also print where the time of the last cold up went, by resource
  --json FILE    also write all measurements to FILE
  --no-record    do not add the figures to bench/RESULTS.md (those of a part never are)`;

async function main(): Promise<number> {
  const given = readArgs({
    text: USAGE,
    values: ["runs", "json"],
    lists: ["only"],
    switches: ["timeline", "no-record"],
  });
  const runs = readRuns(given);
  const only = readParts(given);
  const started = Date.now();
  return withOwnLabs("bench", async ({ tools, ...own }) => {
    const session = new Session({
      ...own,
      image: tools.piImage,
      archive: tools.kafka,
      runs,
      only,
      log: toStderr,
    });
    await session.measure();
    const results: Results = {
      date: new Date(started).toISOString(),
      command: ["npm run bench", ...optionsText(runs, only, given)].join(" "),
      machine: await describeMachine(tools.pulumi.version, own.dockerHost),
      busyCores: session.busyCores,
      samples: session.samples,
    };
    tell(results, session, given);
    toStderr(`The benchmark took ${formatDuration(Date.now() - started)}.`);
    return 0;
  });
}

function tell(results: Results, session: Session, given: Given): void {
  process.stdout.write(`\n${renderReport(results)}\n`);
  if (given.has("timeline") && session.timeline.length > 0) {
    process.stdout.write(`\nThe last cold up, in seconds:\n${renderTimeline(session.timeline)}\n`);
  }
  const json = given.value("json");
  if (json !== undefined) {
    const all = { ...results, timeline: session.timeline };
    writeFileSync(json, `${JSON.stringify(all, undefined, 2)}\n`);
  }
  if (given.list("only").length === 0 && !given.has("no-record")) {
    const file = join(__dirname, "RESULTS.md");
    appendFileSync(file, `\n${renderSection(results)}`);
    toStderr(`Added to bench/RESULTS.md.`);
  }
}

function readRuns(given: Given): number {
  const text = given.value("runs") ?? "3";
  const runs = Number(text);
  if (Number.isInteger(runs) && runs >= 1 && runs <= 100) return runs;
  throw new UserError(`--runs: ${text} is not a number from 1 to 100.`);
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

function optionsText(runs: number, only: ReadonlySet<Part>, given: Given): string[] {
  const options = [
    ...(given.value("runs") === undefined ? [] : [`--runs ${runs}`]),
    ...(only.size === parts.length ? [] : [`--only ${[...only].join(",")}`]),
  ];
  return options.length === 0 ? [] : ["--", ...options];
}

runCommand(main);
