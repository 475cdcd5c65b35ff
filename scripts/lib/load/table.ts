import { renderTable } from "../table";
import { figure } from "./limits";
import type { Percentiles } from "./percentiles";
import { GENERATOR_LIMIT, type LoadResult, type StageResult } from "./result";

/** Whose clock and which moment a record's time stamp is, as the topic has it. */
export type RecordTime = "CreateTime" | "LogAppendTime";

/** The result as a person reads it: a row for each stage in two tables, and what there is to say about them. */
export function renderLoad(result: LoadResult, time: RecordTime): string {
  const { stages } = result;
  const tables =
    stages.length === 0
      ? ["No stage has ended."]
      : [
          rightAligned(COUNT_HEAD, stages.map(countRow)),
          "Milliseconds since each message was due: p50 / p95 / p99 / max",
          rightAligned(LATENCY_HEAD, stages.map(latencyRow)),
        ];
  return [...tables, notes(result, time).join("\n")].join("\n\n");
}

const COUNT_HEAD = [
  "devices",
  "messages/s",
  "sent",
  "acknowledged",
  "in Kafka",
  "read",
  "lost",
  "duplicates",
  "disconnects",
];
const LATENCY_HEAD = ["devices", "messages/s", "sent", "PUBACK", "in Kafka", "read"];

function countRow(stage: StageResult): string[] {
  const { sent, acknowledged, inKafka, read, lost, duplicates, disconnects } = stage;
  const counts = [sent, acknowledged, inKafka, read, lost, duplicates, disconnects];
  return [...stageCells(stage), ...counts.map(figure)];
}

function latencyRow(stage: StageResult): string[] {
  const { sent, puback, kafka, read } = stage.latencyMs;
  return [...stageCells(stage), ...[sent, puback, kafka, read].map(latencyCell)];
}

function stageCells({ devices, ratePerSecond, generator }: StageResult): string[] {
  return [`${generator.limited ? "* " : ""}${figure(devices)}`, figure(devices * ratePerSecond)];
}

function latencyCell(found: Percentiles | undefined): string {
  if (found === undefined) return "-";
  return [found.p50, found.p95, found.p99, found.max].map(milliseconds).join(" / ");
}

/** A tenth where it tells something. */
export function milliseconds(ms: number): string {
  return ms < 10 ? ms.toFixed(1) : figure(Math.round(ms));
}

/** Figures stand below each other by their last digit. */
function rightAligned(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]?.length ?? 0)));
  const aligned = (row: readonly string[]) => row.map((cell, i) => cell.padStart(widths[i] ?? 0));
  return renderTable(aligned(head), rows.map(aligned));
}

const TIMES: Readonly<Record<RecordTime, string>> = {
  CreateTime:
    "when the bridge made the record, by its host's clock (the topic's message.timestamp.type is CreateTime)",
  LogAppendTime:
    "when the leader appended it, by that broker's clock (the topic's message.timestamp.type is LogAppendTime)",
};

/** What the tables do not say. */
export function notes({ stages, stopped }: LoadResult, time: RecordTime): string[] {
  const about =
    stages.length === 0
      ? []
      : [
          "Time counts from when a message was due, so that one that had to wait counts in full.",
          `"in Kafka" is the time stamp of the record: ${TIMES[time]}.`,
          generatorNote(stages),
        ];
  return [
    ...about,
    ...stages.flatMap(stageNotes),
    ...(stopped === undefined ? [] : [`Ended here: ${stopped}.`.replace(/\.\.$/, ".")]),
  ];
}

function generatorNote(stages: readonly StageResult[]): string {
  const most = (of: (stage: StageResult) => number): number => Math.max(...stages.map(of));
  const cpu = Math.round(most(({ generator }) => generator.cpuPercent));
  const p99 = milliseconds(most(({ generator }) => generator.loopDelayMs.p99));
  const max = milliseconds(most(({ generator }) => generator.loopDelayMs.max));
  const use = `The generator took at most ${cpu} % of one core; its timers were late by at most ${p99} ms (p99) and ${max} ms.`;
  if (!stages.some(({ generator }) => generator.limited)) return use;
  const { cpuPercent, loopDelayP99Ms } = GENERATOR_LIMIT;
  return `${use} Rows with * are the generator's limit, not the lab's: above ${cpuPercent} % or ${loopDelayP99Ms} ms (p99).`;
}

function stageNotes(stage: StageResult): string[] {
  const { due, sent, refused, unheard, lost, disconnects, beforeDue } = stage;
  const total = stage.devices * Math.max(1, Math.round(stage.ratePerSecond * stage.seconds));
  const said: (string | false)[] = [
    stage.end === "interrupted" &&
      `interrupted after ${figure(due)} of ${figure(total)} messages; what was under way was not waited for`,
    sent < due && `${figure(due - sent)} messages that were due could not be sent`,
    sent - refused > stage.acknowledged &&
      `${figure(sent - refused - stage.acknowledged)} messages that were sent were not acknowledged`,
    refused > 0 && `${figure(refused)} refused by the MQTT broker: ${stage.refusals.join(", ")}`,
    unheard > 0 &&
      `${figure(unheard)} acknowledged by an MQTT broker that had no subscriber for them: no bridge has a session there`,
    lost > 0 &&
      `not read back, among others: ${stage.lostMessages.join(", ")}${stage.end === "late" ? "; some were still coming when the wait was over" : ""}`,
    disconnects > 0 &&
      `disconnects: ${stage.disconnectReasons.join(", ")}; ${figure(stage.resent)} messages were sent again`,
    beforeDue > 0 &&
      `${figure(beforeDue)} records bear a time before their message was due: the clocks of this machine and of the lab differ, and "in Kafka" is off by as much`,
  ];
  const title = `${figure(stage.devices)} devices at ${figure(stage.devices * stage.ratePerSecond)}/s`;
  return said.flatMap((text) => (text === false ? [] : [`${title}: ${text}.`]));
}
