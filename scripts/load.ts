import { readFileSync, writeFileSync } from "node:fs";
import { npmRun, readArgs, runCommand, stackOf, toStderr, type Given } from "./lib/cli";
import { UserError, reasonOf } from "./lib/errors";
import { INTERRUPTED, interruptible } from "./lib/interruption";
import { assertBounded, figure, LIMITS, mostDevices, type Room } from "./lib/load/limits";
import {
  DEFAULT_DEVICES,
  DEFAULT_RATE,
  DEFAULT_SECONDS,
  loadRoute,
  parseDevices,
  parseRate,
  recordTime,
  type Ceiling,
} from "./lib/load/plan";
import { hasLost, type LoadResult, type StageResult } from "./lib/load/result";
import { DEFAULT_WAIT, runLoad } from "./lib/load/run-load";
import type { Stage } from "./lib/load/schedule";
import { renderPlot } from "./lib/load/svg";
import { milliseconds, renderLoad } from "./lib/load/table";
import { loadTarget, mqttBroker, roomFor } from "./lib/load/target";
import { openTopic } from "./lib/records/open-topic";
import { standingLab } from "./lib/standing-lab";

const USAGE = `npm run load -- [--devices N[,N…]] [--rate R] [--seconds S] [--ramp] [--plot FILE.svg] [--json]

Loads a lab: N simulated devices publish numbered messages over MQTT with QoS 1, R a second each, from this
machine to the lab's own MQTT broker, and every message is looked for in Kafka. A stage for each N.

  --devices N[,N…]  default ${DEFAULT_DEVICES.join(",")}; at most ${figure(LIMITS.devices)}, and what mqtt.maxConnections leaves
  --rate R          messages a second of each device; default ${DEFAULT_RATE}, 0.01 to ${figure(LIMITS.rate.most)}
  --seconds S       of each stage; default ${DEFAULT_SECONDS}, at most ${figure(LIMITS.seconds)}
  --ramp            goes on after the last stage with twice the devices, then twice the rate, until the lab or
                    this machine is at its limit
  --wait SECONDS    gives up what is missing when nothing has come for so long; default ${DEFAULT_WAIT.silenceMs / 1000}
  --plot FILE.svg   writes a plot as well
  --json            the result as one JSON object
  --stack NAME      which lab; default virtual (or PI_LAB_STACK)

What the columns mean: docs/load.md. Ends with 0; 1 when something that was acknowledged was lost, something
that was sent was not acknowledged, or a stage could not be run; ${INTERRUPTED} on Ctrl-C, after the table of what there is.`;

async function main(): Promise<number> {
  const given = readArgs({
    text: USAGE,
    values: ["stack", "devices", "rate", "seconds", "wait", "plot"],
    switches: ["ramp", "json"],
  });
  const stages = stagesOf(given);
  const waitS = given.count("wait", 1) ?? DEFAULT_WAIT.silenceMs / 1000;
  const plot = plotFile(given);
  const standing = standingLab(stackOf(given));
  const { folder, lab } = standing;
  mqttBroker(lab);
  const room = roomFor(lab, openFilesLimit());
  assertBounded(stages, waitS, room);
  const ceiling = given.has("ramp") ? ceilingOf(room) : undefined;
  const most = Math.max(ceiling?.devices ?? 0, ...stages.map(({ devices }) => devices));
  const route = loadRoute(lab, most);
  const target = await loadTarget(folder, lab);
  const topic = await openTopic(standing, route.topic, undefined, undefined);
  try {
    const result = await interruptible((signal) =>
      runLoad({
        target,
        topic,
        stages,
        ramp: ceiling,
        wait: { ...DEFAULT_WAIT, silenceMs: waitS * 1000 },
        signal,
        log: toStderr,
        onStage: (stage) => toStderr(`  ${summary(stage)}`),
      }),
    );
    const time = recordTime(lab, route.topic);
    const text = given.has("json")
      ? JSON.stringify({ topic: route.topic, recordTime: time, ...result }, undefined, 2)
      : renderLoad(result, time);
    process.stdout.write(`${text}\n`);
    if (plot !== undefined)
      writePlot(plot, result, `${lab.name}: ${target.address} into ${route.topic}`);
    return exitCode(result, ceiling !== undefined, npmRun("status", folder.stack));
  } finally {
    await topic.close();
  }
}

function stagesOf(given: Given): Stage[] {
  const devices = parseDevices(given.value("devices") ?? DEFAULT_DEVICES.join(","));
  const ratePerSecond = parseRate(given.value("rate") ?? String(DEFAULT_RATE));
  const seconds = given.count("seconds", 1) ?? DEFAULT_SECONDS;
  return devices.map((count) => ({ devices: count, ratePerSecond, seconds }));
}

/** Written before anything is sent, so that a place that cannot be written to is told at once. */
function plotFile(given: Given): string | undefined {
  const file = given.value("plot");
  if (file === undefined) return undefined;
  if (!file.endsWith(".svg")) {
    throw new UserError(`--plot: ${file} is not a name of an SVG file. Let it end in .svg.`);
  }
  writePlot(file, { stages: [] }, "a load that is under way");
  return file;
}

function writePlot(file: string, { stages }: Pick<LoadResult, "stages">, title: string): void {
  try {
    writeFileSync(file, renderPlot(stages, title));
  } catch (error) {
    throw new UserError(`--plot: ${file} cannot be written: ${reasonOf(error)}`);
  }
}

function ceilingOf(room: Room): Ceiling {
  const { messagesPerSecond, totalSeconds } = LIMITS;
  return { devices: mostDevices(room), messagesPerSecond, totalSeconds };
}

/** Of this process. Node.js raises it to the hard limit when it starts. */
function openFilesLimit(): number {
  try {
    const found = /^Max open files +(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"));
    return found === null ? Infinity : Number(found[1]);
  } catch {
    return Infinity; // no Linux: what is too much shows when it is opened
  }
}

function summary({ sent, acknowledged, read, lost, latencyMs }: StageResult): string {
  const p99 = latencyMs.read === undefined ? "-" : `${milliseconds(latencyMs.read.p99)} ms`;
  return `${figure(sent)} sent, ${figure(acknowledged)} acknowledged, ${figure(read)} read back, ${figure(lost)} lost; 99 % read within ${p99}`;
}

function exitCode(result: LoadResult, ramp: boolean, lookCommand: string): number {
  if (result.interrupted) return INTERRUPTED;
  const lost = hasLost(result);
  if (lost) toStderr(`Acknowledged messages were lost. See how the lab is with ${lookCommand}.`);
  // A ramp is to end somewhere; stages that were asked for are to be run.
  return lost || (!ramp && result.stopped !== undefined) ? 1 : 0;
}

runCommand(main);
