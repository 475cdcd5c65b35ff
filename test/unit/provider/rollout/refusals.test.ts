import type { PropertyMap } from "../../../../plugins/common/rpc";
import { Secret, UNKNOWN } from "../../../../plugins/common/rpc";
import { NOT_RUNNING } from "../../../../provider/rollout/plan";
import { refusedChanges } from "../../../../provider/rollout/refusals";
import { kafkaPaths } from "../../../../render";

const node = (client = 9092, controller = 9093, version = "4.1.1"): PropertyMap => ({
  address: `10.0.42.1:${client}`,
  want: {
    properties: {
      "controller.listener.names": "CONTROLLER",
      listeners: `PLAINTEXT://:${client},CONTROLLER://:${controller}`,
    },
    version,
  },
});
const nodes = (map: PropertyMap): PropertyMap => ({ nodes: map });
const before = nodes({ "broker-1": node(), "broker-2": node() });

test("hosts stay: settings, versions and addresses may change", () => {
  const other = { ...node(9092, 9093, "4.2.0"), address: "10.0.42.9:9092" };
  const news = nodes({ "broker-1": other, "broker-2": { ...node(), address: UNKNOWN } });
  expect(refusedChanges(before, before, news)).toEqual([]);
  expect(
    refusedChanges(before, before, nodes({ "broker-1": UNKNOWN, "broker-2": UNKNOWN })),
  ).toEqual([]);
  expect(refusedChanges(before, before, { nodes: UNKNOWN })).toEqual([]);
  expect(refusedChanges({}, {}, before)).toEqual([]);
});

test("a host that joins and one that leaves are named, also where the outputs lack it", () => {
  const news = nodes({ "broker-1": node(), "broker-4": UNKNOWN });
  const partial = nodes({ "broker-1": node() });
  const refusals = refusedChanges({ nodes: new Secret(before["nodes"] ?? {}) }, partial, news);
  expect(refusals).toEqual([
    expect.stringMatching(
      /^broker-4 is new\. Adding or removing brokers or controllers .* Take it out/,
    ),
    expect.stringMatching(
      /^broker-2 is gone\. Adding or removing brokers or controllers .* Put it back/,
    ),
  ]);
});

test("a new host with the node id of one that is gone is asked whether it was renamed", () => {
  const third = (nodeId: number): PropertyMap => ({ ...node(), nodeId });
  const olds = nodes({ "broker-1": node(), "broker-3": third(3) });
  expect(refusedChanges(olds, olds, nodes({ "broker-1": node(), "kafka-3": third(3) }))).toEqual([
    "kafka-3 is new. It has node id 3, which was broker-3's: if broker-3 was renamed, write " +
      "`formerNames: [broker-3]` below hosts.kafka-3.",
    expect.stringMatching(/^broker-3 is gone\./),
  ]);
  const [other] = refusedChanges(olds, olds, nodes({ "broker-1": node(), "kafka-4": third(4) }));
  expect(other).toMatch(/^kafka-4 is new\. Adding or removing/);
});

describe("who logs in", () => {
  const JAAS = kafkaPaths.jaas;
  const secured = (protocol: string, jaas?: PropertyMap[string], version = "4.1.1"): PropertyMap =>
    nodes(
      Object.fromEntries(
        ["broker-1", "broker-2"].map((host) => {
          const properties = {
            "listener.security.protocol.map": `CONTROLLER:${protocol},${protocol}:${protocol}`,
          };
          const files = jaas === undefined ? {} : { [JAAS]: jaas };
          return [host, { address: "10.0.42.1:9092", want: { properties, files, version } }];
        }),
      ),
    );

  test.each([
    ["begins", secured("PLAINTEXT"), secured("SASL_PLAINTEXT", UNKNOWN)],
    ["ends", secured("SASL_PLAINTEXT", "aa"), secured("PLAINTEXT")],
  ])("%s in a running cluster never", (_, olds, news) => {
    expect(refusedChanges(olds, olds, news)).toEqual([
      expect.stringMatching(
        /^cluster\.authentication is settled with the cluster's birth: .* Set it back; or, .*stop Kafka/,
      ),
    ]);
  });

  test.each([
    ["another", "bb"],
    ["one that is made anew", UNKNOWN],
  ])("the super user's password cannot become %s", (_, jaas) => {
    const olds = secured("SASL_PLAINTEXT", "aa");
    expect(refusedChanges(olds, olds, secured("SASL_PLAINTEXT", jaas))).toEqual([
      expect.stringMatching(
        /^the super user's password is another one: .*stop Kafka on every node/,
      ),
    ]);
  });

  test("what is unchanged passes, and so does anything where no node runs", () => {
    const olds = secured("SASL_PLAINTEXT", "aa");
    expect(refusedChanges(olds, olds, secured("SASL_PLAINTEXT", "aa"))).toEqual([]);
    const down = secured("SASL_PLAINTEXT", "aa", NOT_RUNNING);
    expect(refusedChanges(olds, down, secured("PLAINTEXT"))).toEqual([]);
    expect(refusedChanges(olds, down, secured("SASL_PLAINTEXT", UNKNOWN))).toEqual([]);
  });
});

test("ports: all brokers listen on the old ones", () => {
  const client = nodes({ "broker-1": node(19092), "broker-2": node() });
  expect(refusedChanges(before, before, client)).toEqual([
    expect.stringMatching(/^broker-1: the client port 9092 cannot become 19092: .* Set it back/),
  ]);
  const controller = nodes({ "broker-1": node(), "broker-2": node(9092, 19093) });
  expect(refusedChanges(before, before, controller)).toEqual([
    expect.stringMatching(/^broker-2: the controller port 9093 cannot become 19093/),
  ]);
});

test("a client port that was taken already may change while no broker runs; a voter's may not", () => {
  const down = nodes({
    "broker-1": node(9092, 9093, NOT_RUNNING),
    "broker-2": node(9092, 9093, NOT_RUNNING),
  });
  const news = nodes({ "broker-1": node(19092), "broker-2": node(19092, 19093) });
  expect(refusedChanges(before, down, news)).toEqual([
    expect.stringMatching(/^broker-2: the controller port/),
  ]);
});

test("a node stays what it was born as", () => {
  const as = (roles: string, listeners: string): PropertyMap => ({
    address: "10.0.42.1:9092",
    want: {
      properties: { "process.roles": roles, "controller.listener.names": "CONTROLLER", listeners },
      version: "4.1.1",
    },
  });
  const combined = as("broker,controller", "PLAINTEXT://:9092,CONTROLLER://:9093");
  const broker = as("broker", "PLAINTEXT://:9092");
  const [from, to] = [nodes({ "broker-1": combined }), nodes({ "broker-1": broker })];
  expect(refusedChanges(from, from, to)).toEqual([
    expect.stringMatching(
      /^broker-1: its process\.roles broker,controller cannot become broker: .* Set the host's role and processRoles back\.$/,
    ),
  ]);
  expect(refusedChanges(to, to, to)).toEqual([]);
});

test("another controller port is told once of a controller alone, whose only port it is", () => {
  const at = (port: number): PropertyMap => ({
    address: `10.0.42.1:${port}`,
    want: {
      properties: {
        "process.roles": "controller",
        "controller.listener.names": "CONTROLLER",
        listeners: `CONTROLLER://:${port}`,
      },
      version: "4.1.1",
    },
  });
  const olds = nodes({ "controller-1": at(9093) });
  expect(refusedChanges(olds, olds, nodes({ "controller-1": at(19093) }))).toEqual([
    expect.stringMatching(/^controller-1: the controller port 9093 cannot become 19093/),
  ]);
});
