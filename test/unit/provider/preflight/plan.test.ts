import fc from "fast-check";

import type { PropertyMap } from "../../../../plugins/common/rpc";
import { UNKNOWN } from "../../../../plugins/common/rpc";
import {
  checkedMachine,
  checkPreflight,
  planPreflight,
  formerLooks,
} from "../../../../provider/preflight/plan";

const machine = (identity: string[], role = "client", board = "pi-4b-8gb"): PropertyMap => ({
  connection: { host: "10.0.42.4" },
  identity,
  role,
  board,
});

const due = (hosts: PropertyMap, checked: PropertyMap): string[] => [
  ...planPreflight(hosts, checked).keys(),
];

const name = fc.constantFrom("a", "b", "c", "d", "e");
const hostsArb = fc.dictionary(
  name,
  fc
    .tuple(
      fc.array(fc.constantFrom("k1", "k2", "k3"), { minLength: 1, maxLength: 2 }),
      fc.constantFrom("broker", "client"),
    )
    .map(([identity, role]) => machine(identity, role)),
);

test("after a look at all that is due nothing is, and hosts that are gone are forgotten", () => {
  fc.assert(
    fc.property(hostsArb, hostsArb, (before, after) => {
      const look = (hosts: PropertyMap, checked: PropertyMap): PropertyMap => ({
        ...formerLooks(hosts, checked),
        ...Object.fromEntries(
          due(hosts, checked).map((host) => [host, checkedMachine(hosts[host], [])]),
        ),
      });
      const first = look(before, {});
      const second = look(after, first);
      expect(due(after, second)).toEqual([]);
      expect(Object.keys(second).sort()).toEqual(Object.keys(after).sort());
      // Only what is another machine, or is for another role, was looked at again.
      const same = Object.keys(after).filter(
        (host) => JSON.stringify(after[host]) === JSON.stringify(before[host]),
      );
      expect(due(after, first).filter((host) => same.includes(host))).toEqual([]);
      expect(due(after, first)).toHaveLength(Object.keys(after).length - same.length);
    }),
  );
});

test("what differs is named; an identity that is not known yet is a new one", () => {
  const checked = { a: checkedMachine(machine(["k1", "c1"]), ["a warning"]) };
  const paths = (hosts: PropertyMap): string[] =>
    [...planPreflight(hosts, checked).values()].flatMap((diff) => Object.keys(diff));
  expect(paths({ a: machine(["k1", "c1"]) })).toEqual([]);
  expect(paths({ a: machine(["k1", "c2"], "broker", "pi-5-8gb"), b: machine(["k2"]) })).toEqual([
    "hosts.a.identity",
    "hosts.a.role",
    "hosts.a.board",
    "hosts.b",
  ]);
  expect(paths({ a: { ...machine([]), identity: ["k1", UNKNOWN] } })).toEqual(["hosts.a.identity"]);
});

test("inputs without hosts are refused", () => {
  expect(checkPreflight({ hosts: { a: machine(["k"]) } })).toEqual([]);
  expect(checkPreflight({ hosts: UNKNOWN })).toEqual([]);
  expect(checkPreflight({ hosts: {} }).map(({ property }) => property)).toEqual(["hosts"]);
  expect(checkPreflight({ hosts: { "a.b": 1 } }).map(({ property }) => property)).toEqual([
    'hosts["a.b"]',
  ]);
});
