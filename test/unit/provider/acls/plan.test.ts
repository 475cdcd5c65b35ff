import fc from "fast-check";

import type { AclRule } from "../../../../model/types";
import type { PropertyMap } from "../../../../plugins/common/rpc";
import { UNKNOWN } from "../../../../plugins/common/rpc";
import {
  adoptionRefusal,
  aclsState,
  checkAcls,
  diffAcls,
  planAcls,
} from "../../../../provider/acls/plan";
import { asSet, grants, words, without } from "../../../../provider/acls/rules";

const rule = (changes: Partial<AclRule> = {}): AclRule => ({
  resource: "topic",
  name: "red",
  pattern: "literal",
  operation: "read",
  permission: "allow",
  host: "*",
  ...changes,
});

const arbitraryRule: fc.Arbitrary<AclRule> = fc.record({
  resource: fc.constantFrom("topic", "group"),
  name: fc.constantFrom("red", "r", "beginning with r", "s beginning with red"),
  pattern: fc.constantFrom("literal", "prefixed"),
  operation: fc.constantFrom("read", "describe"),
  permission: fc.constantFrom("allow", "deny"),
  host: fc.constantFrom("*", "10.0.0.1"),
});
const arbitraryRules = fc.array(arbitraryRule, { maxLength: 6 });

const faults = (changes: PropertyMap): string[] => {
  const one = { resource: "topic", name: "red", operation: "read", ...changes };
  const { failures } = checkAcls({ principal: "User:alice", rules: [one] });
  return failures.map(({ property, reason }) => `${property}: ${reason}`);
};

test.each<[PropertyMap, RegExp]>([
  [{ resource: "topics" }, /^rules\[0\]\.resource: "topics" is none of.*Did you mean topic\?/],
  [{ operation: "READ" }, /^rules\[0\]\.operation: .*Did you mean read\?/],
  [{ operation: "DESCRIBE_CONFIGS" }, /Did you mean describeConfigs\?/],
  [{ operation: "clusterAction" }, /nothing that can be done with a topic: it is read, write/],
  [{ resource: "group", operation: "write" }, /nothing that can be done with a group/],
  [{ resource: "cluster", operation: "alter" }, /name: "red" is no cluster's name.*leave it out/],
  [{ pattern: "prefix" }, /pattern: .*Did you mean prefixed\?/],
  [{ pattern: "prefixed", name: "*" }, /pattern: is "prefixed", but the name \*/],
  [{ permission: "denny" }, /permission: .*Did you mean deny\?/],
  [{ host: "client-1" }, /host: "client-1" is no address/],
  [{ host: "10.0.0.0/8" }, /host: .*ranges/],
  [{ host: "::1" }, /host: "::1" is never met: .* writes this one 0:0:0:0:0:0:0:1$/],
  [{ host: "::ffff:10.0.0.1" }, /writes this one 10\.0\.0\.1$/],
  [{ host: "FE80::00ab:1" }, /writes this one fe80:0:0:0:0:0:ab:1$/],
  [{ host: "64:ff9b::10.0.0.1" }, /writes this one 64:ff9b:0:0:0:0:a00:1$/],
  [{ resource: "user", operation: "createTokens" }, /name: "red" is no principal.*User:red$/],
  [{ name: "" }, /name: is empty; write \*/],
  [{ name: 7 }, /name: is no text: 7/],
  [{ nmae: "x" }, /nmae: is nothing that a rule has. Did you mean name\?/],
  [{ operation: undefined }, /operation: is missing/],
])("a rule that cannot be is told at its field: %j", (changes, expected) => {
  const told = faults(changes);
  expect(told).toHaveLength(1);
  expect(told[0]).toMatch(expected);
});

test.each<[PropertyMap]>([
  [{ host: "0:0:0:0:0:0:0:1" }],
  [{ host: "10.0.0.1" }],
  [{ resource: UNKNOWN, name: undefined, operation: "create" }],
  [{ resource: "user", name: "User:alice", operation: "createTokens" }],
  [{ resource: "user", name: "*", operation: "createTokens" }],
  [{ resource: "user", name: "Us", pattern: "prefixed", operation: "describeTokens" }],
])("a rule that can be passes: %j", (changes) => {
  expect(faults(changes)).toEqual([]);
});

test.each<[PropertyMap[string], RegExp | undefined]>([
  ["User:alice", undefined],
  ["User:*", undefined],
  ["alice", /is no principal; write its type and its name/],
  ["User: alice", /is no principal/],
  ["user:alice", /Did you mean User\?/],
  [undefined, /is missing/],
  [UNKNOWN, undefined],
])("a principal %j", (principal, expected) => {
  const { failures } = checkAcls({ principal, rules: [] });
  if (expected === undefined) expect(failures).toEqual([]);
  else
    expect(failures).toEqual([
      { property: "principal", reason: expect.stringMatching(expected) as string },
    ]);
});

test("the check fills defaults in; what is not known yet leaves the rules as they stand", () => {
  const rules = [{ resource: "cluster", operation: "create" }];
  expect(checkAcls({ principal: "User:a", rules }).inputs).toEqual({
    principal: "User:a",
    rules: [rule({ resource: "cluster", name: "kafka-cluster", operation: "create" })],
    grants: { "create on cluster kafka-cluster": "allow" },
  });
  const { inputs, failures } = checkAcls({
    principal: "User:a",
    rules: [{ resource: "topic", name: UNKNOWN, operation: "read" }],
  });
  expect(failures).toEqual([]);
  expect(inputs["grants"]).toBe(UNKNOWN);
  const olds = aclsState({ principal: "User:a", rules: [rule()] });
  expect(diffAcls(olds, inputs)).toEqual({ grants: { kind: "update", inputDiff: false } });
});

test("no two rules have the same words, and both of a permission are told", () => {
  fc.assert(
    fc.property(arbitraryRule, arbitraryRule, (a, b) => {
      const same = without([{ ...a, permission: "allow" }], [{ ...b, permission: "allow" }]);
      expect(words(a) === words(b)).toBe(same.length === 0);
      if (words(a) !== words(b)) return;
      const fields = ["resource", "name", "pattern", "operation", "host"] as const;
      for (const field of fields) expect(a[field]).toBe(b[field]);
    }),
  );
  expect(grants([rule(), rule({ permission: "deny" })])).toEqual({
    "read on topic red": "allow and deny",
  });
});

test("order and repetition are no difference", () => {
  fc.assert(
    fc.property(arbitraryRules, fc.infiniteStream(fc.nat()), (rules, order) => {
      const shuffled = [...rules, ...rules]
        .map((one) => [order.next().value as number, one] as const)
        .sort(([a], [b]) => a - b)
        .map(([, one]) => one);
      const state = (all: AclRule[]) => aclsState({ principal: "User:a", rules: all });
      expect(diffAcls(state(rules), state(shuffled))).toEqual({});
    }),
  );
});

test("the plan makes the rules as wanted, takes nothing away that stays, and has then nothing left to do", () => {
  fc.assert(
    fc.property(arbitraryRules, arbitraryRules, arbitraryRules, (known, want, live) => {
      const change = planAcls(known, want, live);
      const between = asSet([...live, ...change.create]);
      // What is wanted is there before anything goes.
      expect(without(want, between)).toEqual([]);
      const after = without(between, change.remove);
      expect(asSet(after)).toEqual(asSet([...want, ...change.strangers]));
      expect(without(change.remove, known)).toEqual([]);
      const again = planAcls(want, want, after);
      expect(again).toEqual({ create: [], remove: [], strangers: change.strangers });
      // A refresh shows the strangers, and the next up takes them away.
      const last = planAcls(after, want, after);
      expect(asSet(without(after, last.remove))).toEqual(asSet(want));
      expect(last.create).toEqual([]);
    }),
  );
});

test("a run that was cut off anywhere is made whole by the same plan from the same state", () => {
  fc.assert(
    fc.property(arbitraryRules, arbitraryRules, fc.nat(), (known, want, steps) => {
      const first = planAcls(known, want, known);
      const created = [...known, ...first.create.slice(0, steps)];
      const gone = first.remove.slice(0, Math.max(0, steps - first.create.length));
      const halfway = without(created, gone);
      const rest = planAcls(known, want, halfway);
      expect(rest.strangers).toEqual([]);
      const after = without([...halfway, ...rest.create], rest.remove);
      expect(asSet(after)).toEqual(asSet(want));
    }),
  );
});

test("a principal with other rules is not taken over, one with fewer is", () => {
  const spec = { principal: "User:a", rules: [rule(), rule({ operation: "write" })] };
  expect(adoptionRefusal(spec, [rule()])).toBeUndefined();
  expect(adoptionRefusal(spec, [rule({ host: "10.0.0.1" })])).toMatch(
    /User:a: it has others.*\n {2}allow read from 10\.0\.0\.1 on topic red\n/,
  );
});
