/** Whom a quota holds for, as inputs and as an id. */
import { isIP } from "node:net";

import { didYouMean } from "../../model/nearest";
import type { PropertyMap, PropertyValue } from "../../plugins/common/rpc";
import { isMap, Unknown } from "../../plugins/common/rpc";
import type { QuotaEntity } from "../admin/security-port";

/** In place of a name: all that have no quota of their own. Kafka's own tools take no such name. */
export const DEFAULT_NAME = "<default>";

/** By property, in the order in which an id has them. */
const PARTS = { user: "user", clientId: "client-id", ip: "ip" } as const;
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as Part[];

/** Each fault with the field that it is in; an empty field is the entity as a whole. */
export function entityFaults(value: PropertyValue): (readonly [field: string, reason: string])[] {
  if (!isMap(value)) return [["", "is no map; write {user}, {clientId}, both, or {ip}"]];
  const faults: (readonly [string, string])[] = [];
  const given = Object.entries(value).filter(([, one]) => one !== undefined && one !== null);
  for (const [key, one] of given) {
    if (!NAMES.some((name) => name === key)) {
      faults.push([
        key,
        `is nothing that has quotas. ${didYouMean(key, NAMES, `It is ${NAMES.join(", ")}.`)}`,
      ]);
    } else if (!(one instanceof Unknown)) {
      const fault = nameFault(key as Part, one as PropertyValue);
      if (fault !== undefined) faults.push([key, fault]);
    }
  }
  if (given.length === 0) faults.push(["", "is empty; write {user}, {clientId}, both, or {ip}"]);
  if (given.length > 1 && given.some(([key]) => key === "ip")) {
    faults.push([
      "ip",
      "stands beside others: Kafka counts connections by address alone; make a quota of its own",
    ]);
  }
  return faults;
}

function nameFault(part: Part, name: PropertyValue): string | undefined {
  if (typeof name !== "string") return `is no text; write a name, or ${DEFAULT_NAME}`;
  if (name === "") return `is empty; write ${DEFAULT_NAME} for all that have no quota of their own`;
  if (part === "ip" && name !== DEFAULT_NAME && isIP(name) === 0) {
    return `"${name}" is no address; write one, or ${DEFAULT_NAME}`;
  }
  if (part === "user" && name.startsWith("User:")) {
    return `"${name}" is a principal; write the name alone, ${name.slice("User:".length)}`;
  }
  return undefined;
}

/** From a map without faults in which everything is known. */
export function entityOf(map: PropertyMap): QuotaEntity {
  const parts = NAMES.flatMap((part) => {
    const name = map[part];
    return typeof name === "string" ? [[part, name === DEFAULT_NAME ? null : name] as const] : [];
  });
  return Object.fromEntries(parts);
}

export function entityMap(entity: QuotaEntity): PropertyMap {
  const parts = NAMES.flatMap((part) => {
    const name = entity[part];
    return name === undefined ? [] : [[part, name ?? DEFAULT_NAME] as const];
  });
  return Object.fromEntries(parts);
}

/** `user=alice,client-id=x`; `%`, `=` and `,` in names as in addresses of pages. */
export function quotaId(entity: QuotaEntity): string {
  return NAMES.flatMap((part) => {
    const name = entity[part];
    return name === undefined
      ? []
      : [`${PARTS[part]}=${name === null ? DEFAULT_NAME : escaped(name)}`];
  }).join();
}

const escaped = (name: string): string =>
  name === DEFAULT_NAME
    ? encodeURIComponent(name)
    : name.replace(/[%=,]/g, (char) => encodeURIComponent(char));

/** The entity that an id names; throws for an id that is none. */
export function parseQuotaId(id: string): QuotaEntity {
  const wrong = new Error(
    `"${id}" is no id of a quota; write user=NAME, client-id=NAME, user=NAME,client-id=NAME or ` +
      `ip=ADDRESS, with ${DEFAULT_NAME} for the default, and % = , in names as %25 %3D %2C`,
  );
  const entity: Record<string, string | null> = {};
  for (const piece of id.split(",")) {
    const [, key, name] = /^([a-z-]+)=([^=]+)$/.exec(piece) ?? [];
    const part = NAMES.find((one) => PARTS[one] === key);
    if (part === undefined || name === undefined || part in entity) throw wrong;
    try {
      entity[part] = name === DEFAULT_NAME ? null : decodeURIComponent(name);
    } catch {
      throw wrong;
    }
  }
  if (entityFaults(entityMap(entity)).length > 0) throw wrong;
  return entity;
}
