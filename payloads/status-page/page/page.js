/* Follows the lab by server-sent events and shows what comes. */
import { atTime, h, inWords, refreshAges, setAttribute, setText } from "./dom.js";
import { drawBench } from "./hosts.js";
import { showAlerts, showDevices, showSummary, showTopics } from "./panels.js";

/** Something comes each five seconds at least; after this the connection is dead, whatever it says of itself. */
const SILENCE_MS = 12_000;
/** A shorter loss is not worth a word. */
const LOSS_MS = 3_000;
/** Before a new try where the browser itself does not try again. */
const REOPEN_MS = 5_000;

const byId = (id) => document.getElementById(id);

/** All that is shown, by key; see payloads/status-page/items.ts. */
const items = new Map();
let cards = new Map();
let drawnFor = "";
let source;
let openedAt = 0;
/** When something came last, by this browser's clock; and how far the lab's clock is ahead of that. */
let heardAt;
let clockAhead = 0;
let isLost = false;

const labNow = () => Date.now() + clockAhead;

function open() {
  source?.close();
  openedAt = Date.now();
  source = new EventSource("/events");
  source.addEventListener("snapshot", ({ data }) => {
    const { at, items: all } = JSON.parse(data);
    items.clear();
    heard(at);
    take(all, true);
  });
  source.addEventListener("change", ({ data }) => {
    const { at, items: changed } = JSON.parse(data);
    heard(at);
    take(changed, false);
  });
  source.addEventListener("beat", ({ data }) => heard(JSON.parse(data).at));
}

function heard(at) {
  heardAt = Date.now();
  clockAhead = at - heardAt;
  showConnection();
}

function take(changes, isAll) {
  const kinds = new Set();
  const told = [];
  for (const [key, item] of Object.entries(changes)) {
    const [kind] = key.split(" ", 1);
    kinds.add(kind);
    const before = items.get(key);
    if (item === null) items.delete(key);
    else items.set(key, item);
    if (kind === "host" && !isAll && before && item && before.state !== item.state)
      told.push(`${item.name}: ${item.says}`);
  }
  const changed = isAll ? undefined : Object.keys(changes);
  show(isAll ? new Set(["lab", "cluster", "topic", "alert", "device"]) : kinds, changed);
  if (told.length > 0) setText(byId("announcer"), told.slice(0, 5).join("; "));
}

/** The items of a kind, in the order in which they came first. */
const all = (kind) =>
  [...items].flatMap(([key, item]) => (key.startsWith(`${kind} `) ? [item] : []));

/** @param changed keys of what has changed; undefined for all */
function show(kinds, changed) {
  const lab = items.get("lab");
  const cluster = items.get("cluster");
  if (lab === undefined || cluster === undefined) return;
  if (changed === undefined) drawLab(lab);
  const names = changed === undefined ? [...cards.keys()] : namesIn(changed);
  for (const name of names) {
    const host = items.get(`host ${name}`);
    if (host !== undefined) cards.get(name)?.update(host, items.get(`trend ${name}`));
  }
  const alerts = all("alert");
  if (kinds.has("cluster") || kinds.has("alert")) showSummary(cluster, lab, alerts);
  if (kinds.has("topic")) showTopics(all("topic").map((topic, order) => ({ ...topic, order })));
  if (kinds.has("alert")) showAlerts(alerts, lab, labNow());
  if (kinds.has("device")) showDevices(all("device"));
  refreshAges(document, labNow());
}

const namesIn = (keys) =>
  new Set(
    keys
      .filter((key) => /^(?:host|trend) /.test(key))
      .map((key) => key.slice(key.indexOf(" ") + 1)),
  );

/** Anew only where it has become another lab. */
function drawLab(lab) {
  const hosts = all("host");
  const plugs = hosts.map(({ name, port, role, topic, machine }) => [
    name,
    port,
    role,
    topic,
    machine,
  ]);
  const drawing = JSON.stringify([lab, plugs]);
  if (drawing === drawnFor) return;
  drawnFor = drawing;
  cards = drawBench(byId("bays"), lab, hosts);
  setText(byId("title").querySelector("span"), lab.title);
  setAttribute(document.body, "data-density", byId("bays").dataset.density);
  const shelf = byId("shelf");
  shelf.hidden = lab.spares.length === 0;
  const chips = lab.spares.map(({ machine, board }) =>
    h("span", { class: "spare" }, machine, h("span", { class: "board" }, ` ${board}`)),
  );
  shelf.replaceChildren(h("span", { class: "shelf-title" }, "Spare, not plugged in: "), ...chips);
}

function showConnection() {
  const now = Date.now();
  const silentMs = now - (heardAt ?? openedAt);
  const isOpen = source.readyState === EventSource.OPEN && silentMs < SILENCE_MS;
  isLost = !isOpen && silentMs >= LOSS_MS;
  const banner = byId("lost");
  if (isLost) {
    const words =
      heardAt === undefined
        ? `The lab's page does not answer, for ${inWords(silentMs)}.`
        : `Connection lost ${inWords(silentMs)} ago: this is the lab as of ${atTime(heardAt, now)}.`;
    setText(banner, words);
  }
  banner.hidden = !isLost;
  document.body.classList.toggle("stale", isLost);
  const live = byId("live");
  setAttribute(live, "data-live", isOpen && heardAt !== undefined);
  const state = isLost ? "stale" : isOpen && heardAt !== undefined ? "live" : "connecting";
  setText(live.lastElementChild, heardAt === undefined ? state : `${state} · ${atTime(now, now)}`);
}

/** Once a second: ages grow, and a connection that says nothing is given up. */
function tick() {
  const now = Date.now();
  const isSilent = now - Math.max(heardAt ?? 0, openedAt) >= SILENCE_MS;
  const isClosed = source.readyState === EventSource.CLOSED && now - openedAt >= REOPEN_MS;
  if (isSilent || isClosed) open();
  showConnection();
  if (!isLost) refreshAges(document, labNow());
}

open();
setInterval(tick, 1_000);
