import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { bootstrapServers, brokers, METRICS_PORT, programPorts } from "../../model";
import { telemetryTopic } from "../../model/data/programs";
import { readAlert } from "../../payloads/ring/alert";
import { labLogin } from "../../scripts/lib/lab-login";
import { loadTarget } from "../../scripts/lib/load/target";
import { faults } from "../../trials/data-plane/faults";
import { endureLoad } from "../../trials/data-plane/ordeal";
import { remarks, shortcomings } from "../../trials/data-plane/verdict";
import { Chromium } from "../support/browser/chromium";
import {
  consumed,
  DATA_UNITS,
  heard,
  heardSince,
  hostNames,
  publish,
  scramLogin,
  services,
  text,
} from "../support/lab/data-lab";
import { allPis, askAll, piOf } from "../support/lab/pi";
import { waitUntilWell } from "../support/lab/well";
import { createTestStack, type Outcome, type TestStack } from "../support/stack";
import { waitFor } from "../support/wait";

/**
 * What the template's lab does with its data: ring, Mosquitto, telemetry, bridge and load, on virtual Pis as a
 * user has them. The tests go on from each other.
 */

jest.setTimeout(600_000);

const ARTIFACTS = join(__dirname, "../../artifacts/status-page");
const SCREEN = { width: 1920, height: 1080 };

/** A short form of the trial `data-plane`. */
const STAGE = { devices: 100, ratePerSecond: 1, seconds: 220 };

let made: TestStack | undefined;

beforeAll(async () => {
  const stack = await createTestStack({
    edit: (lab) => {
      lab["mqtt"] = { host: "data-1", devices: { "esp32-1": {} } };
      const { routes } = lab["bridge"] as { routes: object[] };
      routes.push({ from: "devices/#", topic: "devices" });
      lab.topics["devices"] = { partitions: 1 };
      // It sends where its button is pressed.
      lab["ring"] = { alertsPerMinute: 0 };
      lab["store"] = {};
      lab["statusPage"] = {};
      lab["alerting"] = { outputs: { topic: "alerts" } };
      lab.topics["alerts"] = { partitions: 1 };
      lab.cluster["metrics"] = true;
      // Everybody logs in: the programs as users of their own, and whoever reads.
      lab.cluster["authentication"] = "scram";
      lab["users"] = { reader: {} };
      lab["acls"] = {
        reader: [
          ...["load", "telemetry", "alerts"].map((topic) => ({ topic, operations: ["read"] })),
          { group: "*", operations: ["read"] },
        ],
      };
    },
  });
  made = stack;
  await stack.up();
});

afterAll(() => made?.remove());

function lab(): TestStack {
  if (made === undefined) throw new Error("the lab did not come up");
  return made;
}

const steps = ({ steps: all }: Outcome): string[] =>
  all
    .filter(({ op }) => ["create", "update", "replace", "delete"].includes(op))
    .map(({ op, name }) => `${op} ${name}`)
    .sort();

describe("from nothing", () => {
  test("each host runs what is its own, and tells its health", async () => {
    const running = await askAll(allPis(lab()), async (pi) => Object.keys(await services(pi)));
    const telemetry = ["pi-lab-telemetry"];
    const client = ["pi-lab-telemetry", "pi-lab-ring"];
    expect(running).toEqual({
      ...{ "broker-1": telemetry, "broker-2": telemetry, "broker-3": telemetry },
      ...{ "client-1": client, "client-2": client, "client-3": client },
      "data-1": DATA_UNITS,
    });
    const { hosts } = lab().lab();
    const dataPrograms = ["alerting", "bridge", "sink", "status-page"] as const;
    const endpoints = hosts.flatMap(({ name, role, machine }) => [
      `http://${machine.address}:${programPorts.telemetry}`,
      ...(role === "client" ? [`http://${machine.address}:${programPorts.ring}`] : []),
      ...(name === "data-1" ? dataPrograms : []).map(
        (program) => `http://${machine.address}:${programPorts[program]}`,
      ),
    ]);
    for (const url of endpoints) {
      await waitFor(`${url} to be healthy`, async () => {
        const answer = await fetch(`${url}/healthz`);
        if (!answer.ok) throw new Error(await answer.text());
        return true;
      });
    }
  });

  test("a second `up` changes nothing and restarts no service", async () => {
    const before = await askAll(allPis(lab()), services);
    expect((await lab().up()).steps).toEqual([]);
    expect(await askAll(allPis(lab()), services)).toEqual(before);
  });

  test("every host's telemetry is in Kafka each second, under its name, without a gap", async () => {
    await waitFor("three messages of each host", async () => {
      const records = await consumed(lab(), "telemetry");
      const counts = hostNames(lab()).map(
        (name) => records.filter(({ key }) => key === name).length,
      );
      return counts.every((count) => count >= 3) || undefined;
    });
    const records = await consumed(lab(), "telemetry");
    for (const name of hostNames(lab())) {
      const own = records.filter(({ key }) => key === name);
      for (const { headers } of own) {
        expect(headers).toEqual([{ key: "mqtt.topic", value: telemetryTopic(name) }]);
      }
      const messages = own.map(heard);
      // Those from before the bridge's first session are nobody's.
      const first = messages[0]!.seq;
      expect(messages.map(({ seq }) => seq)).toEqual(messages.map((_, i) => first + i));
      expect(new Set(messages.map(({ session }) => session)).size).toBe(1);
      for (const { device, time, cpuLoad } of messages) {
        expect(device).toBe(name);
        expect(Math.abs(Date.now() - Date.parse(time))).toBeLessThan(600_000);
        expect(cpuLoad).toBeGreaterThanOrEqual(0);
        expect(cpuLoad).toBeLessThanOrEqual(1);
      }
    }
  });
});

describe("used", () => {
  const alerts = async (): Promise<number[]> =>
    (await consumed(lab(), "red")).map((one) => readAlert({ value: Buffer.from(text(one)) })!.seq);

  test("a client's button sends an alert, held it repeats, and the other clients receive them", async () => {
    const pressed = await lab().script("button", "client-1").ended;
    expect(pressed).toMatchObject({ exitCode: 0, stdout: "client-1: acknowledged 1\n" });
    const held = await lab().script("button", "client-1", "--hold", "3").ended;
    const count = Number(/^client-1: released (\d+)\n$/.exec(held.stdout)?.[1]);
    // Five a second.
    expect(count).toBeGreaterThanOrEqual(10);
    const inKafka = await alerts();
    expect(inKafka).toEqual(inKafka.map((_, i) => i + 1));
    expect(inKafka.length).toBeGreaterThanOrEqual(1 + count);
    for (const other of ["client-2", "client-3"]) {
      const { address } = piOf(lab(), other).host.machine;
      await waitFor(`${other} to have received ${inKafka.length} alerts`, async () => {
        const answer = await fetch(`http://${address}:${programPorts.ring}/metrics`);
        const figures = await answer.text();
        const found = /^pilab_ring_received_total\{from="client-1"\} (\d+)$/m.exec(figures);
        const received = found?.[1];
        if (Number(received) !== inKafka.length) throw new Error(`${received} were`);
        return true;
      });
    }
  });

  test("a declared device publishes with its password on its own topics, and nobody else does", async () => {
    const message = JSON.stringify({ device: "esp32-1", seq: 1, temperatureC: 21.5 });
    await publish(lab(), "devices/esp32-1/air", message);
    await waitFor("the message in Kafka", async () => {
      const records = await consumed(lab(), "devices");
      return records.length > 0 || undefined;
    });
    expect(await consumed(lab(), "devices")).toMatchObject([
      { key: "devices/esp32-1/air", value: message },
    ]);
    await expect(publish(lab(), telemetryTopic("broker-1"), message)).rejects.toThrow(
      /not authorized/,
    );
    await expect(publish(lab(), "devices/esp32-1/air", message, "a guess")).rejects.toThrow(
      /not authorized/,
    );
    expect(await consumed(lab(), "devices")).toHaveLength(1);
  });
});

describe("changed by hand", () => {
  test("a service's edited file is found, and brought back with a restart of that service alone", async () => {
    const data = piOf(lab(), "data-1");
    const client = piOf(lab(), "client-2");
    await data.run("echo 'topic write #' >>/etc/mosquitto/pi-lab.acl");
    await client.run("systemctl stop pi-lab-ring; sed -i s/red/rod/ /etc/pi-lab/ring.json");
    const before = { data: await services(data), client: await services(client) };

    const { exitCode, stdout } = await lab().script("drift").ended;
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/data-1 +\/etc\/mosquitto\/pi-lab\.acl sha256/);
    expect(stdout).toMatch(/client-2 +\/etc\/pi-lab\/ring\.json sha256/);
    expect(stdout).toMatch(/client-2 +pi-lab-ring\.service activeState/);

    expect(steps(await lab().up("--refresh"))).toEqual([
      "replace client-2-services",
      "replace data-1-services",
      "update client-2-state",
      "update data-1-state",
    ]);
    const after = { data: await services(data), client: await services(client) };
    expect({ ...after.data, mosquitto: "" }).toEqual({ ...before.data, mosquitto: "" });
    expect(after.data["mosquitto"]).not.toBe(before.data["mosquitto"]);
    expect({ ...after.client, "pi-lab-ring": "" }).toEqual({ ...before.client, "pi-lab-ring": "" });
    expect((await lab().script("drift").ended).exitCode).toBe(0);
    // Who was thrown off is there again.
    const now = Date.now();
    await waitFor("every host's telemetry", async () => {
      const found = await heardSince(lab(), now);
      return found.length === hostNames(lab()).length || Promise.reject(new Error(found.join()));
    });
  });
});

describe("under load, with parts that fail", () => {
  test("what was sent was acknowledged, is in Kafka and was read by every consumer, by id", async () => {
    await waitUntilWell(lab());
    const model = lab().lab();
    const said: string[] = [];
    const endured = await endureLoad(
      {
        lab: model,
        access: {
          bootstrapServers: bootstrapServers(model).split(","),
          sasl: await scramLogin(lab(), "reader"),
        },
        sasl: await labLogin(lab().folder, model, undefined, lab().engine),
        target: await loadTarget(lab().folder, model, lab().engine),
        pi: (name) => piOf(lab(), name),
        signal: AbortSignal.timeout(480_000),
        log: (line) => said.push(line),
      },
      STAGE,
    ).catch((error: unknown) => {
      throw new Error(said.slice(-40).join("\n"), { cause: error });
    });
    process.stdout.write(`${remarks(endured).join("\n")}\n`);
    expect(shortcomings(endured, hostNames(lab()))).toEqual([]);
    expect(endured.incidents).toHaveLength(faults.length);
  });

  test("the store has the telemetry that Kafka has, each reading once", async () => {
    const inKafka = (await consumed(lab(), "telemetry")).map(
      ({ partition, offset }) => `${partition} ${offset}`,
    );
    const data = piOf(lab(), "data-1");
    await waitFor("the sink to have all of it", async () => {
      const rows = await data.run(
        "cd / && runuser -u postgres -- psql --no-align --tuples-only --field-separator=' ' --file=- pilab",
        `select partition, "offset" from readings where topic = 'telemetry'`,
      );
      const stored = rows.split("\n");
      const counted = new Set(stored);
      expect(stored).toHaveLength(counted.size);
      const missing = inKafka.filter((place) => !counted.has(place));
      if (missing.length > 0) throw new Error(`${missing.length} are missing, ${missing[0]} first`);
      return true;
    });
  });

  test("the status page shows the lab in a browser, all well", async () => {
    const { data, hosts } = lab().lab();
    const { address } = hosts.find(({ name }) => name === data.statusPage?.host)!.machine;
    const chromium = await Chromium.start();
    try {
      const page = await chromium.open(`http://${address}:${data.statusPage!.port}/`, SCREEN);
      await page.until(
        'document.querySelector("#verdict .words")?.textContent === "All is well"',
        30_000,
      );
      for (const name of hostNames(lab())) {
        expect(await page.text(`.slot[data-host="${name}"]`)).toContain(name);
      }
      for (const { name } of lab().lab().topics) {
        expect(await page.text(`tr[data-topic="${name}"]`)).toContain("3 of 3");
      }
      expect(page.complaints).toEqual([]);
      mkdirSync(ARTIFACTS, { recursive: true });
      await page.screenshot(join(ARTIFACTS, "virtual-lab.png"));
    } finally {
      await chromium.stop();
    }
  });

  test("each Kafka node tells its figures, as Prometheus reads them", async () => {
    for (const { name, machine } of brokers(lab().lab())) {
      const answer = await fetch(`http://${machine.address}:${METRICS_PORT}/metrics`);
      const figures = await answer.text();
      expect({ name, figures }).toEqual({
        name,
        figures: expect.stringMatching(/^kafka_under_replicated_partitions 0\.0$/m) as string,
      });
    }
  });
});

describe("swapped", () => {
  test("the MQTT broker's host on another machine: its services come up there, and all find it", async () => {
    const former = piOf(lab(), "data-1");
    lab().edit((value) => (value.hosts["data-1"]!.machine = "pi-7"));
    const preview = await lab().preview();
    expect(preview.errors).toEqual([]);
    const gate = preview.steps.find(({ type }) => type === "pilab:lab/swapGate:SwapGate");
    const { swaps } = gate?.metadata.new?.inputs as { swaps: Record<string, string[]> };
    expect(swaps["data-1"]).toEqual([
      expect.stringMatching(/^pi-8 \(.*\) answers$/),
      expect.stringMatching(/^pi-7 \(.*\) is prepared as data-1$/),
      "services of data-1 on pi-8 are stopped, their data stays",
    ]);
    const up = steps(await lab().up());
    const others = hostNames(lab()).filter((name) => name !== "data-1");
    expect(up).toEqual(
      expect.arrayContaining([
        "replace data-1-services",
        "update left-machines",
        ...others.map((name) => `update ${name}-services`),
      ]),
    );
    expect(Object.keys(await services(piOf(lab(), "data-1")))).toEqual(DATA_UNITS);
    // None of it runs twice, nor starts there at a boot; PostgreSQL's package starts that one, to which nobody writes.
    expect(await services(former)).toEqual({});
    const units = DATA_UNITS.filter((unit) => !unit.startsWith("postgresql"));
    const enabled = await former.run(`systemctl is-enabled ${units.join(" ")} || true`);
    expect(enabled.trim().split("\n")).toEqual(units.map(() => "disabled"));
    const now = Date.now();
    await waitFor("every host's telemetry through the new one", async () => {
      const found = await heardSince(lab(), now);
      return found.length === hostNames(lab()).length || Promise.reject(new Error(found.join()));
    });
    // The password is what it was: it is the device's, not the machine's.
    await publish(lab(), "devices/esp32-1/air", "after the swap");
    await waitFor(
      "its message in Kafka",
      async () =>
        (await consumed(lab(), "devices")).some(({ value }) => value === "after the swap") ||
        undefined,
    );
    await sleep(1000);
    expect((await lab().up()).steps).toEqual([]);
  });

  test("destroying it leaves nothing", async () => {
    expect(await lab().destroy()).toMatchObject({ exitCode: 0, errors: [] });
    await expect(lab().inDocker()).resolves.toEqual([]);
  });
});
