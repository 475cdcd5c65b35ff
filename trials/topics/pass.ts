/** A topic taken through all its changes by the provider, each looked at in the cluster and again by the provider. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { PropertyMap } from "../../plugins/common/rpc";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import {
  PATIENT,
  type AdminOptions,
  type KafkaAdmin,
  type LiveTopic,
} from "../../provider/admin/port";
import { pilabProvider } from "../../provider/provider";
import { writeRecords } from "../../test/support/kafka/write-records";
import { ProviderDriver, type ResourceDriver } from "../../test/support/provider-driver";
import type { Bench } from "../trial";

const TOPIC = "pilab:kafka/topic:Topic";
/** Set by somebody else, and to be left alone. */
const THEIRS = { "max.message.bytes": "2000000" };
/** One replica must do: what the brokers' own defaults are differs. */
const MIN_ISR = { "min.insync.replicas": "1" };
const RECORDS = 200;
const SETTLED_MS = 30_000;

/** @param servers client listeners of three brokers, `host:port`, by node */
export async function topicPass(servers: ReadonlyMap<number, string>, bench: Bench): Promise<void> {
  const bootstrapServers = [...servers.values()].join(",");
  const admin = new PlatformaticAdmin(bootstrapServers.split(","), PATIENT);
  const drivers: ProviderDriver[] = [];
  const provider = async (config: PropertyMap): Promise<ProviderDriver> => {
    const ports = {
      connectAdmin: (to: readonly string[], options: AdminOptions) =>
        new PlatformaticAdmin(to, options),
      openShell: () => Promise.reject(new Error("a topic has nothing to do with hosts")),
    };
    const started = await ProviderDriver.start(pilabProvider(ports), {
      bootstrapServers,
      ...config,
    });
    drivers.push(started);
    return started;
  };
  try {
    const red = (await provider({})).resource(TOPIC, "red");
    const pass = new Pass(servers, admin, red, bench);
    await pass.change();
    await pass.destroy(provider);
    bench.note(
      `made, 3 settings changed beside another's, 2 to 4 partitions, replicas 1 to 3 to 1, placed, ` +
        `destroyed; after each step ${RECORDS} records, no throttle, and nothing for a further \`up\``,
    );
  } finally {
    for (const driver of drivers) await driver.stop();
    await admin.close();
  }
}

class Pass {
  /** As the program declares it. */
  private declared: PropertyMap = {
    name: "red",
    partitions: 2,
    replicationFactor: 1,
    config: { "retention.ms": "86400000", "segment.ms": "3600000", ...MIN_ISR },
    deletionProtection: false,
  };

  constructor(
    private readonly servers: ReadonlyMap<number, string>,
    private readonly admin: KafkaAdmin,
    private readonly red: ResourceDriver,
    private readonly bench: Bench,
  ) {}

  async change(): Promise<void> {
    const [first = 0, second = 0, third = 0] = this.servers.keys();
    await this.step("made with one replica", {}, "created", (live) => {
      assert.deepEqual(live.config, this.declared["config"]);
      assert.deepEqual(factors(live), [1, 1]);
    });
    await this.write();
    await this.admin.alterTopicConfig("red", THEIRS, []);
    const config = { "retention.ms": "7200000", "cleanup.policy": "compact,delete", ...MIN_ISR };
    await this.step("settings changed, added and removed", { config }, "updated", (live) =>
      assert.deepEqual(live.config, { ...config, ...THEIRS }),
    );
    await this.step("4 partitions", { partitions: 4 }, "updated", (live) =>
      assert.deepEqual(factors(live), [1, 1, 1, 1]),
    );
    await this.step("three replicas", { replicationFactor: 3 }, "updated", (live) =>
      assert.deepEqual(factors(live), [3, 3, 3, 3]),
    );
    await this.step("one replica again", { replicationFactor: 1 }, "updated", (live) =>
      assert.deepEqual(factors(live), [1, 1, 1, 1]),
    );
    const placement = [
      [first, second],
      [second, third],
      [third, first],
      [first, third],
    ];
    await this.step("placed by hand", { replicationFactor: 2, placement }, "updated", (live) => {
      assert.deepEqual(
        live.partitions.map(({ replicas }) => replicas),
        placement,
      );
      // The first of each leads, once the election is through.
      assert.deepEqual(
        live.partitions.map(({ leader }) => leader),
        placement.map(([preferred]) => preferred),
      );
    });
  }

  /** It holds records: a consent with its id lets it go, and before Kafka 2.8, which knows no ids, no protection does. */
  async destroy(provider: (config: PropertyMap) => Promise<ProviderDriver>): Promise<void> {
    const topicId = (await this.admin.describeTopic("red"))?.topicId ?? "";
    if (topicId !== "") {
      await assert.rejects(this.red.delete(), new RegExp(`would lose up to ${RECORDS} records`));
    }
    const consenting = await provider({ deletionConsents: topicId === "" ? [] : [topicId] });
    const doomed = consenting.resource(TOPIC, "red");
    doomed.state = this.red.known();
    await doomed.delete();
    await this.until("the topic is gone", async () =>
      assert.equal(await this.admin.describeTopic("red"), undefined),
    );
  }

  /** One edit and `up`; then the cluster is as it says, and neither another `up` nor a refresh finds anything. */
  private async step(
    title: string,
    changes: PropertyMap,
    outcome: "created" | "updated",
    isSo: (live: LiveTopic) => void,
  ): Promise<void> {
    this.bench.signal.throwIfAborted();
    this.bench.log(`  ${title}`);
    const { red, admin } = this;
    this.declared = { ...this.declared, ...changes };
    try {
      assert.equal(await red.up(this.declared), outcome);
      // The broker that we ask hears of a change in its own time.
      await this.until(title, async () => {
        const live = await admin.describeTopic("red");
        assert.ok(live !== undefined, "the topic is not there");
        assert.ok(live.partitions.every(({ isr, replicas }) => isr.length === replicas.length));
        isSo(live);
      });
      assert.deepEqual(await admin.listReassignments(["red"]), []);
      assert.deepEqual(await admin.replicationThrottles(), new Map());
      assert.equal(await red.up(this.declared), "unchanged");
      await red.refresh();
      assert.deepEqual(await red.diff(this.declared), {}, "a refresh has found drift");
      if (outcome === "updated") assert.equal(await this.count(), BigInt(RECORDS));
    } catch (error) {
      throw new Error(`${title}: ${(error as Error).message}`, { cause: error });
    }
  }

  /** Records with keys, in partition 0. */
  private async write(): Promise<void> {
    const live = await this.admin.describeTopic("red");
    const server = this.servers.get(live?.partitions[0]?.leader ?? -1) ?? "";
    const records = Array.from({ length: RECORDS }, (_, index) => ({
      key: String(index),
      value: "x".repeat(100),
    }));
    await writeRecords(server, "red", 0, records);
  }

  private async count(): Promise<bigint> {
    const partitions = Array.from({ length: Number(this.declared["partitions"]) }, (_, i) => i);
    const [begin, end] = await Promise.all([
      this.admin.offsets("red", partitions, "earliest"),
      this.admin.offsets("red", partitions, "latest"),
    ]);
    const of = (offsets: ReadonlyMap<number, bigint>): bigint =>
      [...offsets.values()].reduce((sum, each) => sum + each, 0n);
    return of(end) - of(begin);
  }

  private async until(what: string, holds: () => Promise<void>): Promise<void> {
    for (const end = Date.now() + SETTLED_MS; ; await sleep(100)) {
      try {
        return await holds();
      } catch (error) {
        if (!(error instanceof assert.AssertionError)) throw error;
        if (Date.now() < end) continue;
        throw new Error(`waited ${SETTLED_MS / 1000} s for: ${what}: ${error.message}`, {
          cause: error,
        });
      }
    }
  }
}

const factors = (live: LiveTopic): number[] =>
  live.partitions.map(({ replicas }) => replicas.length);
