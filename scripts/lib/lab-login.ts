import { existsSync } from "node:fs";
import { type Lab, SCRAM_MECHANISMS, SUPER_USER } from "../../model";
import { didYouMean } from "../../model/nearest";
import type { Sasl } from "../../provider/admin/port";
import { ensurePulumi } from "../../toolchain";
import { npmRun, toStderr } from "./cli";
import { askEngine, type Engine } from "./engine";
import { UserError } from "./errors";
import { checkpointFile, type LabFolder } from "./lab-folder";

/** The stack's output `passwords`: by user and mechanism. */
type Passwords = Readonly<Record<string, Readonly<Record<string, string>>>>;

const MECHANISMS: readonly Sasl["mechanism"][] = ["PLAIN", ...SCRAM_MECHANISMS];

/**
 * How to log in at a lab's brokers: as the super user, or as a user of the lab. The passwords are in the
 * stack's state, and the engine deciphers them: none is asked for, none is on a command line.
 *
 * @param user default: the super user
 * @param engine default: it is made ready first
 * @returns undefined where nobody logs in, and for a lab that was not made yet, which a line on stderr says
 * @throws UserError for a user whom the lab does not have
 */
export async function labLogin(
  folder: LabFolder,
  lab: Lab,
  user?: string,
  engine?: Engine,
): Promise<Sasl | undefined> {
  if (lab.cluster.authentication === undefined) {
    if (user === undefined) return undefined;
    throw new UserError(
      `--user: nobody logs in at the brokers of ${folder.stack}: its configuration has no cluster.authentication. Leave --user out.`,
    );
  }
  const passwords = await readPasswords(folder, engine);
  const login = loginAs(user ?? SUPER_USER, passwords);
  if (login !== undefined) return login;
  if (user === undefined) {
    toStderr(
      `The stack ${folder.stack} has no password to log in with yet, so that its brokers will not answer: ${npmRun("pulumi", folder.stack, "up")} has to end once.`,
    );
    return undefined;
  }
  const isDeclared = lab.users.some(({ name }) => name === user);
  const known = [...lab.users.map(({ name }) => name), SUPER_USER];
  throw new UserError(
    isDeclared
      ? `--user: ${user} was not made yet. ${npmRun("pulumi", folder.stack, "up")} makes it.`
      : `--user: the lab ${folder.stack} has no user ${JSON.stringify(user)}. ${didYouMean(user, known, `It has: ${known.join(", ")}.`)}`,
  );
}

/** With the first of the user's mechanisms in our own order. */
export function loginAs(user: string, passwords: Passwords): Sasl | undefined {
  const own = Object.hasOwn(passwords, user) ? passwords[user] : undefined;
  for (const mechanism of MECHANISMS) {
    const password = own?.[mechanism];
    if (password !== undefined) return { mechanism, username: user, password };
  }
  return undefined;
}

async function readPasswords(folder: LabFolder, engine: Engine | undefined): Promise<Passwords> {
  return ((await readOutputs(folder, engine)) as { passwords?: Passwords }).passwords ?? {};
}

/**
 * The stack's outputs, secret ones included; none for a lab that was not made yet.
 * @param given default: the engine is made ready first
 */
export async function readOutputs(folder: LabFolder, given?: Engine): Promise<object> {
  if (!existsSync(checkpointFile(folder))) return {};
  const engine = given ?? (await readyEngine());
  const text = await askEngine(folder, engine, ["stack", "output", "--json", "--show-secrets"]);
  return JSON.parse(text) as object;
}

async function readyEngine(): Promise<Engine> {
  const { bin, env } = await ensurePulumi(toStderr);
  return { bin, env };
}
