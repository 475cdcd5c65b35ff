import fc from "fast-check";

import type { PropertyMap } from "../../../../plugins/common/rpc";
import { UNKNOWN } from "../../../../plugins/common/rpc";
import type { QuotaEntity } from "../../../../provider/admin/security-port";
import { entityMap, entityOf, parseQuotaId, quotaId } from "../../../../provider/quota/entity";
import type { Limits } from "../../../../provider/quota/plan";
import {
  changedSince,
  checkQuota,
  diffQuota,
  isEmptyChange,
  observeQuota,
  planQuota,
  quotaState,
} from "../../../../provider/quota/plan";

const faults = (entity: PropertyMap[string], limits: PropertyMap[string]): string[] =>
  checkQuota({ entity, limits }).map(({ property, reason }) => `${property}: ${reason}`);

const BYTES = { producer_byte_rate: 1 };

test.each<[PropertyMap[string], PropertyMap[string], RegExp[]]>([
  [undefined, undefined, [/^entity: is no map/, /^limits: has no limit; write at least one of/]],
  [{}, BYTES, [/^entity: is empty/]],
  [{ user: "" }, BYTES, [/^entity\.user: is empty; write <default>/]],
  [{ user: "User:a" }, BYTES, [/^entity\.user: .*write the name alone, a$/]],
  [{ clientid: "a" }, BYTES, [/^entity\.clientid: .*Did you mean clientId\?/]],
  [{ ip: "here" }, { connection_creation_rate: 1 }, [/^entity\.ip: "here" is no address/]],
  [{ ip: "::1", user: "a" }, BYTES, [/^entity\.ip: stands beside others/]],
  [
    { user: "a" },
    { connection_creation_rate: 1 },
    [/connection_creation_rate: .*only an entity \{ip\}/],
  ],
  [{ ip: "::1" }, BYTES, [/producer_byte_rate: is counted by user and client; an entity/]],
  [{ user: "a" }, { producer_byterate: 1 }, [/Did you mean producer_byte_rate\?/]],
  [{ user: "a" }, { producer_byte_rate: 0 }, [/0 is no whole number above 0/]],
  [{ user: "a" }, { consumer_byte_rate: 1.5 }, [/1.5 is no whole number/]],
  [{ user: "a" }, { request_percentage: -1 }, [/-1 is no number above 0$/]],
  [{ user: "a" }, { producer_byte_rate: "1" }, [/"1" is no whole number/]],
  [{ ip: "::1" }, { connection_creation_rate: 2 ** 31 }, [/at most 2147483647/]],
  [{ user: "a", clientId: "<default>" }, { request_percentage: 12.5 }, []],
  [{ ip: "<default>" }, { connection_creation_rate: 1 }, []],
  [{ user: "a", clientId: "b", ip: null }, BYTES, []],
  [UNKNOWN, BYTES, []],
  [{ user: UNKNOWN }, { controller_mutation_rate: UNKNOWN }, []],
  [{ user: "a" }, UNKNOWN, []],
])("of %j with %j is told at its property", (entity, limits, expected) => {
  const told = faults(entity, limits);
  expect(told).toHaveLength(expected.length);
  expected.forEach((pattern, index) => expect(told[index]).toMatch(pattern));
});

const name = fc.oneof(
  fc.constant(null),
  fc.string({ minLength: 1 }).filter((text) => text !== "<default>" && !text.startsWith("User:")),
);
const entity: fc.Arbitrary<QuotaEntity> = fc.oneof(
  fc.record({ user: name, clientId: name }),
  fc.record({ user: name }),
  fc.record({ clientId: name }),
  fc.record({ ip: fc.oneof(fc.constant(null), fc.ipV4(), fc.ipV6()) }),
);

test("an id names its entity, and so do the inputs", () => {
  fc.assert(
    fc.property(entity, (one) => {
      expect(parseQuotaId(quotaId(one))).toEqual(one);
      expect(entityOf(entityMap(one))).toEqual(one);
    }),
  );
});

test.each([
  "",
  "alice",
  "user=",
  "user=a,user=b",
  "user=a=b",
  "group=a",
  "ip=x",
  "ip=::1,user=a",
  "user=%",
])("%j is no id", (id) =>
  expect(() => parseQuotaId(id)).toThrow(/is no id of a quota; write user=NAME/),
);

const limits = fc.dictionary(
  fc.constantFrom("producer_byte_rate", "consumer_byte_rate", "request_percentage"),
  fc.constantFrom(1, 2),
) as fc.Arbitrary<Limits>;

test("the plan makes the owned limits as wanted, leaves the others alone, and has then nothing left to do", () => {
  fc.assert(
    fc.property(limits, limits, limits, (known, want, live) => {
      const owned = Object.keys(known);
      const change = planQuota(owned, want, live);
      const after: Record<string, number> = { ...live, ...change.set };
      for (const key of change.remove) delete after[key];
      expect(observeQuota(Object.keys(want), after)).toEqual(want);
      for (const key of Object.keys(live)) {
        if (!owned.includes(key) && !(key in want)) expect(after[key]).toBe(live[key]);
      }
      expect(isEmptyChange(planQuota(Object.keys(want), want, after))).toBe(true);
      // What a refresh saw is what the diff says is written.
      const seen = quotaState({ entity: { user: "a" }, limits: observeQuota(owned, live) });
      const said = Object.keys(
        diffQuota(seen, quotaState({ entity: { user: "a" }, limits: want })),
      );
      for (const key of change.remove) expect(said).toContain(`limits.${key}`);
      for (const key of Object.keys(change.set)) expect(said).toContain(`limits.${key}`);
    }),
  );
});

test("a limit that someone changed is told apart from one that is gone", () => {
  expect(changedSince({ a: 1, b: 1, c: 1 }, { a: 1, b: 2 })).toEqual(["b"]);
});
