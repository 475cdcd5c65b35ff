import { describeProblem, programPorts } from "../../../model";
import { change, physicalConfig, problemsOf, type RawConfig } from "../../support/lab-config";

/** A lab with all that speaks MQTT: the broker on desk-1, which is no Kafka host. */
function mqttConfig(): RawConfig {
  const config = physicalConfig();
  change(config, ["mqtt"], { host: "desk-1", devices: { "esp32-1": {} } });
  change(config, ["telemetry"], {});
  change(config, ["bridge"], { routes: [{ from: "hosts/+/telemetry", topic: "red" }] });
  return config;
}

const told = (config: RawConfig) => problemsOf(config).map(describeProblem);
const device = (name: string) => ["mqtt", "devices", name];
const PROGRAMS = `Choose another; ${Object.values(programPorts).join(", ")} are the programs'.`;
const LISTENS = "one host cannot listen twice on a port";
const NAMES = "at most 64 letters, digits, `.`, `_` and `-`, a letter or digit first";

test("a lab with broker, telemetry, bridge and a device is taken", () => {
  expect(told(mqttConfig())).toEqual([]);
});

type Mistake = readonly [path: readonly string[], value: unknown, ...told: string[]];

const mistakes: readonly Mistake[] = [
  [
    ["mqtt", "host"],
    "desk-2",
    "lab.mqtt.host: desk-2 is not a host of the lab. Did you mean desk-1?",
  ],
  [
    ["mqtt", "host"],
    "10.0.42.6",
    "lab.mqtt.host: 10.0.42.6 is not a host of the lab. Name one of hosts: broker-1, broker-2, broker-3, client-1, client-2, desk-1.",
  ],
  [
    ["mqtt", "port"],
    883,
    "lab.mqtt.port: 883 is out of range: the MQTT broker's port is a whole number from 1024 to 65535. Give one, e.g. 1883.",
  ],
  [
    ["mqtt", "port"],
    9182,
    `lab.mqtt.port: 9182 is the port of the program telemetry too: ${LISTENS}. Leave it out to have 1883, or choose another.`,
  ],
  [
    ["mqtt", "maxMessageBytes"],
    20,
    "lab.mqtt.maxMessageBytes: 20 is out of range: the bytes of a message is a whole number from 256 to 268435455 bytes. Give one, e.g. 65536.",
  ],
  [
    ["mqtt"],
    undefined,
    "lab.bridge: needs an MQTT broker, and mqtt is not given. Add mqtt: { host: … } with the host that is to run it, or remove bridge.",
    "lab.telemetry: needs an MQTT broker, and mqtt is not given. Add mqtt: { host: … } with the host that is to run it, or remove telemetry.",
  ],
  [
    ["mqtt"],
    "desk-1",
    "lab.mqtt: desk-1 is text, not a mapping. Write its keys below it; docs/configuration.md lists them.",
  ],
  [
    ["cluster", "clientPort"],
    9182,
    `lab.cluster.clientPort: 9182 is where the telemetry program tells its health: ${LISTENS}. ${PROGRAMS}`,
  ],
  [
    ["ssh", "port"],
    9183,
    `lab.ssh.port: 9183 is where the bridge program tells its health: ${LISTENS}. ${PROGRAMS}`,
  ],
  [
    ["ssh", "port"],
    9181,
    `lab.ssh.port: 9181 is where the ring program tells its health: ${LISTENS}. ${PROGRAMS}`,
  ],
  [
    device("client-1"),
    {},
    "lab.mqtt.devices.client-1: is a host of the lab, which logs in with its name. Choose another name.",
  ],
  [
    device("load"),
    {},
    "lab.mqtt.devices.load: is the load generator's name at the MQTT broker. Choose another name.",
  ],
  [
    device("bridge-9"),
    {},
    "lab.mqtt.devices.bridge-9: begins with `bridge-`, as the bridges' names at the MQTT broker do. Choose another name.",
  ],
  [
    device("a:b"),
    {},
    `lab.mqtt.devices["a:b"]: is no device's name: those are ${NAMES}. Choose another name.`,
  ],
  [
    device("a/b"),
    {},
    `lab.mqtt.devices["a/b"]: is no device's name: those are ${NAMES}. Choose another name.`,
  ],
  [
    device("-a"),
    {},
    `lab.mqtt.devices.-a: is no device's name: those are ${NAMES}. Choose another name.`,
  ],
  [
    device("a".repeat(65)),
    {},
    `lab.mqtt.devices.${"a".repeat(65)}: is no device's name: those are ${NAMES}. Choose another name.`,
  ],
  [
    device("<nil>"),
    {},
    'lab.mqtt.devices["<nil>"]: is what YAML makes of ~ or null. Put quotes around the name, or choose another.',
  ],
  [
    [...device("esp32-1"), "publishes"],
    ["a/#/b", "a#", "$SYS/#", "a/b", "a/b"],
    "lab.mqtt.devices.esp32-1.publishes[0]: a/#/b has a `#` before its end. Write an MQTT topic filter, e.g. devices/esp32-1/#.",
    "lab.mqtt.devices.esp32-1.publishes[1]: a# has a `#` that is not a whole level. Write an MQTT topic filter, e.g. devices/esp32-1/#.",
    "lab.mqtt.devices.esp32-1.publishes[2]: $SYS/# begins with `$`, as the broker's own topics do. Write an MQTT topic filter, e.g. devices/esp32-1/#.",
    "lab.mqtt.devices.esp32-1.publishes[4]: a/b is there before. Remove one of them.",
  ],
  [
    [...device("esp32-1"), "subscribes"],
    ["a+/b", ""],
    "lab.mqtt.devices.esp32-1.subscribes[0]: a+/b has a `+` that is not a whole level. Write an MQTT topic filter, e.g. devices/esp32-1/commands.",
    'lab.mqtt.devices.esp32-1.subscribes[1]: "" is empty. Give an MQTT topic filter, e.g. devices/esp32-1/commands.',
  ],
  [
    [...device("esp32-1"), "publishes"],
    [],
    "lab.mqtt.devices.esp32-1: may neither publish nor subscribe. Leave publishes out to have devices/esp32-1/#, or remove the device.",
  ],
  [
    [...device("esp32-1"), "password"],
    "x",
    "lab.mqtt.devices.esp32-1.password: is not a known key. Keys here: publishes, subscribes.",
  ],
];

test.each(mistakes.map((mistake) => [mistake] as const))("%j", ([path, value, ...expected]) => {
  expect(told(change(mqttConfig(), path, value))).toEqual(expected);
});

describe("the broker's port", () => {
  const on = (host: string, port: number) => {
    const config = change(mqttConfig(), ["mqtt", "host"], host);
    return told(change(config, ["mqtt", "port"], port));
  };
  const clash = (port: number, whose: string) => [
    `lab.mqtt.port: ${port} is ${whose} too: ${LISTENS}. Leave it out to have 1883, or choose another.`,
  ];

  test("is not one of Kafka's on a broker", () => {
    expect(on("broker-1", 9092)).toEqual(clash(9092, "cluster.clientPort"));
    expect(on("broker-1", 9093)).toEqual(clash(9093, "cluster.controllerPort"));
    expect(on("broker-1", 1883)).toEqual([]);
  });

  test("may be one of Kafka's where no Kafka runs", () => {
    expect(on("desk-1", 9092)).toEqual([]);
  });

  test("is not sshd's", () => {
    const config = change(mqttConfig(), ["mqtt", "port"], 2222);
    expect(told(change(config, ["ssh", "port"], 2222))).toEqual(clash(2222, "ssh.port"));
  });
});

describe("hosts' names, with which they log in", () => {
  const named = (name: string) => {
    const config = mqttConfig();
    const { "client-2": host, ...others } = config["hosts"] as Record<string, unknown>;
    return change(config, ["hosts"], { ...others, [name]: host });
  };
  const taken = (name: string, whose: string) => [
    `lab.hosts.${name}: has a name that is ${whose} at the MQTT broker. Give the host another, and this one under formerNames.`,
  ];

  test("are not those of the load generator and the bridges", () => {
    expect(told(named("load"))).toEqual(taken("load", "the load generator's"));
    expect(told(named("bridge-desk-1"))).toEqual(taken("bridge-desk-1", "the bridge's on desk-1"));
  });

  test("may be alike where no bridge has it, or nobody speaks MQTT", () => {
    expect(told(named("bridge-client-1"))).toEqual([]);
    const config = named("load");
    for (const group of ["mqtt", "telemetry", "bridge"]) change(config, [group], undefined);
    expect(told(config)).toEqual([]);
  });
});
