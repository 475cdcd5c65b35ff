import { pathBelow, type ConfigProblem } from "../errors";
import { SCRAM_MECHANISMS } from "../kafka/security";
import { nearest } from "../nearest";
import { kindOf } from "../readers";
import type { LabDraft } from "../schema";
import type { ScramMechanism } from "../types";
import { inOrder } from "./report";

/** A user's passwords, by the mechanism that takes each. */
export type Passwords = Readonly<Partial<Record<ScramMechanism, string>>>;

/** As long as a guess must be to cost more than a lab is worth. */
const SHORTEST = 12;

/**
 * Rules on the configuration's key `passwords`: of each user whose password comes from there it has one, as
 * text or by mechanism. No password is repeated in a problem.
 */
export function passwordProblems(draft: LabDraft, raw: unknown): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  const add = (path: string, cause: string, remedy: string): void => {
    problems.push({ path, value: undefined, cause, remedy });
  };
  const users = inOrder(draft.users);
  const wanted = users.flatMap(([name, { password }]) => (password === "config" ? [name] : []));
  const given = raw ?? {};
  if (typeof given !== "object" || Array.isArray(given)) {
    add(ROOT, `is ${kindOf(given)}, not a mapping`, `Set each user's: ${setting("NAME")}.`);
    return problems;
  }
  for (const name of wanted) {
    if (!Object.hasOwn(given, name)) add(pathOf(name), "is missing", `Set it: ${setting(name)}.`);
  }
  for (const [name, value] of inOrder(given as Record<string, unknown>)) {
    if (!wanted.includes(name)) {
      const isRandom = users.some(([user]) => user === name);
      const near = nearest(name, wanted);
      add(
        pathOf(name),
        isRandom ? "is given, and the stack makes one" : "is of nobody in lab.users",
        isRandom
          ? `Write \`password: config\` below lab.users.${name}, or remove it.`
          : `${near === undefined ? "" : `Did you mean ${near}? `}Remove it: \`pulumi config rm --path '${pathOf(name)}'\`.`,
      );
      continue;
    }
    if (isMapping(value) && Object.keys(value).length === 0) {
      add(pathOf(name), "is empty", `Set one: ${setting(name)}.`);
    }
    for (const [mechanism, password] of entries(value)) {
      const again = isMapping(value) ? setting(name, mechanism) : setting(name);
      const at = isMapping(value) ? pathOf(name, mechanism) : pathOf(name);
      if (!SCRAM_MECHANISMS.some((known) => known === mechanism)) {
        add(
          at,
          "is not a mechanism that users log in with",
          `Known: ${SCRAM_MECHANISMS.join(", ")}.`,
        );
      } else if (typeof password !== "string") {
        add(at, `is ${kindOf(password)}, not text`, `Set it again, in quotes: ${again}.`);
      } else if (!/^[!-~]*$/.test(password) || password.length < SHORTEST) {
        add(
          at,
          `is no password that all clients can send: those have at least ${SHORTEST} letters, digits and signs of ASCII, without blanks`,
          `Set another: ${again}.`,
        );
      }
    }
  }
  return problems;
}

/**
 * The key's value as the engine hands it over: text of JSON. What is none stays text, for the rules to refuse: an
 * error of the parser's would repeat it.
 */
export function parsePasswords(text: string | undefined): unknown {
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** By user, of those whose passwords come from the configuration, once it has passed the rules. */
export function readPasswords(raw: unknown): Readonly<Record<string, Passwords>> {
  return Object.fromEntries(
    Object.entries((raw ?? {}) as Record<string, unknown>).map(([user, value]) => [
      user,
      Object.fromEntries(entries(value)),
    ]),
  );
}

/** Text is the password of the mechanism that a user has unless others are named. */
function entries(value: unknown): [string, unknown][] {
  return isMapping(value) ? Object.entries(value) : [[SCRAM_MECHANISMS[0], value]];
}

const isMapping = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Beside the lab, not in it: with the project in front, as it stands in the stack's file. */
const ROOT = "pi-lab:passwords";

const pathOf = (...parts: readonly string[]): string => pathBelow(ROOT, ...parts);

const setting = (...parts: readonly string[]): string =>
  `\`pulumi config set --secret --path '${pathOf(...parts)}'\``;
