import type { Place } from "./questions";

/** A card on a dashboard, as Metabase answers; what else it has is kept as it is. */
export interface DashCard extends Place {
  readonly id: number;
  readonly card_id?: number | null | undefined;
}

const KEPT = [
  "id",
  "card_id",
  "row",
  "col",
  "size_x",
  "size_y",
  "action_id",
  "dashboard_tab_id",
  "parameter_mappings",
  "visualization_settings",
  "inline_parameters",
] as const;

/**
 * All cards of a dashboard once those that are missing are on it, for its PUT, which takes away what it does
 * not name; undefined where none is missing. Those that are there stay where they are. A place that is taken
 * makes way to below everything.
 *
 * @param tab the id of the tab that new ones go to; undefined where there are no tabs
 */
export function withMissing(
  present: readonly DashCard[],
  wanted: readonly { readonly cardId: number; readonly place: Place }[],
  tab: number | undefined,
): object[] | undefined {
  const shown = new Set(present.map(({ card_id }) => card_id));
  const missing = wanted.filter(({ cardId }) => !shown.has(cardId));
  if (missing.length === 0) return undefined;
  const taken: Place[] = [...present];
  const added = missing.map(({ cardId, place }, i) => {
    const free = taken.some((other) => overlap(other, place))
      ? { ...place, row: Math.max(...taken.map(({ row, size_y }) => row + size_y)), col: 0 }
      : place;
    taken.push(free);
    return {
      // Negative: a new one.
      ...{ id: -1 - i, card_id: cardId, ...free },
      ...{ parameter_mappings: [], visualization_settings: {} },
      ...(tab !== undefined && { dashboard_tab_id: tab }),
    };
  });
  return [...present.map(kept), ...added];
}

function kept(card: DashCard): object {
  const all = card as unknown as Readonly<Record<string, unknown>>;
  const series = all["series"];
  return {
    ...Object.fromEntries(KEPT.flatMap((key) => (key in all ? [[key, all[key]]] : []))),
    ...(Array.isArray(series) && {
      series: (series as { id: number }[]).map(({ id }) => ({ id })),
    }),
  };
}

function overlap(a: Place, b: Place): boolean {
  return (
    a.row < b.row + b.size_y &&
    b.row < a.row + a.size_y &&
    a.col < b.col + b.size_x &&
    b.col < a.col + a.size_x
  );
}
