import type { PropertyMap } from "../../../plugins/common/rpc";
import { Secret, UNKNOWN } from "../../../plugins/common/rpc";
import {
  checkFormerNames,
  renamingDiff,
  withoutFormerNames,
  withPresentNames,
} from "../../../provider/former-names";

const state: PropertyMap = { nodes: { "broker-1": 1, "broker-3": 3 }, service: "kafka" };
const inputs = (formerNames: PropertyMap, hosts = ["broker-1", "kafka-3"]): PropertyMap => ({
  nodes: Object.fromEntries(hosts.map((host) => [host, 0])),
  formerNames,
});
const renamed = inputs({ "kafka-3": ["node-c", "broker-3"] });

describe("the state's hosts", () => {
  test("are under the names that they have now, and nothing else of it changes", () => {
    expect(withPresentNames(state, "nodes", renamed)).toEqual({
      nodes: { "broker-1": 1, "kafka-3": 3 },
      service: "kafka",
    });
  });

  test("are as they are where the state has the new name, or names it for nobody", () => {
    const known = { nodes: { "kafka-3": 3 } };
    expect(withPresentNames(known, "nodes", renamed)).toBe(known);
    const stranger = { nodes: { "broker-2": 2 } };
    expect(withPresentNames(stranger, "nodes", renamed)).toBe(stranger);
    expect(withPresentNames(state, "nodes", inputs({}))).toBe(state);
    expect(withPresentNames({}, "nodes", renamed)).toEqual({});
  });

  test("are not taken from a host that is still there", () => {
    const news = inputs({ "kafka-3": ["broker-3"] }, ["broker-1", "broker-3", "kafka-3"]);
    expect(withPresentNames(state, "nodes", news)).toBe(state);
  });

  test("are as secret as they were, and may have a name that objects have too", () => {
    const nodes = new Secret({ "broker-3": new Secret("key") });
    const news = inputs({ constructor: ["broker-3"] }, ["constructor"]);
    const seen = withPresentNames({ nodes }, "nodes", news);
    expect(seen["nodes"]).toEqual(new Secret({ constructor: new Secret("key") }));
  });

  test("may be kept under another key than the inputs' hosts", () => {
    const news: PropertyMap = { hosts: { "kafka-3": 0 }, formerNames: { "kafka-3": ["broker-3"] } };
    expect(withPresentNames({ checked: { "broker-3": 3 } }, "checked", news, "hosts")).toEqual({
      checked: { "kafka-3": 3 },
    });
  });
});

test("a renaming shows once, where it is said", () => {
  expect(renamingDiff(state, "nodes", renamed)).toEqual({
    "formerNames.kafka-3": { kind: "add", inputDiff: true },
  });
  expect(renamingDiff(withPresentNames(state, "nodes", renamed), "nodes", renamed)).toEqual({});
  expect(withoutFormerNames(renamed)).toEqual({ nodes: renamed["nodes"] });
});

test.each([
  [{}, []],
  [{ formerNames: UNKNOWN }, []],
  [{ formerNames: { "kafka-3": ["broker-3"] } }, []],
  [
    { formerNames: "broker-3" },
    [{ property: "formerNames", reason: "must be a map of lists of names" }],
  ],
  [
    { formerNames: { "kafka-3": "broker-3" } },
    [{ property: "formerNames.kafka-3", reason: "must be a list of names" }],
  ],
])("%j is checked", (news, failures) => {
  expect(checkFormerNames(news as PropertyMap)).toEqual(failures);
});
