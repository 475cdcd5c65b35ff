import { type Finding, short } from "../../provider/host-state/plan";
import { npmRun } from "./cli";
import type { HostDrift, LabDrift } from "./lab-drift";
import { renderTable } from "./table";

/** 0: all is as wanted; 3: something drifted; 1: some hosts could not be asked, whatever the others are. */
export function exitCodeOf({ hosts }: LabDrift): 0 | 1 | 3 {
  if (hosts.some(({ error }) => error !== undefined)) return 1;
  return hosts.some(({ drift }) => drift.length > 0) ? 3 : 0;
}

/** Drift as a person reads it. */
export function renderDrift({ lab, hosts }: LabDrift, stack: string): string {
  const drifted = hosts.filter(({ drift }) => drift.length > 0);
  const pending = hosts.filter(({ pending: edits }) => edits.length > 0);
  const silent = hosts.flatMap(({ error }) => error ?? []);
  const findings = drifted.flatMap(({ drift }) => drift);
  const healed = findings.some(({ push }) => push !== undefined);
  return [
    `Lab ${lab}: ${hosts.length - silent.length} of ${hosts.length} hosts looked at, ${drifted.length || "none"} drifted.`,
    `Topics are looked at by ${npmRun("status", stack)}.`,
    ...(drifted.length === 0 ? [] : ["", tableOf(drifted, (host) => host.drift)]),
    ...remedies(findings),
    ...(healed
      ? [
          "",
          `${npmRun("pulumi", stack, "preview", "--refresh")} shows what would be pushed again; up --refresh does it.`,
        ]
      : []),
    ...(pending.length === 0
      ? []
      : [
          "",
          "Edited in the configuration and not applied yet; the next up does it:",
          tableOf(pending, (host) => host.pending),
        ]),
    ...(silent.length === 0
      ? []
      : ["", "Could not be looked at:", ...silent.map((message) => `  ${message}`)]),
  ].join("\n");
}

function tableOf(
  hosts: readonly HostDrift[],
  findings: (host: HostDrift) => readonly Finding[],
): string {
  return renderTable(
    ["HOST", "WHAT", "SEEN", "WANTED"],
    hosts.flatMap((host) =>
      findings(host).map(({ kind, name, property, seen, wanted }) => [
        host.host,
        [kind === "package" ? `package ${name}` : name, property].filter(Boolean).join(" "),
        seen,
        short(wanted),
      ]),
    ),
  );
}

function remedies(findings: readonly Finding[]): string[] {
  const texts = new Set(
    findings.flatMap(({ name, remedy }) => (remedy === undefined ? [] : `${name}: ${remedy}`)),
  );
  return texts.size === 0 ? [] : ["", ...texts];
}
