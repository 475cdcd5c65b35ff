import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Chromium } from "../support/browser/chromium";
import type { BrowserPage } from "../support/browser/page";
import { lookAt } from "../support/browser/picture";
import { crowd, exhibit, FedPage } from "../support/page/fed-page";

/** The status page as a browser shows it: headless Chromium, a lab that is what each test says. */

jest.setTimeout(120_000);

const ARTIFACTS = join(__dirname, "../../artifacts/status-page");
const PHONE = { width: 360, height: 740 };
const WALL = { width: 1920, height: 1080 };
const LARGE_WALL = { width: 3840, height: 2160 };

let chromium: Chromium;
let fed: FedPage | undefined;
let page: BrowserPage | undefined;

beforeAll(async () => {
  mkdirSync(ARTIFACTS, { recursive: true });
  chromium = await Chromium.start();
});

afterEach(async () => {
  await page?.close();
  await fed?.close();
  page = undefined;
  fed = undefined;
});

afterAll(() => chromium?.stop());

/** A page that has shown its lab once. `sameDocument` tells later that it was not loaded again. */
async function open(
  lab = exhibit(),
  view: { width: number; height: number } = PHONE,
): Promise<{ fed: FedPage; page: BrowserPage }> {
  fed = await FedPage.start(lab);
  page = await chromium.open(fed.url, view);
  await page.until(`document.querySelectorAll(".slot[data-state]").length === ${lab.hosts.length}`);
  await page.evaluate("void (window.sameDocument = true)");
  return { fed, page };
}

async function photograph(name: string, isWhole = false): Promise<void> {
  const image = await page!.screenshot(join(ARTIFACTS, `${name}.png`), isWhole);
  expect(lookAt(image).differing).toBeGreaterThan(0.2);
}

/** What must hold of every page, whatever it shows. */
async function expectSound(): Promise<void> {
  const { complaints, requests } = page!;
  expect(complaints).toEqual([]);
  expect(requests.length).toBeGreaterThan(4);
  expect(requests.filter((url) => !url.startsWith(`${fed!.url}/`))).toEqual([]);
  const [wide, seen] = await page!.evaluate<[number, number]>(
    "[document.documentElement.scrollWidth, innerWidth]",
  );
  expect(wide).toBeLessThanOrEqual(seen);
}

const card = (host: string) => `.slot[data-host="${host}"]`;
const stateOf = (host: string) => `document.querySelector('${card(host)}').dataset.state`;
const isSame = () => page!.evaluate<boolean>("window.sameDocument === true");

test("shows the switch, what is plugged into each port, and the topics, on a phone", async () => {
  const { page } = await open();
  expect(await page.text("h1")).toBe("Kafka on Raspberry Pis");
  expect(await page.text("#verdict .words")).toBe("All is well");
  const ports = await page.evaluate<string[]>(
    `[...document.querySelectorAll(".slot")].map((slot) => slot.querySelector(".jack-number").textContent + " " + (slot.dataset.host ?? slot.querySelector(".free").textContent))`,
  );
  const plugged = exhibit().hosts.map(({ port, name }) => `Port ${port} ${name}`);
  expect(ports).toEqual([...plugged, "Port 8 free"]);
  expect(await page.text(`${card("broker-1")} .part`)).toMatch(
    /broker 1 · leads \d+ ★ active controller/,
  );
  expect(await page.text(`${card("client-2")} .part`)).toBe("sends green");
  expect(await page.text(`${card("data-1")} .part`)).toContain("MQTT broker");
  expect(await page.text(`${card("client-1")} .degrees`)).toMatch(/^\d\d\.\d °C$/);
  expect(await page.text("#shelf")).toContain("pi-7");
  expect(await page.text('tr[data-topic="telemetry"]')).toMatch(
    /^telemetry ?broker-1 ×2, broker-2 ×2, broker-3 ×2 ?3 of 3/,
  );
  expect(await page.text("#alert-list")).toBe("No alerts.");
  await photograph("phone", true);
  await expectSound();
});

test("follows the lab without being loaded again: figures, a host that goes down and comes back", async () => {
  const { fed, page } = await open();
  const before = await page.text(`${card("client-1")} .degrees`);
  const reading = { isHost: true, cpuLoad: 0.5, underVoltage: false, throttled: false };
  fed.state.hear({ ...reading, device: "client-1", temperatureC: 81.5 }, Date.now());
  await page.until(
    `document.querySelector('${card("client-1")} .degrees').textContent === "81.5 °C hot"`,
  );
  expect(before).not.toBe("81.5 °C hot");
  fed.hostIs("broker-2", false);
  await page.until(`${stateOf("broker-2")} === "down"`);
  // Not by colour alone: in words, by a mark, by a cable that is cut.
  expect(await page.text(`${card("broker-2")} .pill`)).toBe("✕down");
  expect(await page.text(`${card("broker-2")} .says`)).toMatch(
    /^(Kafka is down|off or cut off).* · \d+ s$/,
  );
  expect(
    await page.evaluate(
      `getComputedStyle(document.querySelector('${card("broker-2")} .cut')).display`,
    ),
  ).toBe("block");
  expect(await page.text("#verdict .words")).toMatch(/^1 of 3 brokers down, 6 topics in trouble$/);
  expect(await page.text("#announcer")).toContain("broker-2: ");
  expect(await page.text('tr[data-topic="green"]')).toMatch(
    /green! copies missing ?broker-3 ?2 of 3/,
  );
  expect(await page.evaluate("document.title")).toBe("✕ Kafka on Raspberry Pis");
  await photograph("phone-broker-down", true);
  fed.hostIs("broker-2", true);
  await page.until(`${stateOf("broker-2")} === "up"`);
  expect(await page.text("#verdict .words")).toBe("All is well");
  expect(await isSame()).toBe(true);
  await expectSound();
});

test("says since when it has lost the lab, and goes on by itself when the page is served again", async () => {
  const { fed, page } = await open();
  expect(await page.evaluate("document.getElementById('lost').hidden")).toBe(true);
  await fed.close();
  // Told that too many follow, a browser makes no more tries of its own.
  const crowded = createServer((_request, response) => response.writeHead(503).end());
  const refused = once(crowded, "request");
  await new Promise<void>((resolve) =>
    crowded.listen(Number(new URL(fed.url).port), "127.0.0.1", resolve),
  );
  await page.until("!document.getElementById('lost').hidden");
  expect(await page.text("#lost")).toMatch(
    /^Connection lost \d+ s ago: this is the lab as of \d\d:\d\d:\d\d\.$/,
  );
  expect(await page.text("#live")).toMatch(/^stale/);
  await photograph("phone-lost");
  await refused;
  await new Promise((resolve) => {
    crowded.close(resolve);
    crowded.closeAllConnections();
  });
  fed.hostIs("client-1", false);
  await fed.open();
  await page.until("document.getElementById('lost').hidden");
  await page.until(`${stateOf("client-1")} === "down"`);
  expect(await isSame()).toBe(true);
  // That nobody served it is all that the browser complains of.
  const of = /ERR_(CONNECTION_REFUSED|INCOMPLETE_CHUNKED_ENCODING)|status of 503/;
  expect(page.complaints.filter((text) => !of.test(text))).toEqual([]);
});

test("shows what devices and alerts say as text, whatever they say", async () => {
  const { fed, page } = await open();
  const evil = [
    "<img src=x onerror=window.pwned=1>",
    "</script><script>window.pwned=1</script>",
    '"><svg onload=window.pwned=1>',
    "javascript:window.pwned=1",
    "{{constructor.constructor('window.pwned=1')()}}",
    "__proto__",
  ];
  const reading = {
    isHost: false,
    temperatureC: 20,
    cpuLoad: 0.1,
    underVoltage: false,
    throttled: false,
  };
  for (const name of evil) fed.state.hear({ ...reading, device: name }, Date.now());
  evil.forEach((text, i) =>
    fed.state.alert({
      ...{ id: `${text}${i}`, rule: text, severity: text, summary: i % 2 === 0 ? text : "" },
      ...{ subjects: [text], isFiring: i !== 1, sinceMs: Date.now() - 5_000 },
      untilMs: i === 1 ? Date.now() : undefined,
    }),
  );
  await page.until(`document.querySelectorAll(".alert").length === ${evil.length}`);
  expect(await page.count("#device-list li")).toBe(evil.length);
  for (const text of evil) {
    const shown = JSON.stringify(text);
    expect(
      await page.evaluate(`document.getElementById("device-list").textContent.includes(${shown})`),
    ).toBe(true);
    expect(
      await page.evaluate(`document.getElementById("alert-list").textContent.includes(${shown})`),
    ).toBe(true);
  }
  expect(
    await page.evaluate(
      `[...document.querySelectorAll(".alert .mark")].map((mark) => mark.textContent).join("")`,
    ),
  ).toMatch(/^!{5}✓$/);
  await sleep(300);
  expect(await page.evaluate("window.pwned ?? ({}).pwned ?? null")).toBeNull();
  expect(await page.count("script:not([src]), main img, [onerror], [onload]")).toBe(0);
  await photograph("phone-strange-names", true);
  await expectSound();
});

test("fills a wall without scrolling, in the dark and in the light, and a larger one with larger letters", async () => {
  const { fed, page } = await open(exhibit(), WALL);
  fed.hostIs("client-3", false);
  const alert = { id: "a", rule: "silence", severity: "critical", subjects: ["client-3"] };
  fed.state.alert({
    ...{ ...alert, isFiring: true, summary: "client-3 is silent" },
    ...{ sinceMs: Date.now() - 90_000, untilMs: undefined },
  });
  await page.until(
    `document.querySelector(".alert .when")?.textContent.includes("critical · silence · since")`,
  );
  const size = () =>
    page.evaluate<number>("parseFloat(getComputedStyle(document.documentElement).fontSize)");
  const small = await size();
  for (const scheme of ["light", "dark"] as const) {
    await page.show({ ...WALL, scheme });
    await page.until(`document.documentElement.dataset.theme === "${scheme}"`);
    await photograph(`wall-${scheme}`);
    await expectSound();
    expect(await page.evaluate("document.documentElement.scrollHeight <= innerHeight")).toBe(true);
  }
  const ground = () => page.evaluate<string>("getComputedStyle(document.body).backgroundColor");
  const dark = await ground();
  await page.show({ ...LARGE_WALL, scheme: "light" });
  await page.until(`document.documentElement.dataset.theme === "light"`);
  expect(await ground()).not.toBe(dark);
  expect(await size()).toBeCloseTo(2 * small, 0);
  expect(await page.evaluate("document.documentElement.scrollHeight <= innerHeight")).toBe(true);
  await photograph("wall-large");
  await expectSound();
  // The screen's owner has the last word.
  await page.evaluate(`location.replace("?theme=dark")`);
  await page.until(
    `location.search !== "" && document.querySelector(".slot[data-state]") !== null`,
  );
  expect(await ground()).toBe(dark);
});

test("stays of use with 60 hosts and 200 topics", async () => {
  const { fed, page } = await open(crowd(), WALL);
  expect(await page.count("#topic-rows tr")).toBe(200);
  expect(await page.count(".slot.unused")).toBe(4);
  await photograph("crowd-wall");
  const names = crowd().hosts.map(({ name }) => name);
  const shown = await page.evaluate<string[]>(
    `[...document.querySelectorAll(".slot[data-host]")].map(({ dataset }) => dataset.host)`,
  );
  expect(shown).toEqual(names);
  const begun = Date.now();
  fed.hostIs("broker-4", false);
  await page.until(`${stateOf("broker-4")} === "down"`);
  expect(Date.now() - begun).toBeLessThan(3_000);
  // What is in trouble stands first.
  expect(await page.text("#topic-rows tr:first-child .topic-state")).toMatch(/^! copies missing/);
  await page.show(PHONE);
  await photograph("crowd-phone");
  await expectSound();
});

test("can be used by the keyboard, by who wants no motion, and by who hears it", async () => {
  const { page } = await open();
  await page.show({ isMotionReduced: false });
  await page.until("document.getAnimations().length > 0");
  await page.show({ isMotionReduced: true });
  await page.until("document.getAnimations().length === 0");
  await page.press("Tab");
  expect(await page.evaluate("document.activeElement.className")).toBe("skip");
  expect(await page.evaluate("document.activeElement.getBoundingClientRect().top >= 0")).toBe(true);
  await page.press("Tab");
  expect(await page.evaluate("document.activeElement.className")).toBe("scroll");
  // Each drawing is either nothing to hear or has words of its own; each heading is in its order.
  expect(await page.count("svg:not([aria-hidden]):not([aria-label])")).toBe(0);
  expect(await page.text(`${card("broker-1")} .trend title`)).toMatch(
    /^Temperature of the last 10 minutes: \d/,
  );
  expect(await page.evaluate("document.documentElement.lang")).toBe("en");
  expect(
    await page.evaluate(
      `[...document.querySelectorAll("h1, h2, h3")].map(({ tagName }) => tagName).join("")`,
    ),
  ).toMatch(/^H1H2(H3){7}H2H2(H2)?$/);
  await expectSound();
});
