import { memoryBudget } from "../budget";
import type { ConfigProblem } from "../errors";
import { labelFault, labelFrom, MAX_HOST_NAME, yamlFault } from "../names";
import { didYouMean } from "../nearest";
import { defaults, type LabDraft } from "../schema";
import type { BoardName } from "../types";
import { checkFormerNames } from "./former-names";
import { inOrder, Report, some } from "./report";

/** Rules on hosts and the machines under them: names, who is on what, identities, memory. */
export function hostProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  checkNames("hosts", Object.keys(draft.hosts ?? {}), report);
  checkNames("machines", Object.keys(draft.machines ?? {}), report);
  checkFormerNames(draft, report);
  checkMachines(draft, report);
  checkNodeIds(draft, report);
  checkClientTopics(draft, report);
  checkHostKeys(draft, report);
  checkHeaps(draft, report);
  return report.problems;
}

function checkNames(group: "hosts" | "machines", names: readonly string[], report: Report): void {
  for (const name of names) {
    const fault =
      name === "localhost"
        ? "means the machine itself on every machine"
        : labelFault(name, MAX_HOST_NAME);
    const yaml = yamlFault(name);
    if (yaml !== undefined) {
      report.add([group, name], undefined, yaml, "Put quotes around the name, or choose another.");
    } else if (fault !== undefined) {
      const legal = labelFrom(name, MAX_HOST_NAME);
      const isTaken = legal !== undefined && names.includes(legal);
      report.add(
        [group, name],
        undefined,
        `is not a legal name: it ${fault}${isTaken ? `, and so comes too near to ${legal}` : ""}`,
        legal === undefined || isTaken ? "Choose another." : `Write ${legal}, say.`,
      );
    }
  }
}

function checkMachines({ hosts, machines = {} }: LabDraft, report: Report): void {
  const used = new Set(inOrder(hosts).map(([, { machine }]) => machine));
  const spare = inOrder(machines)
    .map(([name]) => name)
    .filter((name) => !used.has(name));
  const choose =
    spare.length > 0
      ? `Free machines: ${some(spare)}.`
      : "No machine is free: add one to machines.";

  const holders = new Map<string, string>();
  for (const [host, { machine }] of inOrder(hosts)) {
    if (machine === undefined) continue;
    const path = ["hosts", host, "machine"];
    const holder = holders.get(machine);
    if (!Object.hasOwn(machines, machine)) {
      const hint = didYouMean(machine, Object.keys(machines), "");
      report.add(path, machine, "is not in machines", hint ? `${hint} ${choose}` : choose);
    } else if (holder !== undefined) {
      report.add(path, machine, `is taken by ${holder}`, choose);
    } else {
      holders.set(machine, host);
    }
  }
}

function checkNodeIds({ hosts }: LabDraft, report: Report): void {
  const entries = inOrder(hosts);
  const taken = new Set(entries.map(([, { nodeId }]) => nodeId));
  const free = Array.from({ length: taken.size + 1 }, (_, i) => i + 1).filter(
    (id) => !taken.has(id),
  );
  const holders = new Map<number, string>();
  for (const [host, { nodeId }] of entries) {
    if (nodeId === undefined) continue;
    const holder = holders.get(nodeId);
    if (holder === undefined) {
      holders.set(nodeId, host);
    } else {
      report.add(
        ["hosts", host, "nodeId"],
        nodeId,
        `is taken by ${holder}; each broker and each controller has a node id of its own`,
        `Choose a free one: ${some(free)}.`,
      );
    }
  }
}

function checkClientTopics({ hosts, topics }: LabDraft, report: Report): void {
  const known = inOrder(topics).map(([name]) => name);
  for (const [host, { topic }] of inOrder(hosts)) {
    if (topic === undefined || known.includes(topic)) continue;
    const list = known.length > 0 ? `Topics: ${some(known)}.` : `Add it to topics.`;
    const hint = didYouMean(topic, known, "");
    report.add(
      ["hosts", host, "topic"],
      topic,
      "is not in topics",
      hint ? `${hint} ${list}` : list,
    );
  }
}

/** A key is a machine's identity: without it anyone on the network could stand in for a Pi. */
function checkHostKeys({ hosts, machines, virtual }: LabDraft, report: Report): void {
  const userOf = (machine: string) =>
    inOrder(hosts).find(([, host]) => host.machine === machine)?.[0];
  const holders = new Map<string, string>();
  for (const [machine, { hostKey }] of inOrder(machines)) {
    const path = ["machines", machine, "hostKey"];
    const user = userOf(machine);
    if (virtual !== undefined) {
      if (hostKey !== undefined) {
        const cause = "is pinned, but a virtual Pi gets its key when it is made";
        report.add(path, hostKey, cause, "Leave hostKey out.");
      }
      continue;
    }
    if (hostKey === undefined) {
      if (user === undefined) continue;
      report.add(
        path,
        undefined,
        `is missing, and ${user} is on this machine`,
        "Gather the keys with `npm run host-keys`, compare them with what the Pis show, and copy them here.",
      );
      continue;
    }
    const holder = holders.get(hostKey);
    if (holder === undefined) {
      holders.set(hostKey, machine);
    } else {
      report.add(
        path,
        hostKey,
        `is the key of ${holder} too: their cards are copies of one card`,
        "Make new keys on one of them (`sudo rm /etc/ssh/ssh_host_*_key*; sudo ssh-keygen -A`, then a reboot) and gather them with `npm run host-keys`.",
      );
    }
  }
}

function checkHeaps(draft: LabDraft, report: Report): void {
  const { hosts, machines, cluster } = draft;
  for (const [host, { role, machine, heapMib }] of inOrder(hosts)) {
    const board = machine === undefined ? undefined : machines?.[machine]?.board;
    const isKafka = role === "broker" || role === "controller";
    if (!isKafka || board === undefined || cluster === undefined) continue;
    const heap = heapMib ?? cluster.heapMib ?? defaults.heapMib;
    const fault = heapFault(heap, board, programsBeside(host, draft));
    if (fault === undefined) continue;
    const origin =
      heapMib !== undefined
        ? ""
        : cluster.heapMib !== undefined
          ? " (from cluster.heapMib)"
          : " (the default)";
    report.add(["hosts", host, "heapMib"], `${heap} MiB${origin}`, fault.cause, fault.remedy);
  }
}

/** How many programs of the lab's run on a host, beside Kafka or not. */
export function programsBeside(host: string, draft: LabDraft): number {
  const { telemetry, bridge, mqtt, alerting, statusPage, store, dashboards, databricks } = draft;
  const isHere = (group: { readonly host?: string | undefined } | undefined): boolean =>
    group !== undefined && (group.host ?? mqtt?.host) === host;
  const bridges = bridge === undefined ? [] : (bridge.hosts ?? [mqtt?.host]);
  // Metabase, beside the program that keeps it, has its own reckoning (rules/dashboards.ts).
  const groups = [statusPage, alerting, dashboards, databricks].map(isHere);
  const beside = [telemetry !== undefined, bridges.includes(host), ...groups];
  // The sink, and PostgreSQL with its shared buffers and some ten connections, which takes as much as two.
  return beside.filter(Boolean).length + (isHere(store) ? 3 : 0);
}

function heapFault(
  heapMib: number,
  board: BoardName,
  programs: number,
): { cause: string; remedy: string } | undefined {
  const { boardMib, systemMib, programsMib, jvmMib, pageCacheMib, maxHeapMib } = memoryBudget(
    board,
    programs,
  );
  if (heapMib <= maxHeapMib) return undefined;
  const beside = programs === 0 ? "" : `, programs beside Kafka ${programsMib}`;
  return {
    cause: `is more than the board has to spare: of a ${board}'s ${boardMib} MiB the system takes ${systemMib}${beside}, the page cache ${pageCacheMib}, the JVM beside its heap ${jvmMib}`,
    remedy: `Give at most ${maxHeapMib}, or a larger board.`,
  };
}
