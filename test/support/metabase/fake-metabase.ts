import { randomUUID } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as z from "zod";

/** What Metabase tells instead of a password (`metabase.models.secret/protected-password`). */
const PROTECTED = "**MetabasePass**";

const id = z.int().positive();
const text = z.string().refine((value) => value.trim() !== "", "value must be a non-blank string.");
const maybe = <T extends z.ZodType>(schema: T) => schema.nullish();
const settings = z.record(z.string(), z.unknown());
const query = z.object({
  type: z.literal("native"),
  database: id,
  native: z.object({ query: text }),
});

/** Bodies as the sources of v0.65 have them, closed: a key too much is refused. */
const bodies = {
  setup: z.strictObject({
    token: text,
    user: z.strictObject({
      email: z.email(),
      password: z.string().min(6).regex(/\d/, "password is too common."),
      first_name: maybe(text),
      last_name: maybe(text),
      site_name: maybe(z.string()),
      password_confirm: maybe(z.string()),
    }),
    prefs: z.strictObject({
      site_name: text,
      site_locale: maybe(z.string()),
      allow_tracking: maybe(z.union([z.boolean(), z.string()])),
    }),
    database: maybe(settings),
  }),
  session: z.strictObject({ username: text, password: text }),
  database: z.strictObject({
    name: text,
    engine: text,
    details: settings,
    is_full_sync: maybe(z.boolean()),
    is_on_demand: maybe(z.boolean()),
    auto_run_queries: maybe(z.boolean()),
    connection_source: maybe(z.enum(["admin", "setup"])),
  }),
  databaseUpdate: z.strictObject({
    name: maybe(text),
    engine: maybe(text),
    details: maybe(settings),
    is_full_sync: maybe(z.boolean()),
    description: maybe(z.string()),
  }),
  collection: z.strictObject({
    name: text,
    description: maybe(text),
    parent_id: maybe(id),
    namespace: maybe(text),
    authority_level: maybe(z.literal("official")),
  }),
  card: z.strictObject({
    name: text,
    type: maybe(z.enum(["question", "model", "metric"])),
    dataset_query: query,
    description: maybe(text),
    display: text,
    visualization_settings: settings,
    collection_id: maybe(id),
    collection_position: maybe(id),
  }),
  cardUpdate: z.strictObject({
    name: maybe(text),
    dataset_query: maybe(query),
    description: maybe(z.string()),
    display: maybe(text),
    visualization_settings: maybe(settings),
    archived: maybe(z.boolean()),
    collection_id: maybe(id),
  }),
  dashboard: z.strictObject({
    name: text,
    description: maybe(z.string()),
    collection_id: maybe(id),
  }),
  dashboardUpdate: z.strictObject({
    name: maybe(text),
    description: maybe(z.string()),
    archived: maybe(z.boolean()),
    dashcards: maybe(
      z.array(
        z.strictObject({
          id: z.int(),
          size_x: id,
          size_y: id,
          row: z.int().min(0),
          col: z.int().min(0),
          card_id: maybe(id),
          action_id: maybe(id),
          dashboard_tab_id: maybe(z.int()),
          parameter_mappings: maybe(z.array(z.unknown())),
          visualization_settings: maybe(settings),
          inline_parameters: maybe(z.array(text)),
          series: maybe(z.array(z.strictObject({ id }))),
        }),
      ),
    ),
    tabs: maybe(z.array(z.strictObject({ id: z.int(), name: text }))),
  }),
};

export type Row = Record<string, unknown> & { id: number };

/** An answer that is no success. */
class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly body: unknown,
  ) {
    super(String(status));
  }
}

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly status: number;
}

/**
 * Metabase as a client of its HTTP API sees it, by what is published: paths, bodies and answers as in the
 * reference and the sources (routes of v0.50 to v0.65). It keeps what it is told, asks for a session, lets
 * itself be set up once, redacts passwords, tests a connection before it keeps it, slows down whoever guesses,
 * and tells queries in the older or the newer form. It runs no SQL.
 */
export class FakeMetabase {
  readonly seen: Seen[] = [];
  readonly databases: Row[] = [];
  readonly collections: Row[] = [];
  readonly cards: Row[] = [];
  readonly dashboards: Row[] = [];
  /** Below 1 it starts: it answers 503 to everything. */
  progress = 1;
  /** The password with which the store lets itself be read. */
  storePassword = "store-secret";
  /** From v0.57 on queries are told as MBQL 5 unless the older form is asked for. */
  tellsStages = true;
  /** Logins that may fail in a row. */
  maxTries = 10;
  user: { email: string; password: string } | undefined;
  private readonly sessions = new Set<string>();
  private readonly setupToken = randomUUID();
  private tries = 0;
  private nextId = 10;
  private readonly server = createServer((request, response) => void this.serve(request, response));

  static async start(port = 0): Promise<FakeMetabase> {
    const fake = new FakeMetabase();
    await fake.listen(port);
    return fake;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  async listen(port: number): Promise<void> {
    await new Promise<void>((resolve) => this.server.listen(port, "127.0.0.1", resolve));
  }

  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve());
      this.server.closeAllConnections();
    });
  }

  endSessions(): void {
    this.sessions.clear();
  }

  /** Requests that change something, a login included. */
  writes(): string[] {
    return this.seen
      .filter(({ method, status }) => method !== "GET" && status < 300)
      .map(({ method, path }) => `${method} ${path}`);
  }

  add(rows: Row[], row: Record<string, unknown>): Row {
    const made = { id: this.nextId++, ...row };
    rows.push(made);
    return made;
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "" } = request;
    const url = new URL(request.url ?? "", "http://127.0.0.1");
    let status = 200;
    let body: unknown;
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const sent = Buffer.concat(chunks).toString("utf8");
      body = this.answer(method, url, sent, request.headers);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      ({ status, body } = error);
    }
    this.seen.push({ method, path: url.pathname, status });
    const isText = typeof body === "string";
    response.writeHead(status, { "content-type": isText ? "text/plain" : "application/json" });
    response.end(isText ? body : JSON.stringify(body));
  }

  private answer(
    method: string,
    url: URL,
    sent: string,
    headers: IncomingMessage["headers"],
  ): unknown {
    const path = url.pathname;
    if (this.progress < 1) {
      throw new Refusal(503, { status: "initializing", progress: this.progress });
    }
    const isJson = headers["content-type"] === "application/json";
    const json = (): unknown => (isJson ? JSON.parse(sent) : undefined);
    switch (`${method} ${path}`) {
      case "GET /api/health":
        return { status: "ok" };
      case "GET /api/session/properties":
        return {
          "has-user-setup": this.user !== undefined,
          "setup-token": this.user === undefined ? this.setupToken : null,
          "available-locales": [["en", "English"]],
        };
      case "POST /api/setup":
        return this.setUp(read(bodies.setup, json()));
      case "POST /api/session":
        return this.logIn(read(bodies.session, json()));
    }
    const session = headers["x-metabase-session"];
    if (typeof session !== "string" || !this.sessions.has(session)) {
      throw new Refusal(401, "Unauthenticated");
    }
    const [, , model = "", key = "", more = ""] = path.split("/");
    const known = `${method} ${model}${key && "/:id"}${more && `/${more}`}`;
    switch (known) {
      case "GET database":
        return { data: this.databases.map(redacted), total: this.databases.length };
      case "POST database": {
        const made = read(bodies.database, json());
        this.connect(made.details);
        return redacted(this.add(this.databases, made));
      }
      case "GET database/:id":
        return redacted(find(this.databases, key));
      case "GET database/:id/healthcheck":
        return this.canConnect(find(this.databases, key)["details"])
          ? { status: "ok" }
          : { status: "error", message: "FATAL: password authentication failed" };
      case "PUT database/:id": {
        const row = find(this.databases, key);
        const { details, ...rest } = read(bodies.databaseUpdate, json());
        const old = row["details"] as Record<string, unknown>;
        const merged = { ...old, ...details };
        if (details?.["password"] === PROTECTED) merged["password"] = old["password"];
        this.connect(merged);
        return redacted(Object.assign(row, given(rest), { details: merged }));
      }
      case "GET collection":
        return [{ id: "root", name: "Our analytics" }, ...this.collections];
      case "POST collection":
        return this.add(this.collections, read(bodies.collection, json()));
      case "GET collection/:id/items":
        return this.items(find(this.collections, key).id, url.searchParams);
      case "POST card": {
        const made = read(bodies.card, json());
        find(this.databases, String(made.dataset_query.database));
        return this.add(this.cards, { archived: false, ...made });
      }
      case "GET card/:id":
        return this.told(find(this.cards, key), url.searchParams);
      case "PUT card/:id":
        return Object.assign(find(this.cards, key), given(read(bodies.cardUpdate, json())));
      case "POST dashboard": {
        const made = read(bodies.dashboard, json());
        return this.add(this.dashboards, { archived: false, ...made, dashcards: [], tabs: [] });
      }
      case "GET dashboard/:id":
        return this.shown(find(this.dashboards, key));
      case "PUT dashboard/:id":
        return this.updateDashboard(
          find(this.dashboards, key),
          read(bodies.dashboardUpdate, json()),
        );
      default:
        throw new Refusal(404, "API endpoint does not exist.");
    }
  }

  private setUp({ token, user }: z.infer<typeof bodies.setup>): unknown {
    if (this.user !== undefined) {
      const words =
        "The /api/setup route can only be used to create the first user, however a user currently exists.";
      throw new Refusal(403, words);
    }
    if (token !== this.setupToken) {
      throw new Refusal(400, { errors: { token: "Token does not match the setup token." } });
    }
    this.user = { email: user.email, password: user.password };
    return { id: this.open() };
  }

  private logIn({ username, password }: z.infer<typeof bodies.session>): unknown {
    if (++this.tries > this.maxTries) {
      const username = "Too many attempts! You must wait 15 seconds before trying again.";
      throw new Refusal(401, { errors: { username } });
    }
    if (username !== this.user?.email || password !== this.user.password) {
      throw new Refusal(401, { errors: { password: "did not match stored password" } });
    }
    this.tries = 0;
    return { id: this.open() };
  }

  private open(): string {
    const session = randomUUID();
    this.sessions.add(session);
    return session;
  }

  private canConnect(details: unknown): boolean {
    return (details as { password?: unknown }).password === this.storePassword;
  }

  private connect(details: unknown): void {
    if (this.canConnect(details)) return;
    const message = "Looks like the username or password is incorrect.";
    throw new Refusal(400, { message, errors: { password: "check your password" } });
  }

  private items(collection: number, params: URLSearchParams): unknown {
    const models = params.getAll("models");
    const all = [
      ...this.cards.map((row) => ({ model: "card", ...row })),
      ...this.dashboards.map((row) => ({ model: "dashboard", ...row })),
    ].filter(
      (row) =>
        models.includes(row.model) &&
        (row as Record<string, unknown>)["collection_id"] === collection &&
        (row as Record<string, unknown>)["archived"] === (params.get("archived") === "true"),
    );
    const offset = Number(params.get("offset") ?? 0);
    const limit = Number(params.get("limit") ?? all.length);
    const data = all.slice(offset, offset + limit).map((row) => ({
      ...{ id: row.id, model: row.model },
      ...pick(row, ["name", "description"]),
    }));
    return { data, total: all.length, limit, offset, models };
  }

  private told(row: Row, params: URLSearchParams): unknown {
    if (!this.tellsStages || params.get("legacy-mbql") === "true") return row;
    const legacy = row["dataset_query"] as z.infer<typeof query>;
    const stage = { "lib/type": "mbql.stage/native", native: legacy.native.query };
    const told = { "lib/type": "mbql/query", database: legacy.database, stages: [stage] };
    return { ...row, dataset_query: told };
  }

  /** Cards that are in the trash are not shown. */
  private shown(row: Row): unknown {
    const dashcards = (row["dashcards"] as Row[]).filter(({ card_id }) => {
      const card = this.cards.find((one) => one.id === card_id);
      return card_id === null || card_id === undefined || card?.["archived"] === false;
    });
    return { ...row, dashcards };
  }

  private updateDashboard(row: Row, body: z.infer<typeof bodies.dashboardUpdate>): unknown {
    const { dashcards, tabs, ...rest } = body;
    Object.assign(row, given(rest));
    if (dashcards === undefined || dashcards === null) return row;
    for (const { card_id } of dashcards) {
      if (typeof card_id === "number") find(this.cards, String(card_id));
    }
    // What is not named is taken away, tabs too.
    row["tabs"] = tabs ?? [];
    row["dashcards"] = dashcards.map((card) =>
      card.id < 0 ? { ...card, id: this.nextId++, created_at: "2026-11-28T20:00:00Z" } : card,
    );
    return row;
  }
}

function read<T extends z.ZodType>(schema: T, body: unknown): z.infer<T> {
  const result = schema.safeParse(body);
  if (result.success) return result.data;
  const errors = Object.fromEntries(
    result.error.issues.map(({ path, message }) => [path.join(".") || "body", message]),
  );
  throw new Refusal(400, { "specific-errors": errors, errors });
}

function find(rows: readonly Row[], key: string): Row {
  const row = rows.find((one) => String(one.id) === key);
  if (row === undefined) throw new Refusal(404, "Not found.");
  return row;
}

const redacted = (row: Row): Row => ({
  ...row,
  details: { ...(row["details"] as object), password: PROTECTED },
});

const given = (values: object): object =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

const pick = (row: Record<string, unknown>, keys: readonly string[]): object =>
  Object.fromEntries(keys.map((key) => [key, row[key]]));
