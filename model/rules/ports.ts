import { METRICS_PORT } from "../catalogue";
import { programPorts, type ProgramName } from "../data/programs";
import type { ConfigProblem } from "../errors";
import { defaults, type LabDraft } from "../schema";
import { dataDefaults } from "../schema-data";
import { inOrder, Report } from "./report";

/** Services whose port the configuration chooses, with the usual one. The later gives way to the earlier. */
const services = [
  ["mqtt", dataDefaults.mqttPort],
  ["store", dataDefaults.storePort],
  ["dashboards", dataDefaults.metabasePort],
  ["statusPage", dataDefaults.statusPagePort],
] as const;
type Service = (typeof services)[number][0];

/** The keys of the lab that ask for programs. The ring is there with clients, which run no Kafka. */
const askedBy = {
  telemetry: "telemetry",
  bridge: "bridge",
  alerting: "alerting",
  sink: "store",
  dashboards: "dashboards",
  databricks: "databricks",
  "status-page": "statusPage",
} as const satisfies Readonly<Record<Exclude<ProgramName, "ring">, keyof LabDraft>>;

/** What listens on one host beside what runs there from the configuration's data plane. */
export function portProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  checkProgramPorts(draft, report);
  services.forEach(([service, usual], i) => {
    const earlier = services.slice(0, i).map(([name]) => name);
    checkServicePort(service, usual, earlier, draft, report);
  });
  return report.problems;
}

/** Programs may run beside sshd and Kafka: their ports are fixed. */
function checkProgramPorts(draft: LabDraft, report: Report): void {
  const { ssh, cluster, hosts } = draft;
  const sshd = [["ssh", "port"], ssh?.port] as const;
  const all = [
    sshd,
    [["cluster", "clientPort"], cluster?.clientPort],
    [["cluster", "controllerPort"], cluster?.controllerPort],
  ] as const;
  if (inOrder(hosts).some(([, host]) => host?.role === "client")) {
    checkProgramPort("ring", [sshd], report);
  }
  for (const [program, key] of Object.entries(askedBy) as [
    keyof typeof askedBy,
    keyof LabDraft,
  ][]) {
    if (draft[key] !== undefined) checkProgramPort(program, all, report);
  }
}

function checkProgramPort(
  program: ProgramName,
  listeners: readonly (readonly [path: readonly string[], port: number | undefined])[],
  report: Report,
): void {
  for (const [path, port] of listeners) {
    if (port !== programPorts[program]) continue;
    const cause = `is where the ${program} program tells its health: one host cannot listen twice on a port`;
    const ports = Object.values(programPorts).join(", ");
    report.add(path, port, cause, `Choose another; ${ports} are the programs'.`);
  }
}

/** What else listens on the service's host. */
function checkServicePort(
  service: Service,
  usual: number,
  earlier: readonly Service[],
  draft: LabDraft,
  report: Report,
): void {
  const { hosts, ssh, cluster } = draft;
  const port = draft[service]?.port;
  if (port === undefined) return;
  const name = hostOf(service, draft);
  const host = hosts?.[name ?? ""];
  const roles: readonly (string | undefined)[] =
    host?.role === "broker" ? (host.processRoles ?? defaults.processRoles) : [host?.role];
  const runsKafka = roles.includes("broker") || roles.includes("controller");
  const program = inOrder(programPorts).find(([, its]) => its === port)?.[0];
  const holders: readonly (readonly [held: boolean, what: string])[] = [
    [port === ssh?.port, "ssh.port"],
    [port === cluster?.clientPort && roles.includes("broker"), "cluster.clientPort"],
    [port === cluster?.controllerPort && roles.includes("controller"), "cluster.controllerPort"],
    [
      port === METRICS_PORT && cluster?.metrics === true && runsKafka,
      "where Kafka's nodes tell their figures",
    ],
    ...earlier.map(
      (other) =>
        [port === draft[other]?.port && name === hostOf(other, draft), `${other}.port`] as const,
    ),
    [program !== undefined, `the port of the program ${program}`],
  ];
  const holder = holders.find(([held]) => held)?.[1];
  if (holder === undefined) return;
  report.add(
    [service, "port"],
    port,
    `is ${holder} too: one host cannot listen twice on a port`,
    `Leave it out to have ${usual}, or choose another.`,
  );
}

const hostOf = (service: Service, draft: LabDraft): string | undefined =>
  draft[service]?.host ?? draft.mqtt?.host;
