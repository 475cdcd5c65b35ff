import { ConfigError, parseLab, serviceUsers } from "../../../../model";
import { change, physicalConfig } from "../../../support/lab-config";

const secured = () => change(physicalConfig(), ["cluster", "authentication"], "scram");

test("the ring's clients share a user, who may use their topics and no other", () => {
  const lab = parseLab(secured());
  expect(lab.users.map(({ name }) => name)).toEqual(["pi-lab-ring"]);
  expect(lab.users[0]).toMatchObject({
    password: "random",
    passwordVersions: { "SCRAM-SHA-512": 1 },
  });
  const rules = lab.acls.find(({ user }) => user === "pi-lab-ring")?.rules ?? [];
  const topics = lab.hosts.flatMap((host) => (host.role === "client" ? [host.topic] : []));
  expect(
    new Set(rules.filter((rule) => rule.resource === "topic").map(({ name }) => name)),
  ).toEqual(new Set(topics));
  expect(rules).toContainEqual({
    ...{ resource: "group", name: "pi-lab-ring", pattern: "prefixed", operation: "read" },
    ...{ permission: "allow", host: "*" },
  });
});

test("the bridge may write where its routes and dead letters lead, and read nothing", () => {
  const config = change(secured(), ["mqtt"], { host: "broker-1" });
  change(config, ["bridge"], { routes: [{ from: "a/#", topic: "red" }], deadLetters: "green" });
  const rules = parseLab(config).acls.find(({ user }) => user === "pi-lab-bridge")?.rules ?? [];
  expect(rules.map(({ name, operation }) => `${operation} ${name}`)).toEqual([
    "describe green",
    "write green",
    "describe red",
    "write red",
  ]);
});

test("where nobody logs in there is none", () => {
  const lab = parseLab(physicalConfig());
  expect(serviceUsers(lab)).toEqual([]);
  expect([...lab.users, ...lab.acls]).toEqual([]);
});

test("their names are nobody else's", () => {
  const config = change(secured(), ["users"], { "pi-lab-x": {} });
  expect(() => parseLab(config)).toThrow(ConfigError);
  expect(() => parseLab(config)).toThrow(
    "lab.users.pi-lab-x: begins as the names of the lab's own programs do (pi-lab-). Choose another name.",
  );
});
