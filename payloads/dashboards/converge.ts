import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import type { DashboardsConfig } from "../../model";
import { withMissing } from "./layout";
import { type Metabase, MetabaseError } from "./metabase";
import { type Question, questions } from "./questions";

/** The data source's name: by it, it is found again. */
export const DATABASE_NAME = "pi-lab store";
const ENGINE = "postgres";
const PAGE = 100;

const id = z.int().positive();
const databases = z
  .union([
    z.object({ data: z.array(z.unknown()) }).transform(({ data }) => data),
    z.array(z.unknown()),
  ])
  .pipe(z.array(z.object({ id, name: z.string(), engine: z.string() })));
const database = z.object({ id, details: z.record(z.string(), z.unknown()).nullish() });
const healthcheck = z.object({ status: z.string() });
const marked = z.object({ id, name: z.string(), description: z.string().nullish() });
/** Among the collections is the root, whose id is a word. */
const collections = z.array(z.object({ id: z.unknown(), description: z.string().nullish() }));
const items = z.object({ data: z.array(marked) });
const card = marked.extend({
  display: z.string(),
  dataset_query: z.unknown(),
  visualization_settings: z.record(z.string(), z.unknown()).nullish(),
});
const dashboard = marked.extend({
  tabs: z.array(z.looseObject({ id: z.int(), name: z.string() })).nullish(),
  dashcards: z.array(
    z.looseObject({
      id: z.int(),
      card_id: z.int().nullish(),
      row: z.int(),
      col: z.int(),
      size_x: z.int(),
      size_y: z.int(),
    }),
  ),
});
const made = z.object({ id });

/** What was made or changed in a round, in words. */
export type Change = string;

type Wanted = Pick<DashboardsConfig, "lab" | "store">;

/**
 * Makes Metabase show what the lab wants, and changes nothing that is so already. What is ours is found by a
 * mark in its description, inside a collection of ours; nothing else is touched.
 */
export class Convergence {
  private changes: Change[] = [];

  constructor(
    private readonly metabase: Metabase,
    private readonly wanted: Wanted,
  ) {}

  /** @throws MetabaseError, or a ZodError for an answer of another shape */
  async round(signal: AbortSignal): Promise<{ changes: readonly Change[]; dashboard: number }> {
    this.changes = [];
    const databaseId = await this.database(signal);
    const collectionId = await this.collection(signal);
    const cards = await this.items(collectionId, "card", signal);
    const shown = [];
    for (const question of questions) {
      const cardId = await this.card(question, cards, databaseId, collectionId, signal);
      shown.push({ cardId, place: question.place });
    }
    const dashboardId = await this.dashboard(collectionId, shown, signal);
    return { changes: this.changes, dashboard: dashboardId };
  }

  private async database(signal: AbortSignal): Promise<number> {
    const { address: host, port, database: dbname, username: user, password } = this.wanted.store;
    const details = { host, port, dbname, user, password };
    const all = databases.parse(
      await this.metabase.call("GET", "/api/database", undefined, signal),
    );
    const found = all.find(({ name, engine }) => name === DATABASE_NAME && engine === ENGINE);
    if (found === undefined) {
      const body = { name: DATABASE_NAME, engine: ENGINE, details, is_full_sync: true };
      return this.make("/api/database", body, `data source ${DATABASE_NAME}`, signal);
    }
    const path = `/api/database/${found.id}`;
    const known = database.parse(await this.metabase.call("GET", path, undefined, signal)).details;
    const isAsWanted = Object.entries(details).every(
      // It is never told; whether it is right shows when Metabase connects.
      ([key, value]) => key === "password" || known?.[key] === value,
    );
    if (isAsWanted && (await this.connects(path, signal))) return found.id;
    await this.metabase.call("PUT", path, { details: { ...known, ...details } }, signal);
    this.changes.push(`data source ${DATABASE_NAME}: its connection`);
    return found.id;
  }

  private async connects(path: string, signal: AbortSignal): Promise<boolean> {
    try {
      const answer = await this.metabase.call("GET", `${path}/healthcheck`, undefined, signal);
      return healthcheck.parse(answer).status === "ok";
    } catch (error) {
      // Early versions have no such check.
      if (error instanceof MetabaseError && error.status === 404) return true;
      throw error;
    }
  }

  private async collection(signal: AbortSignal): Promise<number> {
    const { lab } = this.wanted;
    const all = await this.metabase.call("GET", "/api/collection", undefined, signal);
    const found = collections.parse(all).find(({ description }) => has(description, "collection"));
    if (typeof found?.id === "number") return found.id;
    const description = described("What the lab shows of itself.", "collection");
    const body = { name: `Lab ${lab}`, description, parent_id: null };
    return this.make("/api/collection", body, `collection Lab ${lab}`, signal);
  }

  private async items(
    collection: number,
    model: "card" | "dashboard",
    signal: AbortSignal,
  ): Promise<z.infer<typeof marked>[]> {
    const found: z.infer<typeof marked>[] = [];
    for (let offset = 0; ; offset += PAGE) {
      const query = `models=${model}&archived=false&limit=${PAGE}&offset=${offset}`;
      const path = `/api/collection/${collection}/items?${query}`;
      const { data } = items.parse(await this.metabase.call("GET", path, undefined, signal));
      found.push(...data);
      if (data.length < PAGE) break;
    }
    // A copy that somebody made has the mark too; the first is ours.
    return found.sort((a, b) => a.id - b.id);
  }

  private async card(
    question: Question,
    cards: readonly z.infer<typeof marked>[],
    databaseId: number,
    collection: number,
    signal: AbortSignal,
  ): Promise<number> {
    const { mark, name, sql, display, settings } = question;
    const description = described(question.description, mark);
    const query = { type: "native", native: { query: sql }, database: databaseId };
    const found = cards.find((one) => has(one.description, mark));
    if (found === undefined) {
      const body = {
        ...{ name, type: "question", description, display, dataset_query: query },
        ...{ visualization_settings: settings, collection_id: collection },
      };
      return this.make("/api/card", body, `question ${name}`, signal);
    }
    const path = `/api/card/${found.id}`;
    // Without it newer versions tell a query in a form that changes from one to the next.
    const answer = await this.metabase.call("GET", `${path}?legacy-mbql=true`, undefined, signal);
    const known = card.parse(answer);
    const kept = known.visualization_settings ?? {};
    const differences = {
      ...(known.name !== name && { name }),
      ...(known.description !== description && { description }),
      ...(known.display !== display && { display }),
      ...(!isDeepStrictEqual(nativeQuery(known.dataset_query), { sql, databaseId }) && {
        dataset_query: query,
      }),
      ...(Object.entries(settings).some(([key, value]) => !isDeepStrictEqual(kept[key], value)) && {
        visualization_settings: { ...kept, ...settings },
      }),
    };
    await this.mend(path, differences, `question ${name}`, signal);
    return found.id;
  }

  private async dashboard(
    collection: number,
    shown: readonly { readonly cardId: number; readonly place: Question["place"] }[],
    signal: AbortSignal,
  ): Promise<number> {
    const name = `Lab ${this.wanted.lab}`;
    const description = described("Temperature and health of the lab, live.", "dashboard");
    const all = await this.items(collection, "dashboard", signal);
    const dashboardId =
      all.find((one) => has(one.description, "dashboard"))?.id ??
      (await this.make(
        "/api/dashboard",
        { name, description, collection_id: collection },
        `dashboard ${name}`,
        signal,
      ));
    const path = `/api/dashboard/${dashboardId}`;
    const known = dashboard.parse(await this.metabase.call("GET", path, undefined, signal));
    const tabs = known.tabs ?? [];
    const dashcards = withMissing(known.dashcards, shown, tabs[0]?.id);
    const differences = {
      ...(known.name !== name && { name }),
      ...(known.description !== description && { description }),
      ...(dashcards !== undefined && {
        dashcards,
        // Tabs that are not named are taken away.
        ...(tabs.length > 0 && { tabs: tabs.map((tab) => ({ id: tab.id, name: tab.name })) }),
      }),
    };
    await this.mend(path, differences, `dashboard ${name}`, signal);
    return dashboardId;
  }

  private async make(
    path: string,
    body: object,
    what: string,
    signal: AbortSignal,
  ): Promise<number> {
    const answer = made.parse(await this.metabase.call("POST", path, body, signal));
    this.changes.push(what);
    return answer.id;
  }

  private async mend(
    path: string,
    differences: object,
    what: string,
    signal: AbortSignal,
  ): Promise<void> {
    const keys = Object.keys(differences);
    if (keys.length === 0) return;
    await this.metabase.call("PUT", path, differences, signal);
    this.changes.push(`${what}: ${keys.join(", ")}`);
  }
}

const markOf = (mark: string): string => `[pi-lab:${mark}]`;
const described = (description: string, mark: string): string => `${description} ${markOf(mark)}`;
const has = (description: string | null | undefined, mark: string): boolean =>
  description?.includes(markOf(mark)) ?? false;

const legacyQuery = z.object({ database: z.int(), native: z.object({ query: z.string() }) });
const stagedQuery = z.object({
  database: z.int(),
  stages: z.tuple([z.object({ native: z.string() })]),
});

/** The SQL of a native query, in either of the forms that Metabase tells it in; undefined for any other. */
function nativeQuery(query: unknown): { sql: string; databaseId: number } | undefined {
  const legacy = legacyQuery.safeParse(query);
  if (legacy.success) {
    return { sql: legacy.data.native.query, databaseId: legacy.data.database };
  }
  const staged = stagedQuery.safeParse(query);
  if (!staged.success) return undefined;
  return { sql: staged.data.stages[0].native, databaseId: staged.data.database };
}
