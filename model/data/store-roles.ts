import type { Lab } from "../types";

/** Who owns the database and writes to it: the sink. */
export const STORE_OWNER = "sink";
/** Who reads for the dashboards. */
export const DASHBOARDS_ROLE = "dashboards";
/** Who owns the database of that name, in which Metabase keeps what it is told. */
export const METABASE_ROLE = "metabase";
/** What all who read are members of; nobody logs in as it. */
export const READERS_GROUP = "readers";

/** Roles that are made without being named, or are PostgreSQL's own. */
export const RESERVED_ROLES: readonly string[] = [
  STORE_OWNER,
  DASHBOARDS_ROLE,
  METABASE_ROLE,
  READERS_GROUP,
  "postgres",
  "public",
  "none",
];

/** Roles that log in to the store to read; none where there is no store. */
export function storeReaders({ data }: Pick<Lab, "data">): readonly string[] {
  return data.store === undefined ? [] : [DASHBOARDS_ROLE, ...data.store.readers];
}

/** Everybody who logs in to the store. Each has a password of its own. */
export function storeRoles(lab: Pick<Lab, "data">): readonly string[] {
  const { store, dashboards } = lab.data;
  if (store === undefined) return [];
  return [STORE_OWNER, ...storeReaders(lab), ...(dashboards === undefined ? [] : [METABASE_ROLE])];
}
