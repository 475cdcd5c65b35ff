import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { type AclRule, type KafkaAccess, parseLab, type StatusPageConfig } from "../../model";
import { KafkaProducer } from "../../payloads/lib/kafka";
import { statusPageConfig } from "../../payloads/status-page/config";
import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { PATIENT } from "../../provider/admin/port";
import { salted } from "../../provider/user/salt";
import { blankSecrets } from "../../render/services";
import { statusPageService } from "../../render/services/status-page";
import { Chromium } from "../support/browser/chromium";
import type { BrowserPage } from "../support/browser/page";
import { everywhere } from "../support/kafka/guarded";
import { freePorts, StartedKafkaCluster } from "../support/kafka/kafka-cluster";
import { awaitLeader } from "../support/kafka/write-records";
import { change, physicalConfig } from "../support/lab-config";
import { StartedProgram } from "../support/started-program";

/**
 * The status page as it runs on a host: the configuration that the lab renders, the program, three real brokers
 * that ask who somebody is and let it do what the lab's rules allow, and a browser.
 */

jest.setTimeout(180_000);

const ARTIFACTS = join(__dirname, "../../artifacts/status-page");
const OPERATOR = { username: "operator", password: "operators-secret" };
const SASL = { mechanism: "PLAIN", ...OPERATOR } as const;
const USER = "pi-lab-status-page";
const PASSWORD = "pages-secret";

const TOPICS = { red: { partitions: 2 }, green: {}, telemetry: {}, alerts: {} };

function labWithPage() {
  const config = change(physicalConfig(), ["topics"], TOPICS);
  change(config, ["cluster"], { authentication: "scram" });
  change(config, ["mqtt"], { host: "desk-1" });
  change(config, ["telemetry"], {});
  change(config, ["bridge"], { routes: [{ from: "hosts/+/telemetry", topic: "telemetry" }] });
  return parseLab(change(config, ["statusPage"], { title: "Exhibit", alertTopics: ["alerts"] }));
}

const lab = labWithPage();
let cluster: StartedKafkaCluster;
let admin: PlatformaticAdmin;
let chromium: Chromium;
let root: string;
let feeder: KafkaProducer;

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), "pi-lab-page-"));
  mkdirSync(ARTIFACTS, { recursive: true });
  cluster = await StartedKafkaCluster.start({}, { superUser: OPERATOR });
  admin = new PlatformaticAdmin(cluster.bootstrapServers.split(","), { ...PATIENT, sasl: SASL });
  for (const { name, partitions } of lab.topics) {
    await admin.createTopic({ name, partitions, replicationFactor: 3, config: {} });
    await awaitLeader(admin, name);
  }
  chromium = await Chromium.start();
  feeder = new KafkaProducer(
    await user("feeder", [
      ...Object.keys(TOPICS).flatMap((name) => [rule(name, "describe"), rule(name, "write")]),
    ]),
    () => {},
  );
});

afterAll(async () => {
  await feeder?.close(1_000);
  await chromium?.stop();
  await admin?.close();
  await cluster?.stop();
  rmSync(root, { recursive: true, force: true });
});

const rule = (name: string, operation: AclRule["operation"]): AclRule => ({
  ...{ resource: "topic", name, pattern: "literal", operation, permission: "allow", host: "*" },
});

/** Somebody with these rules, known to every broker. */
async function user(username: string, rules: readonly AclRule[]): Promise<KafkaAccess> {
  const credential = await salted("SCRAM-SHA-512", { password: PASSWORD, iterations: 4096 });
  await admin.security.setCredential(username, credential);
  await admin.security.createAcls(`User:${username}`, rules);
  await everywhere(cluster.bootstrapServers, SASL, async (security) => {
    const known = await security.describeUser(username);
    return (
      known.size > 0 && (await security.describeAcls(`User:${username}`)).length === rules.length
    );
  });
  return {
    bootstrapServers: cluster.bootstrapServers.split(","),
    sasl: { mechanism: "SCRAM-SHA-512", username, password: PASSWORD },
  };
}

/** What the lab renders for the host, with the brokers of this machine for the lab's. */
async function configHere(): Promise<StatusPageConfig> {
  const host = lab.hosts.find(({ name }) => name === "desk-1")!;
  const service = statusPageService(lab, host, blankSecrets(lab));
  const entry = service?.entries.find(({ path }) => path === "/etc/pi-lab/status-page.json");
  if (entry?.kind !== "file") throw new Error("the lab renders no configuration of the page");
  const config = statusPageConfig.parse(JSON.parse(entry.content));
  const rules = lab.acls.find((acls) => acls.user === USER)?.rules ?? [];
  const [endpoint = 0, page = 0] = await freePorts(2);
  return {
    ...config,
    endpoint: { address: "127.0.0.1", port: endpoint },
    page: { address: "127.0.0.1", port: page },
    kafka: await user(USER, rules),
    lab: {
      ...config.lab,
      hosts: config.lab.hosts.map(({ node, ...drawn }) =>
        node === undefined
          ? drawn
          : { ...drawn, node: { ...node, address: cluster.broker(node.id).address } },
      ),
    },
  };
}

/** Telemetry of all hosts but those that are silent, and a stream of records, until it is stopped. */
function feed(silent: ReadonlySet<string>): { stop(): void } {
  let seq = 0;
  const timer = setInterval(() => {
    seq++;
    const telemetry = lab.hosts
      .filter(({ name }) => !silent.has(name))
      .map(({ name }, i) => ({
        topic: "telemetry",
        key: name,
        value: Buffer.from(
          JSON.stringify({
            ...{ device: name, time: new Date().toISOString(), seq, session: "s" },
            ...{ temperatureC: 40 + i, cpuLoad: 0.25 },
          }),
        ),
        headers: { "mqtt.topic": `hosts/${name}/telemetry` },
      }));
    const red = Array.from({ length: 10 }, (_, i) => ({
      ...{ topic: "red", key: `${seq}-${i}`, value: Buffer.from("x") },
    }));
    feeder.send([...telemetry, ...red]).catch(() => {});
  }, 500);
  return { stop: () => clearInterval(timer) };
}

const state = (host: string) =>
  `document.querySelector('.slot[data-host="${host}"]')?.dataset.state`;
const textOf = (selector: string) =>
  `document.querySelector(${JSON.stringify(selector)})?.textContent`;

async function becomes(page: BrowserPage, host: string, is: string): Promise<void> {
  await page.until(`${state(host)} === "${is}"`, 30_000);
}

test("a lab in a browser: temperatures, rates, an alert, a host that falls silent, a broker that dies and returns", async () => {
  const config = await configHere();
  const file = join(root, "status-page.json");
  writeFileSync(file, JSON.stringify(config));
  const program = new StartedProgram("status-page", [file], {}, config.endpoint.port);
  const silent = new Set<string>();
  const feeding = feed(silent);
  try {
    await program.awaitHealthy();
    const page = await chromium.open(`http://127.0.0.1:${config.page.port}/`, {
      ...{ width: 1920, height: 1080 },
    });
    for (const { name } of lab.hosts) await becomes(page, name, "up");
    expect(await page.text("h1")).toBe("Exhibit");
    expect(await page.text("#verdict .words")).toBe("All is well");
    await page.until('document.querySelectorAll(".crown").length === 1');
    const temperature = '.slot[data-host="client-1"] .degrees';
    await page.until(`${textOf(temperature)} === "43.0 °C"`);
    expect(await page.text('tr[data-topic="red"]')).toMatch(/^red ?broker-\d.*3 of 3/);
    // Ten records each half second.
    await page.until(
      `Math.abs(Number(${textOf('tr[data-topic="red"] .number')}) - 20) <= 4`,
      30_000,
    );

    const alert = {
      ...{ id: "hot/client-1@1", status: "firing", rule: "hot", type: "threshold" },
      ...{ severity: "warning", subject: "client-1", summary: "client-1 is warm", value: 43 },
      ...{ since: new Date().toISOString(), at: new Date().toISOString(), told: 1, members: [] },
    };
    const tell = (value: object) =>
      feeder.send([{ topic: "alerts", key: "hot", value: Buffer.from(JSON.stringify(value)) }]);
    await tell(alert);
    await page.until(`${textOf(".alert .summary")} === "client-1 is warm"`);
    expect(await page.text(".alert .when")).toMatch(/^warning · hot · since /);
    await tell({ ...alert, status: "resolved" });
    await page.until('document.querySelector(".alert")?.dataset.state === "over"');

    silent.add("client-2");
    const victim = await awaitLeader(admin, "green");
    const killedAt = Date.now();
    await cluster.stopBroker(victim, "SIGKILL");
    await becomes(page, `broker-${victim}`, "down");
    expect(Date.now() - killedAt).toBeLessThan(6_000);
    // Others lead, and a copy is missing.
    await page.until(`${textOf('tr[data-topic="green"]')}?.includes("2 of 3")`, 30_000);
    await page.until(`!${textOf('tr[data-topic="green"]')}.includes("broker-${victim}")`, 30_000);
    await becomes(page, "client-2", "down");
    expect(await page.text('.slot[data-host="client-2"] .says')).toMatch(/^silent · \d+ s$/);
    await page.screenshot(join(ARTIFACTS, "live-broker-down.png"));

    silent.delete("client-2");
    cluster.startBroker(victim);
    await becomes(page, "client-2", "up");
    await becomes(page, `broker-${victim}`, "up");
    await page.until(`${textOf('tr[data-topic="green"]')}?.includes("3 of 3")`, 30_000);
    await page.until(`${textOf("#verdict .words")} === "All is well"`, 30_000);
    expect(page.complaints).toEqual([]);
    expect(page.requests.filter((url) => !url.includes(`127.0.0.1:${config.page.port}/`))).toEqual(
      [],
    );

    const figures = await program.figures();
    expect(figures("pilab_status_page_clients")).toBe(1);
    expect(figures("pilab_status_page_readings_total")).toBeGreaterThan(20);
    expect(figures("pilab_status_page_malformed_total")).toBe(0);
    // What everybody may read holds no password, and no address.
    const told = await (await fetch(`http://127.0.0.1:${config.page.port}/api/state`)).text();
    expect(told).toContain('"host broker-1"');
    expect(told).not.toMatch(/pages-secret|127\.0\.0\.1/);
    const { code, output } = await program.stop();
    expect(code).toBe(0);
    expect(output).not.toContain(PASSWORD);
    await page.until("document.body.classList.contains('stale')");
    await page.close();
  } finally {
    feeding.stop();
    await program.kill();
  }
});
