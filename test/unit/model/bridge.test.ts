import { describeProblem, parseLab } from "../../../model";
import { change, physicalConfig, problemsOf, type RawConfig } from "../../support/lab-config";

const ROUTE = { from: "hosts/+/telemetry", topic: "red", key: "{1}" };

function bridged(bridge: unknown = { routes: [ROUTE] }): RawConfig {
  const config = change(physicalConfig(), ["mqtt"], { host: "desk-1" });
  return change(config, ["bridge"], bridge);
}

const told = (config: RawConfig) => problemsOf(config).map(describeProblem);

it("runs on the MQTT broker's host, with the whole topic as the key, if nothing else is said", () => {
  const { bridge } = parseLab(bridged({ routes: [{ from: "a/#", topic: "red" }] })).data;
  expect(bridge).toEqual({
    ...{ hosts: ["desk-1"], deadLetters: undefined },
    routes: [{ from: "a/#", topic: "red", key: "{topic}" }],
  });
});

it("takes several hosts, routes beside each other and dead letters", () => {
  const config = bridged({
    hosts: ["desk-1", "client-1"],
    deadLetters: "green",
    routes: [ROUTE, { from: "hosts/+/alerts/#", topic: "red", key: "of {1}, {topic}" }],
  });
  expect(told(config)).toEqual([]);
  expect(parseLab(config).data.bridge?.hosts).toEqual(["client-1", "desk-1"]);
});

describe("mistakes in the bridge", () => {
  const routes = [ROUTE];
  it.each<readonly [string, unknown, readonly string[]]>([
    [
      "an unknown host",
      { hosts: ["desk1"], routes },
      ["lab.bridge.hosts[0]: desk1 is not one of hosts. Did you mean desk-1?"],
    ],
    [
      "a host twice",
      { hosts: ["desk-1", "desk-1"], routes },
      ["lab.bridge.hosts[1]: desk-1 is named before. Name each host once."],
    ],
    [
      "no host",
      { hosts: [], routes },
      ["lab.bridge.hosts: is empty. Name a host, or leave it out for that of mqtt."],
    ],
    [
      "no route",
      { routes: [] },
      [
        "lab.bridge.routes: is empty: nothing would be carried. Write a route, e.g. { from: hosts/+/telemetry, topic: telemetry }, or leave bridge out.",
      ],
    ],
    [
      "an unknown topic",
      { routes: [{ ...ROUTE, topic: "rad" }] },
      [
        "lab.bridge.routes[0].topic: rad is not one of topics. Did you mean red? Add it to topics, or name one of those.",
      ],
    ],
    [
      "an illegal filter",
      { routes: [{ ...ROUTE, from: "hosts/#/telemetry" }] },
      [
        "lab.bridge.routes[0].from: hosts/#/telemetry has a `#` before its end. Write an MQTT topic filter, e.g. hosts/+/telemetry or devices/#.",
      ],
    ],
    [
      "what bridges tell each other",
      { routes: [{ from: "pi-lab/bridge/hosts/+", topic: "red" }] },
      [
        "lab.bridge.routes[0].from: pi-lab/bridge/hosts/+ is about what bridges tell each other, which is not carried. Choose other topics.",
      ],
    ],
    [
      "two routes for one message",
      { routes: [ROUTE, { from: "#", topic: "green" }] },
      [
        "lab.bridge.routes[1].from: # takes messages that bridge.routes[0] (hosts/+/telemetry) takes, too: each would be in Kafka twice. Narrow one of them, so that no topic matches both.",
      ],
    ],
    [
      "a placeholder for nothing",
      { routes: [{ ...ROUTE, key: "{1}-{2}" }] },
      [
        "lab.bridge.routes[0].key: {1}-{2} has {2}, which stands for nothing: hosts/+/telemetry has 1 `+`. Known here: {topic}, {1}.",
      ],
    ],
    [
      "a placeholder by a name",
      { routes: [{ from: "a/#", topic: "red", key: "{host}" }] },
      [
        "lab.bridge.routes[0].key: {host} has {host}, which stands for nothing: a/# has no `+`. Known here: {topic}.",
      ],
    ],
    [
      "an unknown topic of dead letters",
      { routes, deadLetters: "letters" },
      [
        "lab.bridge.deadLetters: letters is not one of topics. Add it to topics, or name one of those.",
      ],
    ],
    [
      "a route's topic as dead letters",
      { routes, deadLetters: "red" },
      [
        "lab.bridge.deadLetters: red is the topic of bridge.routes[0]: it would refuse the same messages again. Name another topic.",
      ],
    ],
  ])("%s", (_, bridge, expected) => {
    expect(told(bridged(bridge))).toEqual(expected);
  });

  it("messages that Kafka would never take, by the topic's limit, the brokers' or Kafka's own", () => {
    const small = change(bridged(), ["topics", "red", "config"], { "max.message.bytes": 65_536 });
    expect(told(small)).toEqual([
      "lab.bridge.routes[0].topic: red takes batches of at most 65536 bytes, and an MQTT message may have 65536. Give the topic a max.message.bytes of at least 69632, or lower mqtt.maxMessageBytes.",
    ]);
    const brokers = change(bridged(), ["cluster", "settings"], { "message.max.bytes": 60_000 });
    expect(told(brokers)).toHaveLength(1);
    const large = change(bridged(), ["mqtt", "maxMessageBytes"], 2_000_000);
    expect(told(large)).toHaveLength(1);
    change(large, ["topics", "red", "config"], { "max.message.bytes": 2_100_000 });
    expect(told(large)).toEqual([]);
  });
});
