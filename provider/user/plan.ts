/** What a user is, what differs, and what to do about it: values in, values out. */
import { SCRAM_MECHANISMS } from "../../model/kafka/security";
import type { ScramMechanism } from "../../model/types";
import { didYouMean } from "../../model/nearest";
import type {
  CheckFailure,
  DetailedDiff,
  PropertyMap,
  PropertyValue,
} from "../../plugins/common/rpc";
import {
  containsUnknown,
  diffProperties,
  isMap,
  propertyPath,
  reveal,
  Secret,
  shallowMapOf,
  Unknown,
} from "../../plugins/common/rpc";
import { REMOVED_ITERATIONS } from "../admin/security-port";

export interface Credential {
  /** Empty: there is one, and it is not what the stack knows. */
  readonly password: string;
  readonly iterations: number;
}

export type Credentials = Readonly<Partial<Record<ScramMechanism, Credential>>>;

export interface UserSpec {
  readonly name: string;
  readonly credentials: Credentials;
}

/** Kafka's own bounds. */
const MIN_ITERATIONS = 4_096;
const MAX_ITERATIONS = 16_384;
export const DEFAULT_ITERATIONS = 8_192;

/**
 * Every fault that can be told without asking the cluster, and the inputs with iterations filled in
 * and every password secret, however the program has given it.
 */
export function checkUser(
  olds: PropertyMap,
  news: PropertyMap,
): { inputs: PropertyMap; failures: CheckFailure[] } {
  const failures: CheckFailure[] = [];
  const fail = (path: readonly string[], reason: string): void => {
    failures.push({ property: propertyPath(path), reason });
  };
  const name = reveal(news["name"]);
  if (!(name instanceof Unknown)) {
    const fault = userFault(name);
    if (fault !== undefined) fail(["name"], fault);
  }
  const given = news["credentials"];
  if (reveal(given) instanceof Unknown) return { inputs: news, failures };
  if (!isMap(reveal(given))) {
    fail(["credentials"], `is no map of credentials by mechanism; ${EXAMPLE}`);
    return { inputs: withoutText(news), failures };
  }
  const credentials: PropertyMap = {};
  const before = reveal(shallowMapOf(olds["credentials"]));
  for (const [mechanism, value] of Object.entries(shallowMapOf(given))) {
    credentials[mechanism] = checkCredential(mechanism, value, before[mechanism], fail);
  }
  if (Object.keys(credentials).length === 0) {
    fail(["credentials"], `is empty, and a user without a credential is none; ${EXAMPLE}`);
  }
  return { inputs: { ...news, credentials }, failures };
}

const EXAMPLE = 'write {"SCRAM-SHA-512": {password}}';

function checkCredential(
  mechanism: string,
  value: PropertyValue | undefined,
  before: PropertyValue | undefined,
  fail: (path: readonly string[], reason: string) => void,
): PropertyValue {
  const path = ["credentials", mechanism];
  if (!SCRAM_MECHANISMS.some((known) => known === mechanism)) {
    const hint = didYouMean(mechanism, SCRAM_MECHANISMS, `Write ${SCRAM_MECHANISMS.join(" or ")}.`);
    fail(path, `is no mechanism that Kafka keeps passwords for. ${hint}`);
  }
  const plain = reveal(value);
  if (plain instanceof Unknown) return plain;
  if (!isMap(plain)) {
    fail(path, "is no map; write {password}, and iterations where the default does not do");
    return new Secret(plain ?? null);
  }
  for (const key of Object.keys(plain)) {
    if (key === "password" || key === "iterations") continue;
    const hint = didYouMean(key, ["password", "iterations"], "Leave it out.");
    fail([...path, key], `is nothing that a credential has. ${hint}`);
  }
  const { password, iterations = DEFAULT_ITERATIONS } = plain;
  if (!(password instanceof Unknown)) {
    // After an import: the password is not known, and stays as it is.
    const kept = isMap(before) && before["password"] === "" && before["iterations"] === iterations;
    if (password === undefined || password === null) fail([...path, "password"], "is missing");
    else if (typeof password !== "string") fail([...path, "password"], "is no text");
    else if (password === "" && !kept) fail([...path, "password"], "is empty");
  }
  if (!(iterations instanceof Unknown) && !isIterations(iterations)) {
    fail(
      [...path, "iterations"],
      iterations === REMOVED_ITERATIONS
        ? `${iterations} marks a credential that was removed; give another number`
        : `${JSON.stringify(iterations)} is no whole number from ${MIN_ITERATIONS} to ${MAX_ITERATIONS}`,
    );
  }
  const rest = Object.fromEntries(Object.entries(plain).filter(([key]) => key !== "password"));
  return password === undefined
    ? { ...rest, iterations }
    : { ...rest, iterations, password: new Secret(password) };
}

const isIterations = (value: PropertyValue): boolean =>
  Number.isInteger(value) &&
  (value as number) >= MIN_ITERATIONS &&
  (value as number) <= MAX_ITERATIONS &&
  value !== REMOVED_ITERATIONS;

/** Why there can be no user of that name; undefined if there can. */
export function userFault(name: PropertyValue | undefined): string | undefined {
  if (name === undefined || name === null) return "is missing";
  if (typeof name !== "string") return "is no text; write the user's name";
  if (name === "") return "is empty";
  if (name.startsWith("User:")) {
    return `"${name}" is a principal; write the name alone, ${name.slice("User:".length)}`;
  }
  // eslint-disable-next-line no-control-regex
  return /^\s|\s$|[\u0000-\u001f\u007f]/.test(name)
    ? "begins or ends with a blank, or has a control character"
    : undefined;
}

/** What is at fault may be a password in the wrong place, and the engine prints it. */
function withoutText(news: PropertyMap): PropertyMap {
  return { ...news, credentials: new Secret(reveal(news["credentials"]) ?? null) };
}

/** From checked inputs (or outputs) in which everything is known. */
export function userSpec(map: PropertyMap): UserSpec {
  const plain = reveal(map);
  return {
    name: plain["name"] as string,
    credentials: { ...(plain["credentials"] as unknown as Credentials) },
  };
}

/** As the state keeps it: passwords secret, and nothing else. */
export function userState({ name, credentials }: UserSpec): PropertyMap {
  return {
    name,
    credentials: Object.fromEntries(
      Object.entries(credentials).map(([mechanism, { password, iterations }]) => [
        mechanism,
        { iterations, password: new Secret(password) },
      ]),
    ),
  };
}

/** What changes between the last known state and the new inputs. Needs no cluster. */
export function diffUser(olds: PropertyMap, news: PropertyMap): DetailedDiff {
  if (containsUnknown(news["credentials"]) && !isMap(reveal(news["credentials"]))) {
    return { ...diffNames(olds, news), credentials: { kind: "update" } };
  }
  const only = (map: PropertyMap): PropertyMap => ({
    name: map["name"],
    credentials: shallowMapOf(map["credentials"]),
  });
  return diffProperties(only(olds), only(news), { replaceOn: ["name"] });
}

const diffNames = (olds: PropertyMap, news: PropertyMap): DetailedDiff =>
  diffProperties({ name: olds["name"] }, { name: news["name"] }, { replaceOn: ["name"] });

export interface UserChange {
  /** Set first, each in one step. */
  readonly set: readonly ScramMechanism[];
  /** Removed once the others are set. */
  readonly remove: readonly ScramMechanism[];
  /** On the cluster, and neither wanted nor known: left alone until a refresh has shown them. */
  readonly strangers: readonly ScramMechanism[];
}

/** `live`: iterations by mechanism, as the cluster has them. */
export function planUser(
  known: Credentials,
  want: Credentials,
  live: ReadonlyMap<ScramMechanism, number>,
): UserChange {
  const set = SCRAM_MECHANISMS.filter((mechanism) => {
    const wanted = want[mechanism];
    // A password that is not known cannot be set.
    if (wanted === undefined || wanted.password === "") return false;
    return (
      wanted.password !== known[mechanism]?.password || wanted.iterations !== live.get(mechanism)
    );
  });
  const left = SCRAM_MECHANISMS.filter(
    (mechanism) => live.has(mechanism) && want[mechanism] === undefined,
  );
  return {
    set,
    remove: left.filter((mechanism) => known[mechanism] !== undefined),
    strangers: left.filter((mechanism) => known[mechanism] === undefined),
  };
}

/** The state after a look at the user. `refused`: mechanisms whose known password opens nothing any more. */
export function observeUser(
  known: UserSpec,
  live: ReadonlyMap<ScramMechanism, number>,
  refused: ReadonlySet<ScramMechanism>,
): UserSpec {
  const credentials: Partial<Record<ScramMechanism, Credential>> = {};
  for (const [mechanism, iterations] of live) {
    const password = refused.has(mechanism) ? "" : (known.credentials[mechanism]?.password ?? "");
    credentials[mechanism] = { password, iterations };
  }
  return { name: known.name, credentials };
}

/** Mechanisms that someone has set since the state was written, so that they are no more ours to remove. */
export function changedSince(
  known: Credentials,
  live: ReadonlyMap<ScramMechanism, number>,
): readonly ScramMechanism[] {
  return SCRAM_MECHANISMS.filter((mechanism) => {
    const before = known[mechanism];
    return before !== undefined && live.has(mechanism) && live.get(mechanism) !== before.iterations;
  });
}
