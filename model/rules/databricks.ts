import { programPorts } from "../data/programs";
import type { ConfigProblem } from "../errors";
import { didYouMean } from "../nearest";
import type { LabDraft } from "../schema";
import { Report } from "./report";
import { checkServiceHost } from "./service-host";

type Draft = NonNullable<LabDraft["databricks"]>;

/** Rules about the upload to Databricks. */
export function databricksProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  const { databricks } = draft;
  if (databricks === undefined) return [];
  checkServiceHost("databricks", databricks.host, draft, Object.hasOwn(databricks, "host"), report);
  checkPorts(draft, report);
  checkWorkspace(databricks, report);
  checkVolume(databricks, report);
  checkTopics(databricks, draft, report);
  return report.problems;
}

function checkPorts({ ssh, cluster }: LabDraft, report: Report): void {
  const listeners = [
    [["ssh", "port"], ssh?.port],
    [["cluster", "clientPort"], cluster?.clientPort],
    [["cluster", "controllerPort"], cluster?.controllerPort],
  ] as const;
  for (const [path, port] of listeners) {
    if (port !== programPorts.databricks) continue;
    const cause =
      "is where the databricks program tells its health: one host cannot listen twice on a port";
    const list = Object.values(programPorts).join(", ");
    report.add(path, port, cause, `Choose another; ${list} are the programs'.`);
  }
}

function checkWorkspace({ workspace }: Draft, report: Report): void {
  if (workspace === undefined) return;
  const url = URL.canParse(workspace) ? new URL(workspace) : undefined;
  const remedy = "Copy what stands before the first single slash in the browser's address bar.";
  const add = (cause: string) => report.add(["databricks", "workspace"], workspace, cause, remedy);
  if (url?.protocol !== "https:") {
    add("is not the address of a workspace, which begins with https://");
  } else if (url.origin !== workspace) {
    add(`has more than the address: ${url.origin} is all of it`);
  }
}

/** Unity Catalog's names have no slash, blank or control character; a path that climbs is a slip. */
function checkVolume({ volume }: Draft, report: Report): void {
  if (volume === undefined) return;
  const [start, root, ...names] = volume.split("/");
  const isWhole =
    start === "" &&
    root === "Volumes" &&
    names.length >= 3 &&
    names.every((name) => /^[^\s\p{Cc}]+$/u.test(name) && name !== "." && name !== "..");
  if (isWhole) return;
  report.add(
    ["databricks", "volume"],
    volume,
    "is not the folder of a volume",
    "Write /Volumes/CATALOG/SCHEMA/VOLUME, with folders below it if you like, and no slash at its end.",
  );
}

function checkTopics({ topics: named }: Draft, { topics }: LabDraft, report: Report): void {
  const list: readonly (string | undefined)[] | undefined = named;
  if (list?.length === 0) {
    const cause = "is empty: nothing would be uploaded";
    report.add(
      ["databricks", "topics"],
      undefined,
      cause,
      "Name a topic, or leave databricks out.",
    );
  }
  const known = Object.keys(topics ?? {});
  list?.forEach((topic, i) => {
    if (topic === undefined) return;
    const path = ["databricks", "topics", i];
    if (!known.includes(topic)) {
      const hint = didYouMean(topic, known, "");
      const remedy = "Add it to topics, or name one of those.";
      report.add(path, topic, "is not one of topics", `${hint} ${remedy}`.trim());
    } else if (list.indexOf(topic) < i) {
      report.add(path, topic, "is named before", "Name each topic once.");
    }
  });
}

const SECRET = "pi-lab:databricksSecret";
const SET_SECRET = `\`pulumi config set --secret ${SECRET}\``;

/** Rules on the configuration's key `databricksSecret`. It is repeated in no problem. */
export function databricksSecretProblems(
  { databricks }: LabDraft,
  secret: string | undefined,
): ConfigProblem[] {
  const told = (cause: string, remedy: string): ConfigProblem[] => [
    { path: SECRET, value: undefined, cause, remedy },
  ];
  if (databricks === undefined) {
    return secret === undefined
      ? []
      : told("is given, and lab.databricks is not", `Remove it: \`pulumi config rm ${SECRET}\`.`);
  }
  if (secret === undefined) {
    const whose =
      databricks.clientId === undefined
        ? "a personal access token"
        : `the OAuth secret of ${databricks.clientId}`;
    return told("is missing", `Set ${whose}: ${SET_SECRET}.`);
  }
  return /^[!-~]+$/.test(secret)
    ? []
    : told(
        "holds blanks, or characters that no secret of Databricks has",
        `Set it again: ${SET_SECRET}.`,
      );
}
