import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { READERS_GROUP, STORE_OWNER, type Store } from "../../model";

/** PostgreSQL's own count of rounds. */
const ROUNDS = 4096;
const KEY_BYTES = 32;
/** How long a reader's question may take, and how many may ask at once: it must not starve the sink. */
const READER_TIMEOUT = "30s";
const READER_CONNECTIONS = 10;

/** Whom the store knows. */
interface StoreNames extends Pick<Store, "database"> {
  readonly readers: readonly string[];
  /** Roles that have a database of their own name, which nobody else may open. Default: none. */
  readonly owners?: readonly string[];
}

/** What a role logs in with. */
export interface RolePassword {
  readonly password: string;
  /** Base64. It stays, so that the file does. */
  readonly salt: string;
}

/**
 * What PostgreSQL keeps of a password: nobody can log in with it.
 *
 * @param password ASCII, so that it needs no SASLprep
 */
export function scramVerifier({ password, salt }: RolePassword): string {
  const salted = pbkdf2Sync(password, Buffer.from(salt, "base64"), ROUNDS, KEY_BYTES, "sha256");
  const hmac = (text: string) => createHmac("sha256", salted).update(text).digest();
  const stored = createHash("sha256").update(hmac("Client Key")).digest("base64");
  return `SCRAM-SHA-256$${ROUNDS}:${salt}$${stored}:${hmac("Server Key").toString("base64")}`;
}

/**
 * The script that gives the store its roles and its database, for `psql` as the superuser at each start: run
 * again it changes nothing. A reader that is not named any more cannot log in.
 *
 * Names are plain (rules/store.ts), so that none needs an escape.
 */
export function renderRoles(
  { database, readers, owners = [] }: StoreNames,
  passwords: Readonly<Record<string, RolePassword>>,
): string {
  const verifier = (role: string): string => {
    const known = passwords[role];
    if (known === undefined) throw new Error(`bug: no password was made for the role ${role}`);
    return scramVerifier(known);
  };
  const named = readers.map((role) => `'${role}'`).join(", ");
  return `-- Written by pi-lab.
\\set ON_ERROR_STOP on
SET client_min_messages = warning;

${makeRole(STORE_OWNER)}
ALTER ROLE ${STORE_OWNER} LOGIN PASSWORD '${verifier(STORE_OWNER)}';
${makeRole(READERS_GROUP)}
ALTER ROLE ${READERS_GROUP} NOLOGIN;
${readers
  .map(
    (role) => `
${makeRole(role)}
ALTER ROLE ${role} LOGIN CONNECTION LIMIT ${READER_CONNECTIONS} PASSWORD '${verifier(role)}';
ALTER ROLE ${role} SET default_transaction_read_only = on;
ALTER ROLE ${role} SET statement_timeout = '${READER_TIMEOUT}';
GRANT ${READERS_GROUP} TO ${role};
COMMENT ON ROLE ${role} IS 'pi-lab reader';
`,
  )
  .join("")}
DO $$
DECLARE
  former text;
BEGIN
  FOR former IN
    SELECT rolname FROM pg_roles
    WHERE shobj_description(oid, 'pg_authid') = 'pi-lab reader' AND rolcanlogin AND rolname NOT IN (${named})
  LOOP
    EXECUTE format('ALTER ROLE %I NOLOGIN', former);
  END LOOP;
END
$$;

${makeDatabase(database, STORE_OWNER)}GRANT CONNECT ON DATABASE ${database} TO ${READERS_GROUP};
${owners
  .map(
    (role) => `
${makeRole(role)}
ALTER ROLE ${role} LOGIN PASSWORD '${verifier(role)}';
${makeDatabase(role, role)}`,
  )
  .join("")}`;
}

function makeDatabase(name: string, owner: string): string {
  return `SELECT 'CREATE DATABASE ${name} OWNER ${owner} TEMPLATE template0 ENCODING ''UTF8'' LOCALE ''C.UTF-8'''
WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = '${name}') \\gexec
ALTER DATABASE ${name} OWNER TO ${owner};
REVOKE ALL ON DATABASE ${name} FROM PUBLIC;
`;
}

function makeRole(role: string): string {
  return `SELECT 'CREATE ROLE ${role}' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${role}') \\gexec`;
}
