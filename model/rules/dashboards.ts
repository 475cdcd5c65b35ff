import { leastMemoryMib } from "../budget";
import { boards, DEFAULT_IMAGE } from "../catalogue";
import type { ConfigProblem } from "../errors";
import { defaults, type LabDraft } from "../schema";
import { programsBeside } from "./hosts";
import { Report } from "./report";
import { checkServiceHost } from "./service-host";

/** Java that Debian or Ubuntu packages, oldest first: 12 has 17, 13 has 21, Ubuntu 22.04 both. */
const JAVA: readonly number[] = [17, 21, 25];
const DEBIAN_12_JAVA = 17;
/** A JVM with a heap of its own takes so much beside it, MiB: as for Kafka (budget.ts). */
const BESIDE_HEAP_MIB = 256;

/** Rules about Metabase. That its jar is there, and what it needs, is for the controlling machine to say. */
export function dashboardsProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  const { dashboards } = draft;
  if (dashboards === undefined) return [];
  checkServiceHost("dashboards", dashboards.host, draft, Object.hasOwn(dashboards, "host"), report);
  if (!Object.hasOwn(draft, "store")) {
    const cause = "shows what the store holds, and store is not given";
    report.add(["dashboards"], undefined, cause, "Add store: {}, or remove dashboards.");
  }
  checkEmail(draft, report);
  checkJava(draft, report);
  checkMemory(draft, report);
  return report.problems;
}

const hostOf = ({ dashboards, mqtt }: LabDraft): string => dashboards?.host ?? mqtt?.host ?? "";

/** Metabase takes what looks like an address; nothing is sent to it. */
function checkEmail({ dashboards }: LabDraft, report: Report): void {
  const email = dashboards?.email;
  if (email === undefined || /^[a-z0-9._+-]+@([a-z0-9-]+\.)+[a-z]{2,}$/.test(email)) return;
  report.add(
    ["dashboards", "email"],
    email,
    "is not an e-mail address in small letters",
    "Write one, e.g. you@example.com, or leave it out.",
  );
}

function checkJava({ dashboards, virtual }: LabDraft, report: Report): void {
  const java = dashboards?.java;
  if (java === undefined) return;
  const path = ["dashboards", "java"];
  if (!JAVA.includes(java)) {
    const cause = "is no Java that Debian has for long";
    report.add(path, java, cause, `Known: ${JAVA.join(", ")}.`);
  } else if (virtual?.image === DEFAULT_IMAGE && java !== DEBIAN_12_JAVA) {
    report.add(
      path,
      java,
      "is no Java of virtual Pis, which run Debian 12",
      `Write java: ${DEBIAN_12_JAVA}, and take Metabase v0.52, the last that runs on it.`,
    );
  }
}

/** Whether Metabase fits beside what else the board runs. */
function checkMemory(draft: LabDraft, report: Report): void {
  const { dashboards, hosts, machines, cluster } = draft;
  const name = hostOf(draft);
  const host = hosts?.[name];
  const board = machines?.[host?.machine ?? ""]?.board;
  const heapMib = dashboards?.heapMib;
  if (host === undefined || board === undefined || heapMib === undefined) return;
  const isKafka = host.role === "broker" || host.role === "controller";
  const kafkaHeap = host.heapMib ?? cluster?.heapMib ?? defaults.heapMib;
  const kafkaMib = isKafka ? Math.ceil((kafkaHeap * 9) / 8) + BESIDE_HEAP_MIB : 0;
  const programs = programsBeside(name, draft);
  const needMib = leastMemoryMib(heapMib, programs) + kafkaMib;
  const { memoryMib } = boards[board];
  if (needMib <= memoryMib) return;
  const beside = isKafka ? `, Kafka (${kafkaMib} MiB)` : "";
  report.add(
    ["dashboards", "heapMib"],
    heapMib,
    `does not fit on ${name}: with the system${beside} and ${programs} programs it takes ${needMib} MiB, and a ${board} has ${memoryMib}`,
    "Name a host with more memory under dashboards.host, or a smaller heap.",
  );
}
