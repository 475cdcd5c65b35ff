import type { Lab } from "../../../model/types";
import {
  nodeFiles,
  nodeWant,
  fileHash,
  kafkaBase64Id,
  kafkaPaths,
  renderKafkaEnv,
  renderKafkaHosts,
  renderKafkaUnit,
  renderLog4j2,
  type StagedFile,
} from "../../../render";
import { expectGolden } from "../../support/golden";
import {
  brokerFixture,
  labFixture,
  nodeFixture,
  renamedTo,
  separateFixture,
  withHost,
} from "../../support/lab-fixture";

const lab = labFixture();
const broker = brokerFixture(lab, 1);

test.each([
  ["hosts", renderKafkaHosts(lab)],
  ["kafka.env", renderKafkaEnv(lab, broker)],
  ["kafka.service", renderKafkaUnit(broker)],
  ["log4j2.properties", renderLog4j2()],
])("%s is as approved", (name, text) => {
  expectGolden(`unit/render/golden/${name}`, text);
});

describe("the names file", () => {
  test("names every broker once, by node and by host, the own one included, and no client", () => {
    expect(renderKafkaHosts(lab).trim().split("\n")).toEqual([
      "127.0.0.1 localhost",
      "10.0.42.1 node-1.internal broker-1",
      "10.0.42.2 node-2.internal broker-2",
      "10.0.42.3 node-3.internal broker-3",
    ]);
  });

  test("has the former names of a renamed host too", () => {
    const renamed = withHost(lab, "broker-3", renamedTo("kafka-3"));
    expect(renderKafkaHosts(renamed)).toContain("\n10.0.42.3 node-3.internal kafka-3 broker-3\n");
  });
});

test("every controller's name is there, beside the brokers'", () => {
  expect(renderKafkaHosts(separateFixture()).trim().split("\n").slice(1)).toEqual([
    "10.0.42.1 node-1.internal controller-1",
    "10.0.42.2 node-2.internal controller-2",
    "10.0.42.3 node-3.internal controller-3",
    "10.0.42.4 node-4.internal broker-4",
    "10.0.42.5 node-5.internal broker-5",
    "10.0.42.6 node-6.internal broker-6",
  ]);
});

describe("the JVM's settings", () => {
  const env = renderKafkaEnv(lab, broker);

  test("fix the heap at the host's figure", () => {
    expect(env).toMatch(/^KAFKA_HEAP_OPTS=-Xms1024m -Xmx1024m$/m);
  });

  test("resolve names from Kafka's own file and forget them after 5 s", () => {
    expect(env).toContain(`-Djdk.net.hosts.file=${kafkaPaths.hosts}`);
    expect(env).toContain("-Dsun.net.inetaddr.ttl=5");
  });

  test("write no garbage collection log", () => {
    expect(env).not.toContain("-Xlog:gc");
  });
});

describe("the unit", () => {
  const unit = renderKafkaUnit(broker);
  const lines = unit.split("\n");

  test("says what the node is, and is the same otherwise", () => {
    const separate = separateFixture();
    const described = (nodeId: number) => renderKafkaUnit(nodeFixture(separate, nodeId));
    expect(described(1)).toContain("Description=Apache Kafka controller\n");
    expect(described(4)).toContain("Description=Apache Kafka broker\n");
    expect(described(4).replace("Kafka broker\n", "Kafka broker and controller\n")).toBe(unit);
  });

  test("restarts for ever", () => {
    expect(lines).toEqual(
      expect.arrayContaining(["Restart=always", "RestartSec=2", "StartLimitIntervalSec=0"]),
    );
  });

  test("stamps what it starts, and runs as the service user", () => {
    expect(lines).toContain(`ExecStartPre=${kafkaPaths.stamp}`);
    expect(lines).toContain("User=kafka");
  });

  test("calls an end by SIGTERM a clean one and waits for it", () => {
    expect(lines).toContain("SuccessExitStatus=143");
    expect(lines).toContain("TimeoutStopSec=60");
  });

  test("may write its data and its logs and nothing else", () => {
    expect(lines).toContain("ProtectSystem=strict");
    expect(lines).toContain("ReadWritePaths=/var/lib/kafka /var/log/kafka");
  });

  test("leaves out what a JVM cannot bear", () => {
    expect(unit).not.toContain("MemoryDenyWriteExecute");
    expect(unit).not.toContain("ProcSubset");
  });
});

describe("Kafka's own logs", () => {
  test("are bounded, and the journal gets warnings", () => {
    const log4j2 = renderLog4j2();
    expect(log4j2).toContain("appender.file.policies.size.size = 10MB");
    expect(log4j2).toContain("appender.file.strategy.max = 3");
    expect(log4j2).toContain("rootLogger.appenderRef.stdout.level = warn");
  });

  test("show the recovery of logs in the journal", () => {
    expect(renderLog4j2()).toMatch(
      /^(logger\.\w+)\.name = kafka\.log\.LogManager\n\1\.level = info\n(\1.*\n)*\1\.appenderRef\.stdout\.ref = stdout$/m,
    );
  });

  test("give a broker that is switched off no line a second", () => {
    expect(renderLog4j2()).toMatch(
      /^(logger\.\w+)\.name = org\.apache\.kafka\.clients\.NetworkClient\n\1\.level = error$/m,
    );
  });
});

describe("a broker's files", () => {
  const files = (of: Lab): readonly StagedFile[] =>
    nodeFiles(of, brokerFixture(of, 1)).filter((entry) => entry.kind === "file");

  test("come with the link to the version that they are made for", () => {
    expect(nodeFiles(lab, broker)).toContainEqual({
      kind: "link",
      path: "/opt/kafka/current",
      target: "kafka-4.1.1",
    });
  });

  test("are wanted by the hash that is on the disk, but for those that are read live or by key", () => {
    const { files: wanted } = nodeWant(lab, broker);
    expect(Object.keys(wanted)).toEqual([kafkaPaths.log4j2, kafkaPaths.jvmEnv, kafkaPaths.unit]);
    for (const file of files(lab)) {
      if (file.path in wanted) expect(wanted[file.path]).toBe(fileHash(file));
    }
  });

  test("another broker's new address restarts nobody, and reaches everybody's names file", () => {
    const moved = withHost(lab, "broker-2", (host) => ({ ...host, machine: lab.machines[5]! }));
    expect(nodeWant(moved, brokerFixture(moved, 1))).toEqual(nodeWant(lab, broker));
    const hosts = files(moved).find(({ path }) => path === kafkaPaths.hosts);
    expect(hosts?.content).toContain("10.0.42.6 node-2.internal broker-2\n");
  });

  test("a renamed host restarts nobody, itself included", () => {
    const renamed = withHost(lab, "broker-3", renamedTo("kafka-3"));
    for (const id of [1, 2, 3]) {
      expect(nodeWant(renamed, brokerFixture(renamed, id))).toEqual(
        nodeWant(lab, brokerFixture(lab, id)),
      );
    }
  });

  test("a larger heap is a reason to restart that broker alone", () => {
    const larger = withHost(lab, "broker-1", (host) => ({ ...host, heapMib: 2048 }));
    expect(nodeWant(larger, brokerFixture(larger, 1))).not.toEqual(nodeWant(lab, broker));
    expect(nodeWant(larger, brokerFixture(larger, 2))).toEqual(
      nodeWant(lab, brokerFixture(lab, 2)),
    );
  });
});

test("Kafka's ids are URL-safe and 22 characters long", () => {
  expect(kafkaBase64Id("+/+/+/+/+/+/+/+/+/+/+w==")).toBe("-_-_-_-_-_-_-_-_-_-_-w");
  expect(() => kafkaBase64Id("AAAA")).toThrow("16 bytes, not 3");
});
