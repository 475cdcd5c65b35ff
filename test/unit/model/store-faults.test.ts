import { describeProblem, parseLab, serviceUsers, hostPrograms } from "../../../model";
import { change, physicalConfig, problemsOf, type RawConfig } from "../../support/lab-config";

/** A lab whose telemetry goes to the topic `red`, and is kept on desk-1. */
function storeConfig(): RawConfig {
  const config = physicalConfig();
  change(config, ["mqtt"], { host: "desk-1" });
  change(config, ["bridge"], {
    routes: [
      { from: "hosts/+/telemetry", topic: "red" },
      { from: "load/#", topic: "green" },
    ],
  });
  change(config, ["store"], {});
  return config;
}

const told = (config: RawConfig) => problemsOf(config).map(describeProblem);
const LISTENS = "one host cannot listen twice on a port";
const PLAIN =
  "is no plain name: those are at most 63 small letters, digits and `_`, a letter first";

test("a store needs nothing said where there is telemetry", () => {
  expect(parseLab(storeConfig()).data.store).toEqual({
    ...{ host: "desk-1", port: 5432, database: "pilab", topics: ["red"], retentionDays: 30 },
    readers: [],
  });
});

test("all of it may be said, without an MQTT broker as well", () => {
  const config = change(physicalConfig(), ["store"], {
    ...{ host: "client-1", port: 6000, database: "lab", topics: ["green", "red"] },
    ...{ retentionDays: 7, readers: ["grafana", "bob"] },
  });
  const lab = parseLab(config);
  expect(lab.data.store).toEqual({
    ...{ host: "client-1", port: 6000, database: "lab", topics: ["green", "red"] },
    ...{ retentionDays: 7, readers: ["bob", "grafana"] },
  });
  const running = lab.hosts.filter((host) => hostPrograms(lab, host).includes("sink"));
  expect(running.map(({ name }) => name)).toEqual(["client-1"]);
});

test("the sink's user may read and describe its topics, and nothing else", () => {
  const lab = parseLab(change(storeConfig(), ["cluster", "authentication"], "scram"));
  const own = serviceUsers(lab).find(({ user }) => user.name === "pi-lab-sink");
  const rules = own?.acls.rules.map(({ resource, name, operation }) => [resource, name, operation]);
  expect(rules).toEqual([
    ["topic", "red", "describe"],
    ["topic", "red", "read"],
  ]);
});

type Mistake = readonly [path: readonly string[], value: unknown, ...told: string[]];

const mistakes: readonly Mistake[] = [
  [
    ["store", "host"],
    "desk-2",
    "lab.store.host: desk-2 is not a host of the lab. Did you mean desk-1?",
  ],
  [
    ["store", "port"],
    22,
    "lab.store.port: 22 is out of range: PostgreSQL's port is a whole number from 1024 to 65535. Give one, e.g. 5432.",
  ],
  [
    ["store", "port"],
    1883,
    `lab.store.port: 1883 is mqtt.port too: ${LISTENS}. Leave it out to have 5432, or choose another.`,
  ],
  [
    ["store", "port"],
    9185,
    `lab.store.port: 9185 is the port of the program sink too: ${LISTENS}. Leave it out to have 5432, or choose another.`,
  ],
  [
    ["cluster", "clientPort"],
    9185,
    `lab.cluster.clientPort: 9185 is where the sink program tells its health: ${LISTENS}. Choose another; 9181, 9182, 9183, 9184, 9185, 9186, 9187, 9188 are the programs'.`,
  ],
  [
    ["store", "database"],
    "My Lab",
    `lab.store.database: My Lab ${PLAIN}. Leave it out to have pilab, or choose another.`,
  ],
  [
    ["store", "database"],
    "postgres",
    "lab.store.database: postgres is PostgreSQL's own. Leave it out to have pilab, or choose another.",
  ],
  [
    ["store", "topics"],
    [],
    "lab.store.topics: is empty: nothing would be kept. Name a topic, leave it out for those of the telemetry, or remove store.",
  ],
  [
    ["store", "topics"],
    ["red", "gren", "red"],
    "lab.store.topics[1]: gren is not one of topics. Did you mean green? Add it to topics, or name one of those.",
    "lab.store.topics[2]: red is named before. Name each topic once.",
  ],
  [
    ["store", "retentionDays"],
    0,
    "lab.store.retentionDays: 0 is out of range: the days that records are kept is a whole number from 1 to 3650 days. Give one, e.g. 30.",
  ],
  [
    ["store", "readers"],
    ["sink", "pg_monitor", "Bob; drop", "ann", "ann"],
    "lab.store.readers[0]: sink is a role that the lab or PostgreSQL makes itself. Choose another name.",
    "lab.store.readers[1]: pg_monitor is a role that the lab or PostgreSQL makes itself. Choose another name.",
    `lab.store.readers[2]: Bob; drop ${PLAIN}. Choose another name.`,
    "lab.store.readers[4]: ann is named before. Name each role once.",
  ],
  [
    ["bridge"],
    undefined,
    "lab.store.topics: is missing, and no route of the bridge carries the hosts' telemetry. Name the topics that are to be kept, or add such a route to bridge, e.g. { from: hosts/+/telemetry, topic: telemetry }.",
  ],
  [
    ["store", "retention"],
    7,
    "lab.store.retention: is not a known key. Did you mean retentionDays? Keys here: database, host, port, readers, retentionDays, topics.",
  ],
];

test.each(mistakes.map((mistake) => [mistake] as const))("%j", ([path, value, ...expected]) => {
  expect(told(change(storeConfig(), path, value))).toEqual(expected);
});

test("without an MQTT broker its host must be named, and its topics", () => {
  const config = change(physicalConfig(), ["store"], {});
  expect(told(config)).toEqual([
    "lab.store.host: is missing, and there is no MQTT broker whose host it would be. Name the host that is to run PostgreSQL, or add mqtt.",
    "lab.store.topics: is missing, and no route of the bridge carries the hosts' telemetry. Name the topics that are to be kept, or add such a route to bridge, e.g. { from: hosts/+/telemetry, topic: telemetry }.",
  ]);
});

test("on a broker's host it takes of what the heap may have", () => {
  const config = change(storeConfig(), ["store", "host"], "broker-2");
  change(config, ["hosts", "broker-2", "heapMib"], 4700);
  expect(told(config)).toEqual([expect.stringContaining("programs beside Kafka 384")]);
});
