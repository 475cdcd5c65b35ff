import { brokers } from "../../../model";
import { KafkaError } from "../../../provider/admin/port";
import { allPis, askAll, brokerPis, piOf } from "../../support/lab/pi";
import { leadersOf, openLog } from "../../support/lab/records";
import { waitUntilWell } from "../../support/lab/well";
import { waitFor } from "../../support/wait";
import type { GetLab } from "./shared";

/** What was written counts on every broker, and a write counts only on two. */
export function describeReplication(lab: GetLab): void {
  test("the stack's outputs are what the configuration declares", async () => {
    const { stack } = lab();
    const { machines } = stack.value();
    const address = (machine: string): string => machines[machine]?.address ?? "";
    const host = (role: string, machine: string, port: number): unknown => ({
      role,
      machine,
      address: address(machine),
      port,
    });
    const topic = (partitions: number): unknown => ({
      partitions,
      replicationFactor: 3,
      minInsyncReplicas: 2,
    });
    const id = expect.stringMatching(/^[\w-]{22}$/) as unknown;
    await expect(stack.outputs()).resolves.toEqual({
      bootstrapServers: ["pi-1", "pi-2", "pi-3"].map((pi) => `${address(pi)}:9092`).join(","),
      hosts: {
        "broker-1": host("broker", "pi-1", 1),
        "broker-2": host("broker", "pi-2", 2),
        "broker-3": host("broker", "pi-3", 3),
        "client-1": host("client", "pi-4", 4),
        "client-2": host("client", "pi-5", 5),
        "client-3": host("client", "pi-6", 6),
      },
      topics: { red: topic(3), green: topic(1), blue: topic(1) },
      topicIds: { red: id, green: id, blue: id },
    });
  });

  test("all topics have three replicas in sync right after `up`", async () => {
    const { stack } = lab();
    const status = await stack.status();
    const isr = ["broker-1", "broker-2", "broker-3"];
    const isrs = status.topics.map(({ name, partitions }) => [
      name,
      partitions.map((one) => one.isr),
    ]);
    expect(Object.fromEntries(isrs)).toEqual({ red: [isr, isr, isr], green: [isr], blue: [isr] });
  });

  test("records that were acknowledged are served by each broker and lie on three disks", async () => {
    const { stack } = lab();
    const model = stack.lab();
    const leaders = await leadersOf(model, "red");
    expect([...leaders].sort()).toEqual([1, 2, 3]);

    const values = (partition: number): string[] =>
      Array.from({ length: 20 }, (_, i) => `proof-${partition}-${i}`);
    const log = await openLog(model, "red");
    try {
      for (const partition of [0, 1, 2]) {
        for (const value of values(partition)) await log.append(partition, [value]);
      }
      // Each partition is served by its leader, and each broker leads one.
      for (const partition of [0, 1, 2]) {
        await expect(log.read(partition)).resolves.toEqual(values(partition));
      }
    } finally {
      await log.close();
    }

    const onDisk = await askAll(brokerPis(stack), async (pi) => {
      const segments = [0, 1, 2].map(
        (n) => `/var/lib/kafka/data/red-${n}/00000000000000000000.log`,
      );
      const dump = await pi.run(`kafka-dump-log.sh --print-data-log --files ${segments.join(",")}`);
      return [...dump.matchAll(/payload: (\S+)/g)].map(([, payload]) => payload);
    });
    const all = [0, 1, 2].flatMap(values);
    expect(onDisk).toEqual({ "broker-1": all, "broker-2": all, "broker-3": all });
  });

  test("Kafka's tools on a Pi write and read", async () => {
    const { stack } = lab();
    const pi = piOf(stack, "broker-2");
    const server = `--bootstrap-server ${pi.host.machine.address}:9092`;
    const topics = await pi.run(`kafka-topics.sh ${server} --list`);
    expect(
      topics
        .split("\n")
        .filter((name) => !name.startsWith("__"))
        .sort(),
    ).toEqual(["blue", "green", "red"]);
    await pi.run(
      `kafka-console-producer.sh ${server} --topic blue --producer-property acks=all`,
      "from the console\n",
    );
    const read = await pi.run(
      `kafka-console-consumer.sh ${server} --topic blue --from-beginning --max-messages 1 --timeout-ms 30000`,
    );
    expect(read).toBe("from the console");
    const dead = await pi.run(
      "for tool in /usr/local/bin/kafka-*.sh; do test -x $tool || echo $tool; done; ls /usr/local/bin/kafka-*.sh | wc -l",
    );
    expect(Number(dead)).toBeGreaterThan(20);
  });

  test("each disk has the identity that the stack keeps, and the voters are these disks", async () => {
    const { stack } = lab();
    const wanted = storageIds(await stack.ask("stack", "export"));
    expect(Object.keys(wanted).sort()).toEqual(["broker-1", "broker-2", "broker-3"]);
    const found = await askAll(brokerPis(stack), async (pi) => {
      const text = await pi.run("cat /var/lib/kafka/data/meta.properties");
      const value = (key: string): string | undefined =>
        new RegExp(`^${key}=(.*)$`, "m").exec(text)?.[1]?.replaceAll("\\", "");
      return { clusterId: value("cluster.id"), directoryId: value("directory.id") };
    });
    expect(found).toEqual(wanted);
    const [first] = brokerPis(stack);
    const replication = await first!.run(
      `kafka-metadata-quorum.sh --bootstrap-controller broker-1:9093 describe --replication`,
    );
    const voters = replication
      .split("\n")
      .map((line) => line.split(/\s+/))
      .filter((fields) => /^(Leader|Follower)$/.test(fields.at(-1) || (fields.at(-2) ?? "")))
      .map(([id, directory]) => [id, directory])
      .sort();
    expect(voters).toEqual(
      brokers(stack.lab()).map(({ name, nodeId }) => [`${nodeId}`, wanted[name]?.directoryId]),
    );
  });

  test("a write needs two replicas: with one broker down it counts, with two it is refused", async () => {
    const { stack } = lab();
    const model = stack.lab();
    const [one, two, three] = brokerPis(stack);
    await expect(one!.run("cat /etc/kafka/server.properties | grep ^unclean")).resolves.toBe(
      "unclean.leader.election.enable=false",
    );
    const log = await openLog(model, "green");
    try {
      await three!.stopKafka();
      const leaders = await leadersOf(model, "green");
      expect(leaders).not.toContain(3);
      await log.append(0, ["with one broker down"]);
      await two!.stopKafka();
      await waitFor("the last broker to lead", async () =>
        (await leadersOf(model, "green"))[0] === 1 ? true : undefined,
      );
      const refused = await log.append(0, ["with two down"]).then(
        () => "acknowledged",
        (error: unknown) => (error instanceof KafkaError ? error.code : error),
      );
      expect(refused).toBe("NOT_ENOUGH_REPLICAS");
    } finally {
      await log.close();
      await Promise.all([two!.startKafka(), three!.startKafka()]);
    }
    await waitUntilWell(stack);
    const after = await openLog(model, "green");
    await expect(after.read(0).finally(() => after.close())).resolves.toEqual([
      "with one broker down",
    ]);
  });

  test("no host but the brokers runs Kafka", async () => {
    const others = allPis(lab().stack).filter(({ host }) => host.role !== "broker");
    const java = await askAll(others, (pi) => pi.run("pgrep -c java || true"));
    expect(java).toEqual({ "client-1": "0", "client-2": "0", "client-3": "0" });
  });
}

interface StorageIds {
  readonly clusterId: string | undefined;
  readonly directoryId: string | undefined;
}

/** What the engine's state says of each node's disk, by host name. */
function storageIds(exported: string): Record<string, StorageIds> {
  interface Resource {
    type: string;
    outputs?: { host?: string; clusterId?: string; directoryId?: string };
  }
  const state = JSON.parse(exported) as { deployment: { resources: Resource[] } };
  return Object.fromEntries(
    state.deployment.resources
      .filter(({ type }) => type === "pilab:kafka/nodeStorage:NodeStorage")
      .map(({ outputs }) => [
        outputs?.host ?? "",
        { clusterId: outputs?.clusterId, directoryId: outputs?.directoryId },
      ]),
  );
}
