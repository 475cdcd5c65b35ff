import type { Lab } from "../types";

/** Who owns the database and writes to it: the sink. */
export const STORE_OWNER = "sink";
/** Who reads for the dashboards. */
export const DASHBOARDS_ROLE = "dashboards";
/** What all who read are members of; nobody logs in as it. */
export const READERS_GROUP = "readers";

/** Roles that are made without being named, or are PostgreSQL's own. */
export const RESERVED_ROLES: readonly string[] = [
  STORE_OWNER,
  DASHBOARDS_ROLE,
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
  return lab.data.store === undefined ? [] : [STORE_OWNER, ...storeReaders(lab)];
}
