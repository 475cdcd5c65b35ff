import fc from "fast-check";
import type { Lab } from "../../../model/types";
import {
  birthVoters,
  kafkaPaths,
  renderServerProperties,
  rolloutProperties,
  serverProperties,
} from "../../../render";
import { expectGolden } from "../../support/golden";
import {
  brokerFixture,
  labFixture,
  nodeFixture,
  separateFixture,
  withHost,
} from "../../support/lab-fixture";
import { parseJavaProperties } from "../../support/java-properties";

const lab = labFixture();
const withCluster = (changes: Partial<Lab["cluster"]>): Lab => ({
  ...lab,
  cluster: { ...lab.cluster, ...changes },
});

test("server.properties of a broker is as approved", () => {
  expectGolden(
    "unit/render/golden/server.properties",
    renderServerProperties(lab, brokerFixture(lab, 1)),
  );
});

test("the fast-failover profile is as approved", () => {
  const fast = withCluster({ profile: "fast-failover" });
  expectGolden(
    "unit/render/golden/server-fast-failover.properties",
    renderServerProperties(fast, brokerFixture(fast, 1)),
  );
});

test.each([
  ["server-controller.properties", 1],
  ["server-broker-only.properties", 5],
])("%s of a node that is not both is as approved", (name, nodeId) => {
  const separate = separateFixture();
  expectGolden(
    `unit/render/golden/${name}`,
    renderServerProperties(separate, nodeFixture(separate, nodeId)),
  );
});

test("where brokers and controllers are apart, each has its own listener alone, and all know the controllers", () => {
  const separate = separateFixture();
  const of = (nodeId: number) => serverProperties(separate, nodeFixture(separate, nodeId));
  expect(of(2)).toMatchObject({
    "process.roles": "controller",
    listeners: "CONTROLLER://10.0.42.2:9093",
    "advertised.listeners": "CONTROLLER://node-2.internal:9093",
  });
  expect(of(4)).toMatchObject({
    "process.roles": "broker",
    listeners: "PLAINTEXT://10.0.42.4:9092",
    "advertised.listeners": "PLAINTEXT://10.0.42.4:9092",
  });
  for (const nodeId of [1, 2, 3, 4, 5, 6]) {
    expect(of(nodeId)["controller.quorum.bootstrap.servers"]).toBe(
      "node-1.internal:9093,node-2.internal:9093,node-3.internal:9093",
    );
  }
});

test("the quorum is dynamic: bootstrap servers by name, no static voters", () => {
  const properties = serverProperties(lab, brokerFixture(lab, 2));
  expect(properties["controller.quorum.bootstrap.servers"]).toBe(
    "node-1.internal:9093,node-2.internal:9093,node-3.internal:9093",
  );
  expect(properties).not.toHaveProperty("controller.quorum.voters");
});

test("clients are told an address, controllers a name", () => {
  expect(serverProperties(lab, brokerFixture(lab, 3))["advertised.listeners"]).toBe(
    "PLAINTEXT://10.0.42.3:9092,CONTROLLER://node-3.internal:9093",
  );
});

test("an address that moves changes only its own broker's settings", () => {
  const moved = withHost(lab, "broker-2", (host) => ({
    ...host,
    machine: lab.machines[5]!,
  }));
  const settings = (of: Lab, id: number) => serverProperties(of, brokerFixture(of, id));
  expect(settings(moved, 1)).toEqual(settings(lab, 1));
  expect(settings(moved, 3)).toEqual(settings(lab, 3));
  expect(settings(moved, 2)).not.toEqual(settings(lab, 2));
});

test("internal topics are replicated as the cluster's topics are", () => {
  const two = withCluster({ replicationFactor: 2, minInsyncReplicas: 1 });
  const properties = serverProperties(two, brokerFixture(two, 1));
  for (const key of [
    "default.replication.factor",
    "offsets.topic.replication.factor",
    "transaction.state.log.replication.factor",
    "share.coordinator.state.topic.replication.factor",
  ]) {
    expect([key, properties[key]]).toEqual([key, "2"]);
  }
  for (const key of [
    "min.insync.replicas",
    "transaction.state.log.min.isr",
    "share.coordinator.state.topic.min.isr",
  ]) {
    expect([key, properties[key]]).toEqual([key, "1"]);
  }
});

test("no topic is made by accident, and no unclean leader is elected", () => {
  const properties = serverProperties(lab, brokerFixture(lab, 1));
  expect(properties["auto.create.topics.enable"]).toBe("false");
  expect(properties["unclean.leader.election.enable"]).toBe("false");
});

test("the controller quorum's fetch and request timeouts stay above the fetch wait of 500 ms", () => {
  const fast = withCluster({ profile: "fast-failover" });
  const properties = serverProperties(fast, brokerFixture(fast, 1));
  expect(Number(properties["controller.quorum.fetch.timeout.ms"])).toBe(1000);
  expect(Number(properties["controller.quorum.request.timeout.ms"])).toBe(1000);
  expect(Number(properties["broker.session.timeout.ms"])).toBe(500);
});

test("the host's settings win over the cluster's, the cluster's over the profile, that over defaults", () => {
  const layered = withHost(
    withCluster({
      profile: "fast-failover",
      settings: {
        "broker.session.timeout.ms": "700",
        "socket.connection.setup.timeout.ms": "900",
        "log.retention.hours": "24",
      },
    }),
    "broker-1",
    (host) => ({ ...host, settings: { "log.retention.hours": "12" } }),
  );
  expect(serverProperties(layered, brokerFixture(layered, 1))).toMatchObject({
    "broker.session.timeout.ms": "700",
    "broker.heartbeat.interval.ms": "250",
    "socket.connection.setup.timeout.ms": "900",
    "log.retention.hours": "12",
  });
  expect(serverProperties(layered, brokerFixture(layered, 2))["log.retention.hours"]).toBe("24");
});

test("identity and listeners stand above settings that slipped through", () => {
  const slipped = withCluster({
    settings: { "node.id": "9", listeners: "PLAINTEXT://:1", "min.insync.replicas": "1" },
  });
  expect(serverProperties(slipped, brokerFixture(slipped, 1))).toMatchObject({
    "node.id": "1",
    listeners: "PLAINTEXT://10.0.42.1:9092,CONTROLLER://10.0.42.1:9093",
    "min.insync.replicas": "2",
    "log.dirs": kafkaPaths.data,
  });
});

test("a changed min ISR is no reason to restart a broker", () => {
  const lower = withCluster({ minInsyncReplicas: 1, replicationFactor: 3 });
  const keys = Object.keys(rolloutProperties(lower, brokerFixture(lower, 1)));
  expect(keys).not.toContain("min.insync.replicas");
  expect(keys).toContain("default.replication.factor");
});

test("what is rendered reads back as the settings, whatever is in them", () => {
  const key = fc.string({ unit: "binary", minLength: 1 });
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(fc.dictionary(key, text, { noNullPrototype: true }), (settings) => {
      const odd = withCluster({ settings });
      const broker = brokerFixture(odd, 1);
      expect(parseJavaProperties(renderServerProperties(odd, broker))).toEqual(
        serverProperties(odd, broker),
      );
    }),
  );
});

test("the voters of the birth are named by node id, name and directory id", () => {
  const ids = { "broker-1": "AAAA", "broker-2": "-BBB", "broker-3": "CCCC" };
  expect(birthVoters(lab, ids)).toBe(
    "1@node-1.internal:9093:AAAA,2@node-2.internal:9093:-BBB,3@node-3.internal:9093:CCCC",
  );
  expect(() => birthVoters(lab, { "broker-1": "AAAA" })).toThrow("no directory id for broker-2");
});

test("brokers that are no controllers have no vote at the birth", () => {
  const ids = { "controller-1": "AAAA", "controller-2": "BBBB", "controller-3": "CCCC" };
  expect(birthVoters(separateFixture(), ids)).toBe(
    "1@node-1.internal:9093:AAAA,2@node-2.internal:9093:BBBB,3@node-3.internal:9093:CCCC",
  );
});

test("the order of hosts in the configuration does not matter", () => {
  const reversed = { ...lab, hosts: [...lab.hosts].reverse() };
  expect(renderServerProperties(reversed, brokerFixture(reversed, 1))).toBe(
    renderServerProperties(lab, brokerFixture(lab, 1)),
  );
});
