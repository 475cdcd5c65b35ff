import { SERVICE_USER_PREFIX } from "../data/service-users";
import { oneOf, type ConfigProblem } from "../errors";
import { ACL_OPERATIONS, SCRAM_MECHANISMS, SUPER_USER } from "../kafka/security";
import { didYouMean } from "../nearest";
import { parseAddress } from "../network";
import type { LabDraft } from "../schema";
import { ruleResources } from "../security-config";
import { inOrder, Report } from "./report";
import { checkTopicName } from "./topic-names";

type Path = readonly (string | number)[];
type UserDraft = Partial<NonNullable<NonNullable<LabDraft["users"]>[string]>>;
type RuleDraft = Partial<NonNullable<NonNullable<LabDraft["acls"]>[string]>[number]>;

/** Stands for all clients without a quota of their own, hence no user's name. */
export const DEFAULT_ENTITY = "default";
const RESERVED: Readonly<Record<string, string>> = {
  [SUPER_USER]: "is the super user, with whom the nodes and the stack log in",
  [DEFAULT_ENTITY]: "stands for all other users in quotas",
  everybody: "stands for all users in rules",
  ANONYMOUS: "is Kafka's name for those who did not log in",
};
const MAX_USER_NAME = 64;

/** Rules on users, and on what they may do. */
export function securityProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  for (const key of ["users", "acls"] as const) {
    if (asksWho(draft) || Object.keys(draft[key] ?? {}).length === 0) continue;
    report.add(
      [key],
      undefined,
      "needs brokers that ask who somebody is: cluster.authentication is not given",
      "A new cluster can have `authentication: scram`; a living one cannot change it. Or remove the lines.",
    );
  }
  checkUsers(draft, report);
  for (const [user, rules] of inOrder(draft.acls)) checkAcls(user, rules, draft, report);
  return report.problems;
}

/** Whether brokers want a login, be it one that is at fault. */
export const asksWho = ({ cluster }: LabDraft): boolean =>
  Object.hasOwn(cluster ?? {}, "authentication");

function checkUsers({ users }: LabDraft, report: Report): void {
  for (const [name, user] of inOrder(users)) {
    const reserved = Object.hasOwn(RESERVED, name)
      ? RESERVED[name]
      : name.startsWith(SERVICE_USER_PREFIX)
        ? `begins as the names of the lab's own programs do (${SERVICE_USER_PREFIX})`
        : undefined;
    if (reserved !== undefined) {
      report.add(["users", name], undefined, reserved, "Choose another name.");
    } else if (!/^[A-Za-z0-9._-]+$/.test(name) || name.length > MAX_USER_NAME) {
      report.add(
        ["users", name],
        undefined,
        `is no user's name: those are at most ${MAX_USER_NAME} letters, digits, \`.\`, \`_\` and \`-\``,
        "Choose another name.",
      );
    }
    checkVersions(["users", name, "passwordVersions"], user, report);
  }
}

function checkVersions(
  path: Path,
  { password, passwordVersions: versions }: UserDraft,
  report: Report,
): void {
  if (versions === undefined) return;
  if (password === "config") {
    report.add(
      path,
      undefined,
      "counts random passwords, and this user's come from the configuration",
      "Remove the line; set the new password itself to change it.",
    );
    return;
  }
  const mechanisms = Object.keys(versions).sort();
  if (mechanisms.length === 0) {
    report.add(path, undefined, "is empty", `Write { ${SCRAM_MECHANISMS[0]}: 1 }.`);
  }
  for (const mechanism of mechanisms) {
    if (SCRAM_MECHANISMS.some((known) => known === mechanism)) continue;
    report.add(
      [...path, mechanism],
      undefined,
      "is not a mechanism that users log in with",
      didYouMean(mechanism, SCRAM_MECHANISMS, `Known: ${SCRAM_MECHANISMS.join(", ")}.`),
    );
  }
}

function checkAcls(
  user: string,
  rules: readonly RuleDraft[],
  draft: LabDraft,
  report: Report,
): void {
  const path: Path = ["acls", user];
  if (user === SUPER_USER) {
    report.add(path, undefined, "is the super user, whom no rule binds", "Remove the lines.");
  } else if (user !== "*") {
    checkUser(path, user, draft, report, "; `*` is everybody");
  }
  const seen = new Map<string, number>();
  rules.forEach((rule, i) => {
    checkRule([...path, i], rule, draft, report);
    const same = JSON.stringify(Object.entries(rule).sort());
    const first = seen.get(same);
    if (first !== undefined) {
      report.add([...path, i], undefined, `says the same as rule ${first}`, "Remove one of them.");
    }
    seen.set(same, first ?? i);
  });
}

/** That a user whom something names is one of `users`. */
export function checkUser(
  path: Path,
  name: string,
  { users = {} }: LabDraft,
  report: Report,
  otherwise = "",
): void {
  if (Object.hasOwn(users, name)) return;
  const names = Object.keys(users).sort();
  const all = names.length === 0 ? "There is none yet." : `Known: ${names.join(", ")}${otherwise}.`;
  report.add(path, name, "is not one of users", didYouMean(name, names, `Add it there. ${all}`));
}

function checkRule(path: Path, rule: RuleDraft, draft: LabDraft, report: Report): void {
  const about = ruleResources(rule);
  const keys = about.map(({ key }) => key);
  const [first] = about;
  if (rule.cluster === false) {
    report.add([...path, "cluster"], "false", "says nothing", "Write true, or remove the line.");
  } else if (first === undefined) {
    report.add(
      path,
      undefined,
      "does not say what it is about",
      "Give one of topic, topicPrefix, group, groupPrefix, transactionalId, transactionalIdPrefix and cluster.",
    );
  } else if (about.length > 1) {
    report.add(
      path,
      oneOf(keys, "and"),
      "are given both, and a rule is about one thing",
      "Make a rule of each.",
    );
  }
  if (rule.topic !== undefined && rule.topic !== "*") {
    const otherwise = "If names begin so, write topicPrefix.";
    checkTopicName([...path, "topic"], rule.topic, draft, report, otherwise);
  }
  if (rule.topicPrefix === "*") {
    report.add(
      [...path, "topicPrefix"],
      "*",
      "is how no topic's name begins",
      'Write `topic: "*"` for all topics.',
    );
  }
  if (about.length === 1 && first !== undefined) {
    const known: readonly string[] = ACL_OPERATIONS[first.resource];
    checkOperations([...path, "operations"], rule.operations ?? [], known, first.resource, report);
  }
  const { host } = rule;
  if (host !== undefined && host !== "*" && parseAddress(host) === undefined) {
    report.add(
      [...path, "host"],
      host,
      "is not an address, and Kafka looks up no names here",
      "Give the client's IPv4 address, or leave it out for all.",
    );
  }
}

function checkOperations(
  path: Path,
  operations: readonly (string | undefined)[],
  known: readonly string[],
  resource: string,
  report: Report,
): void {
  if (operations.length === 0) {
    report.add(path, undefined, "is an empty list", `Name some of ${known.join(", ")}.`);
  }
  operations.forEach((operation, i) => {
    if (operation === undefined) return;
    const at = [...path, i];
    if (!known.includes(operation)) {
      const isElsewhere = Object.values(ACL_OPERATIONS).some((all) =>
        (all as readonly string[]).includes(operation),
      );
      const noun = resource === "cluster" ? "the cluster" : `a ${resource}`;
      report.add(
        at,
        operation,
        isElsewhere ? `cannot be done with ${noun}` : "is not an operation of Kafka's",
        didYouMean(operation, isElsewhere ? [] : known, `Known: ${known.join(", ")}.`),
      );
    } else if (operations.indexOf(operation) < i) {
      report.add(at, operation, "stands here twice", "Remove one of them.");
    }
  });
}
