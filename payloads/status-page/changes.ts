import type { Items } from "./items";

/** Items as they are sent: the JSON of each, by its key. */
export type Packed = ReadonlyMap<string, string>;

export function pack(items: Items): Packed {
  return new Map([...items].map(([key, item]) => [key, JSON.stringify(item)]));
}

/** What differs, as the text of a JSON object: new and changed items by key, null for what is gone. Undefined where nothing does. */
export function changesBetween(before: Packed, after: Packed): string | undefined {
  const parts: string[] = [];
  for (const [key, json] of after) {
    if (before.get(key) !== json) parts.push(`${JSON.stringify(key)}:${json}`);
  }
  for (const key of before.keys()) {
    if (!after.has(key)) parts.push(`${JSON.stringify(key)}:null`);
  }
  return parts.length === 0 ? undefined : `{${parts.join(",")}}`;
}

/** All of them, as the text of a JSON object. */
export const allOf = (items: Packed): string => changesBetween(new Map(), items) ?? "{}";
