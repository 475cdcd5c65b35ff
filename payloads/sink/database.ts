import { Client, DatabaseError, type QueryConfig, type QueryResult, type QueryResultRow } from "pg";
import type { StoreAccess } from "../../model";
import { pending, SCHEMA_VERSION } from "./migrations";

/** Limits of what PostgreSQL is waited for, ms. A program has 20 s to stop in. */
const CONNECT_MS = 5_000;
const STATEMENT_MS = 15_000;
const LOCK_MS = 10_000;
/** A server that is silent for so long is gone. */
const ANSWER_MS = STATEMENT_MS + 2_000;
/** A migration fills new tables from all that is stored. */
const MIGRATION_MS = 30 * 60_000;
/** How long a transaction of a sink that hangs may stand in the way. */
const IDLE_MS = 30_000;

/** Keys of advisory locks: any number that nothing else in this database uses. */
const SINK_LOCK = 7_300_001;
const MIGRATION_LOCK = 7_300_002;

/** Another sink has the store. */
export class StoreTaken extends Error {
  public override readonly name = "StoreTaken";
  constructor() {
    super("another sink stores into this database; it has it alone until it ends");
  }
}

/** One connection to the store, which no other sink has at the same time. */
export class Connection {
  private broken: Error | undefined;

  private constructor(private readonly client: Client) {
    // An idle connection breaks by itself.
    client.on("error", (error) => (this.broken ??= error));
  }

  /**
   * Connects, brings the schema up to date and takes the sink's lock.
   *
   * @param migrated called with the title of each step that was made
   * @throws NewerSchema, StoreTaken, or what the server or the network says
   */
  static async open(access: StoreAccess, migrated: (title: string) => void): Promise<Connection> {
    const { address, port, database, username, password } = access;
    const client = new Client({
      ...{ host: address, port, database, user: username, password, ssl: false },
      application_name: "pi-lab-sink",
      connectionTimeoutMillis: CONNECT_MS,
      statement_timeout: STATEMENT_MS,
      lock_timeout: LOCK_MS,
      query_timeout: ANSWER_MS,
      idle_in_transaction_session_timeout: IDLE_MS,
      keepAlive: true,
      // What a power cut takes of the last second, it takes whole: records and positions alike.
      options: "-c synchronous_commit=off -c client_connection_check_interval=5s -c timezone=UTC",
    });
    const connection = new Connection(client);
    try {
      await client.connect();
      const lock = await connection.ask<{ taken: boolean }>(
        "SELECT pg_try_advisory_lock($1) AS taken",
        [SINK_LOCK],
      );
      if (lock.rows[0]?.taken !== true) throw new StoreTaken();
      await migrate(connection, migrated);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  get usable(): boolean {
    return this.broken === undefined;
  }

  /** @param withinMs how long it is waited for the answer; the statement's own limit is apart */
  async ask<R extends QueryResultRow>(
    text: string,
    values: readonly unknown[] = [],
    withinMs = ANSWER_MS,
  ): Promise<QueryResult<R>> {
    if (this.broken !== undefined) throw this.broken;
    const query: QueryConfig & { query_timeout: number } = {
      ...{ text, values: [...values] },
      query_timeout: withinMs,
    };
    return this.client.query<R>(query);
  }

  /** All of `work`, or nothing. After an error the connection is of no use any more. */
  async transaction<T>(work: () => Promise<T>): Promise<T> {
    await this.ask("BEGIN");
    const result = await work();
    await this.ask("COMMIT");
    return result;
  }

  /**
   * Work within a transaction that is taken back alone where the server refuses its values.
   * @returns the refusal, or undefined
   */
  async attempt(work: () => Promise<void>): Promise<DatabaseError | undefined> {
    await this.ask("SAVEPOINT attempt");
    let refusal: DatabaseError | undefined;
    try {
      await work();
    } catch (error) {
      if (!isOfTheValues(error)) throw error;
      refusal = error;
      await this.ask("ROLLBACK TO SAVEPOINT attempt");
    }
    await this.ask("RELEASE SAVEPOINT attempt");
    return refusal;
  }

  /** Never waits for a server that is silent. */
  async close(): Promise<void> {
    this.broken ??= new Error("the connection is closed");
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, 1_000)));
    await Promise.race([this.client.end().catch(() => {}), late]);
    clearTimeout(timer);
  }
}

/**
 * SQLSTATE classes that are about the values of a statement: data exceptions, integrity, and limits such as
 * that of an index entry. All others (disk full, shut down, deadlock, …) can be cured.
 */
const OF_THE_VALUES: ReadonlySet<string> = new Set(["22", "23", "54"]);

function isOfTheValues(error: unknown): error is DatabaseError {
  return error instanceof DatabaseError && OF_THE_VALUES.has(error.code?.slice(0, 2) ?? "");
}

/** Only steps that are lacking, each in a transaction of its own, by one program at a time. */
async function migrate(connection: Connection, migrated: (title: string) => void): Promise<void> {
  await connection.transaction(async () => {
    await connection.ask("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await connection.ask(
      `CREATE TABLE IF NOT EXISTS schema_versions (
        version int PRIMARY KEY, title text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
  });
  for (;;) {
    const title = await connection.transaction(async () => {
      await connection.ask("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
      const { rows } = await connection.ask<{ version: number }>(
        "SELECT coalesce(max(version), 0) AS version FROM schema_versions",
      );
      const [step] = pending(rows[0]?.version ?? SCHEMA_VERSION);
      if (step === undefined) return undefined;
      await connection.ask(`SET LOCAL statement_timeout = ${MIGRATION_MS}`);
      await connection.ask(step.sql, [], MIGRATION_MS);
      await connection.ask("INSERT INTO schema_versions (version, title) VALUES ($1, $2)", [
        step.version,
        step.title,
      ]);
      return step.title;
    });
    if (title === undefined) return;
    migrated(title);
  }
}
