import type { ConfigProblem } from "../errors";
import type { LabDraft } from "../schema";
import { Report } from "./report";
import { checkServiceHost } from "./service-host";
import { checkTopicNames } from "./topic-names";

type Draft = NonNullable<LabDraft["databricks"]>;

/** Rules about the upload to Databricks. */
export function databricksProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  const { databricks } = draft;
  if (databricks === undefined) return [];
  checkServiceHost("databricks", databricks.host, draft, Object.hasOwn(databricks, "host"), report);
  checkWorkspace(databricks, report);
  checkVolume(databricks, report);
  checkTopics(databricks, draft, report);
  return report.problems;
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

function checkTopics({ topics }: Draft, draft: LabDraft, report: Report): void {
  const list: readonly (string | undefined)[] | undefined = topics;
  if (list?.length === 0) {
    const cause = "is empty: nothing would be uploaded";
    report.add(
      ["databricks", "topics"],
      undefined,
      cause,
      "Name a topic, or leave databricks out.",
    );
  }
  checkTopicNames(["databricks", "topics"], list ?? [], draft, report);
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
