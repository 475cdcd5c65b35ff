import { createHmac } from "node:crypto";

import fc from "fast-check";

import { SCRAM_MECHANISMS } from "../../../../model/kafka/security";
import type { ScramMechanism } from "../../../../model/types";
import { Secret, UNKNOWN } from "../../../../plugins/common/rpc";
import type { PropertyMap } from "../../../../plugins/common/rpc";
import type { Credentials, UserSpec } from "../../../../provider/user/plan";
import {
  changedSince,
  checkUser,
  diffUser,
  observeUser,
  planUser,
  userSpec,
  userState,
} from "../../../../provider/user/plan";
import { salted } from "../../../../provider/user/salt";

const SHA_512 = "SCRAM-SHA-512";
const SHA_256 = "SCRAM-SHA-256";

const faults = (news: PropertyMap, olds: PropertyMap = {}): string[] =>
  checkUser(olds, news).failures.map(({ property, reason }) => `${property}: ${reason}`);

const withCredential = (credential: PropertyMap, mechanism: string = SHA_512): PropertyMap => ({
  name: "alice",
  credentials: { [mechanism]: credential },
});

test("the check fills the iterations in, and makes every password a secret", () => {
  const { inputs, failures } = checkUser({}, withCredential({ password: "pw" }));
  expect(failures).toEqual([]);
  expect(inputs).toEqual({
    name: "alice",
    credentials: { [SHA_512]: { iterations: 8192, password: new Secret("pw") } },
  });
  const whole = { name: "alice", credentials: new Secret({ [SHA_512]: { password: "pw" } }) };
  expect(checkUser({}, whole).inputs).toEqual(inputs);
});

test.each<[PropertyMap, RegExp[]]>([
  [{}, [/^name: is missing/, /^credentials: is no map/]],
  [{ name: "", credentials: {} }, [/^name: is empty/, /^credentials: is empty/]],
  [{ name: "User:bob", credentials: UNKNOWN }, [/^name: .*write the name alone, bob/]],
  [{ name: "a\nb", credentials: UNKNOWN }, [/^name: .*control character/]],
  [withCredential({}), [/^credentials\.SCRAM-SHA-512\.password: is missing/]],
  [withCredential({ password: "" }), [/password: is empty/]],
  [withCredential({ password: 7 }), [/password: is no text$/]],
  [withCredential({ password: "x", iterations: 4095 }), [/iterations: 4095 is no whole number/]],
  [withCredential({ password: "x", iterations: 16385 }), [/from 4096 to 16384/]],
  [withCredential({ pasword: "x" }), [/pasword: .*Did you mean password/, /password: is missing/]],
  [
    withCredential({ password: "x" }, "SCRAM-SHA-215"),
    [/SCRAM-SHA-215: .*Did you mean SCRAM-SHA-512/],
  ],
  [withCredential({ password: "x" }, "PLAIN"), [/PLAIN: is no mechanism.*Write SCRAM-SHA-512/]],
])("what cannot be is told at its property: %j", (news, expected) => {
  const told = faults(news);
  expect(told).toHaveLength(expected.length);
  expected.forEach((pattern, index) => expect(told[index]).toMatch(pattern));
});

test("no fault tells a password, wherever it stands", () => {
  const secret = "xyzzy";
  const wrong: PropertyMap[] = [
    { name: "alice", credentials: secret },
    { name: "alice", credentials: { [SHA_512]: secret } },
    withCredential({ password: [secret] }),
    withCredential({ password: secret, iterations: 1 }),
  ];
  for (const news of wrong) {
    const { inputs, failures } = checkUser({}, news);
    expect(failures.length).toBeGreaterThan(0);
    expect(JSON.stringify([inputs, failures])).not.toContain(secret);
  }
});

test("what is not known yet is no fault, and shows as a change", () => {
  const news = withCredential({ password: UNKNOWN });
  expect(faults(news)).toEqual([]);
  const olds = userState({
    name: "alice",
    credentials: { [SHA_512]: { password: "old", iterations: 8192 } },
  });
  expect(diffUser(olds, checkUser({}, news).inputs)).toEqual({
    "credentials.SCRAM-SHA-512.password": { kind: "update", inputDiff: false },
  });
  expect(diffUser(olds, { name: "alice", credentials: UNKNOWN })).toEqual({
    credentials: { kind: "update" },
  });
});

test("an imported password is nobody's to know: it may stay as it is, and no longer", () => {
  const imported = userState({
    name: "alice",
    credentials: { [SHA_512]: { password: "", iterations: 5000 } },
  });
  expect(faults(imported, imported)).toEqual([]);
  expect(faults(withCredential({ password: "", iterations: 6000 }), imported)).toHaveLength(1);
  expect(faults(imported)).toHaveLength(1);
});

const credential = fc.record({
  password: fc.constantFrom("a", "b"),
  iterations: fc.constantFrom(4096, 8192),
});
const credentials = fc.dictionary(fc.constantFrom(...SCRAM_MECHANISMS), credential, {
  maxKeys: 2,
}) as fc.Arbitrary<Credentials>;

type Cluster = Map<ScramMechanism, { password: string; iterations: number }>;
const clusterOf = (all: Credentials): Cluster =>
  new Map(Object.entries(all) as [ScramMechanism, { password: string; iterations: number }][]);
const iterationsOf = (cluster: Cluster): Map<ScramMechanism, number> =>
  new Map([...cluster].map(([mechanism, one]) => [mechanism, one.iterations]));

/** What a refresh finds out, where it can try the passwords. */
function refreshed(known: UserSpec, cluster: Cluster): UserSpec {
  const refused = SCRAM_MECHANISMS.filter((mechanism) => {
    const password = known.credentials[mechanism]?.password ?? "";
    return password !== "" && cluster.get(mechanism)?.password !== password;
  });
  return observeUser(known, iterationsOf(cluster), new Set(refused));
}

test("after a refresh the plan makes the user as wanted, keeps a way in, and has nothing left to do", () => {
  fc.assert(
    fc.property(credentials, credentials, credentials, (known, live, want) => {
      fc.pre(Object.keys(want).length > 0);
      const cluster = clusterOf(live);
      const olds = refreshed({ name: "u", credentials: known }, cluster).credentials;
      const change = planUser(olds, want, iterationsOf(cluster));
      expect(change.strangers).toEqual([]);
      for (const mechanism of change.set) {
        cluster.set(mechanism, want[mechanism]!);
        expect(cluster.size).toBeGreaterThan(0);
      }
      for (const mechanism of change.remove) {
        cluster.delete(mechanism);
        expect(cluster.size).toBeGreaterThan(0);
      }
      expect(cluster).toEqual(clusterOf(want));
      const again = planUser(want, want, iterationsOf(cluster));
      expect(again).toEqual({ set: [], remove: [], strangers: [] });
      // And what was done is what the preview said.
      const paths = Object.keys(
        diffUser(
          userState({ name: "u", credentials: olds }),
          userState({ name: "u", credentials: want }),
        ),
      );
      for (const mechanism of SCRAM_MECHANISMS) {
        const said = paths.some((path) => path.startsWith(`credentials.${mechanism}`));
        expect(said).toBe(change.set.includes(mechanism) || change.remove.includes(mechanism));
      }
    }),
  );
});

test("a run that was cut off anywhere is made whole by the same plan from the same state", () => {
  fc.assert(
    fc.property(credentials, credentials, fc.nat({ max: 4 }), (known, want, steps) => {
      const cluster = clusterOf(known);
      const first = planUser(known, want, iterationsOf(cluster));
      const all: (() => unknown)[] = [
        ...first.set.map((mechanism) => () => cluster.set(mechanism, want[mechanism]!)),
        ...first.remove.map((mechanism) => () => cluster.delete(mechanism)),
      ];
      for (const step of all.slice(0, steps)) step();
      const rest = planUser(known, want, iterationsOf(cluster));
      for (const mechanism of rest.set) cluster.set(mechanism, want[mechanism]!);
      for (const mechanism of rest.remove) cluster.delete(mechanism);
      expect(cluster).toEqual(clusterOf(want));
    }),
  );
});

test("what the stack has never seen is never removed", () => {
  fc.assert(
    fc.property(credentials, credentials, credentials, (known, live, want) => {
      const change = planUser(known, want, iterationsOf(clusterOf(live)));
      for (const mechanism of change.remove) expect(known).toHaveProperty([mechanism]);
      for (const mechanism of change.strangers) expect(known).not.toHaveProperty([mechanism]);
    }),
  );
});

test("a credential with other iterations was set by someone else; one that is gone needs no removal", () => {
  const known: Credentials = {
    [SHA_512]: { password: "a", iterations: 8192 },
    [SHA_256]: { password: "a", iterations: 8192 },
  };
  expect(changedSince(known, new Map([[SHA_512, 4096]]))).toEqual([SHA_512]);
  expect(changedSince(known, new Map([[SHA_512, 8192]]))).toEqual([]);
});

test("the state is read back as it was written", () => {
  fc.assert(
    fc.property(credentials, (all) => {
      const spec = { name: "u", credentials: all };
      expect(userSpec(userState(spec))).toEqual(spec);
    }),
  );
});

test.each([
  [SHA_256, "sha256", 32],
  [SHA_512, "sha512", 64],
] as const)(
  "a password is salted by %s as RFC 5802 has it, with another salt each time",
  async (mechanism, hash, bytes) => {
    const given = { password: "p\u00e4ss", iterations: 4096 };
    const { salt, saltedPassword } = await salted(mechanism, given);
    expect(saltedPassword).toHaveLength(bytes);
    expect((await salted(mechanism, given)).salt).not.toEqual(salt);
    // Hi() of the RFC, by its own words.
    const hmac = (data: Buffer): Buffer => createHmac(hash, given.password).update(data).digest();
    let last = hmac(Buffer.concat([salt, Buffer.from([0, 0, 0, 1])]));
    const sum = Buffer.from(last);
    for (let i = 1; i < given.iterations; i++) {
      last = hmac(last);
      for (let j = 0; j < bytes; j++) sum[j]! ^= last[j]!;
    }
    expect(saltedPassword).toEqual(sum);
  },
);
