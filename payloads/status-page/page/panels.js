/* What stands above and below the drawing: figures, topics, alerts, devices. */
import { MARKS, age, atTime, colourOf, h, inDigits, setAttribute, setText, sync } from "./dom.js";

const byId = (id) => document.getElementById(id);
const figureRows = new Map();
const topicRows = new Map();
const alertRows = new Map();
const deviceRows = new Map();

/** How the lab fares as a whole, in words, and the figures beside it. */
export function showSummary(cluster, lab, alerts) {
  const firing = alerts.filter(({ isFiring }) => isFiring);
  const verdict = verdictOf(cluster, firing);
  const element = byId("verdict");
  setAttribute(element, "data-verdict", verdict.state);
  setText(element.querySelector(".mark"), MARKS[verdict.state]);
  const words = element.querySelector(".words");
  words.replaceChildren(verdict.words, ...(cluster.problem ? [age(cluster.since, " for ")] : []));
  const { brokers, brokersUp, hosts, hostsDown, rate, topicsInTrouble } = cluster;
  const figures = [
    { name: "Brokers up", value: `${brokersUp} of ${brokers}`, isBad: brokersUp < brokers },
    { name: "Hosts down", value: `${hostsDown} of ${hosts}`, isBad: hostsDown > 0 },
    { name: "Records/s", value: rate === undefined ? "–" : inDigits(rate) },
    { name: "Topic faults", value: String(topicsInTrouble), isBad: topicsInTrouble > 0 },
    ...(lab.hasAlerts
      ? [{ name: "Alerts", value: String(firing.length), isBad: firing.length > 0 }]
      : []),
  ];
  sync(byId("figures"), figureRows, figures, ({ name }) => name, makeFigure);
  const sign = verdict.state === "up" ? "" : `${MARKS[verdict.state]} `;
  document.title = `${sign}${lab.title}`;
}

function verdictOf(cluster, firing) {
  const { problem, brokersUp, brokers, hostsDown, topicsInTrouble, telemetryFlows } = cluster;
  const critical = firing.filter(({ severity }) => severity === "critical");
  if (problem !== undefined) return { state: "down", words: "No broker answers" };
  const others = hostsDown - (brokers - brokersUp);
  const troubles = [
    brokersUp < brokers && `${brokers - brokersUp} of ${brokers} brokers down`,
    others > 0 &&
      `${others} ${brokersUp < brokers ? "other " : ""}${others === 1 ? "host" : "hosts"} down`,
    topicsInTrouble > 0 &&
      `${topicsInTrouble} ${topicsInTrouble === 1 ? "topic" : "topics"} in trouble`,
    telemetryFlows === false && "no telemetry comes",
    firing.length > 0 && `${firing.length} ${firing.length === 1 ? "alert" : "alerts"}`,
  ].filter(Boolean);
  if (troubles.length === 0) return { state: "up", words: "All is well" };
  const words = troubles.slice(0, 3).join(", ");
  const state = brokersUp < brokers || hostsDown > 0 || critical.length > 0 ? "down" : "warning";
  return { state, words: words[0].toUpperCase() + words.slice(1) };
}

function makeFigure({ name }) {
  const value = h("dd");
  const element = h("div", null, h("dt", null, name), value);
  return {
    element,
    update: (figure) => {
      setText(value, figure.value);
      setAttribute(element, "data-bad", figure.isBad === true);
    },
  };
}

const TROUBLES = ["no-leader", "missing", "under-min-isr", "under-replicated", "unknown", "ok"];
const TOPIC_MARKS = { ok: "up", "under-replicated": "warning", unknown: "unknown" };

/** Those in trouble first: on a wall nobody scrolls. */
export function showTopics(topics) {
  const sorted = [...topics].sort(
    (a, b) => TROUBLES.indexOf(a.state) - TROUBLES.indexOf(b.state) || a.order - b.order,
  );
  sync(byId("topic-rows"), topicRows, sorted, ({ name }) => name, makeTopic);
  const of = topics.length > 12 ? ` (${topics.length})` : "";
  setAttribute(byId("topics"), "data-long", topics.length > 25);
  setText(byId("topics-title"), `Topics${of}`);
}

function makeTopic({ name }) {
  const leader = h("td");
  const isr = h("td");
  const rate = h("td", { class: "number" });
  const state = h("span", { class: "topic-state" });
  const colour = colourOf(name);
  const swatch =
    colour && h("span", { class: "swatch", "data-colour": colour, "aria-hidden": "true" });
  const title = h("th", { scope: "row" }, swatch, h("span", { class: "topic-name" }, name), state);
  const element = h("tr", { "data-topic": name }, title, leader, isr, rate);
  return {
    element,
    update: (topic) => {
      const mark = TOPIC_MARKS[topic.state] ?? "down";
      setAttribute(element, "data-state", mark);
      state.hidden = topic.state === "ok";
      setText(state, topic.state === "ok" ? "" : `${MARKS[mark]} ${topic.says}`);
      leader.replaceChildren(...leadersOf(topic));
      const blocks = h("span", { class: "blocks", "aria-hidden": "true" });
      blocks.append("■".repeat(topic.isr) + "□".repeat(Math.max(0, topic.replicas - topic.isr)));
      const count = topic.replicas === 0 ? "–" : `${topic.isr} of ${topic.replicas}`;
      const isShort = topic.replicas <= 5;
      isr.replaceChildren(h("span", { class: "sync" }, h("span", null, count), isShort && blocks));
      setText(rate, topic.rate === undefined ? "–" : inDigits(topic.rate));
    },
  };
}

const SHOWN_LEADERS = 3;

/** Each in one piece where lines are short. */
function leadersOf({ leaders, partitions }) {
  if (leaders.length === 0) return ["none"];
  const named = leaders
    .slice(0, SHOWN_LEADERS)
    .map(({ host, partitions: led }) => (partitions === 1 ? host : `${host} ×${led}`));
  const more = leaders.length - SHOWN_LEADERS;
  const texts = more > 0 ? [...named, `${more} more`] : named;
  return texts.map((text, i) =>
    h("span", { class: "leader" }, i < texts.length - 1 ? `${text}, ` : text),
  );
}

/** Others are whatever somebody wrote; they get the mark of a warning. */
const markOf = (severity) => (severity === "critical" ? MARKS.down : MARKS.warning);

/** Those that fire first, then the newest. */
export function showAlerts(alerts, lab, now) {
  byId("alerts").hidden = !lab.hasAlerts && alerts.length === 0;
  const sorted = [...alerts].sort(
    (a, b) =>
      Number(b.isFiring) - Number(a.isFiring) ||
      (b.untilMs ?? b.sinceMs) - (a.untilMs ?? a.sinceMs),
  );
  const rows = sorted.length === 0 ? [{ id: "", isNone: true }] : sorted;
  sync(
    byId("alert-list"),
    alertRows,
    rows,
    ({ id }) => id,
    (row) => makeAlert(row, now),
  );
}

function makeAlert({ isNone }, now) {
  const element = h("li", { class: isNone ? "none" : "alert" });
  if (isNone) return { element: h("li", { class: "none" }, "No alerts."), update: () => {} };
  let shown = "";
  return {
    element,
    update: (alert) => {
      const key = JSON.stringify(alert);
      if (key === shown) return;
      shown = key;
      const { isFiring, severity, rule, summary, subjects, sinceMs, untilMs } = alert;
      setAttribute(element, "data-state", isFiring ? "firing" : "over");
      setAttribute(element, "data-severity", severity);
      const mark = isFiring ? markOf(severity) : MARKS.up;
      const words = summary === "" ? [rule, ...subjects].join(" ") : summary;
      const when = isFiring
        ? [`since ${atTime(sinceMs, now)}`, age(sinceMs, " · ")]
        : [`over at ${atTime(untilMs, now)}, lasted ${lasted(untilMs - sinceMs)}`];
      element.replaceChildren(
        h("span", { class: "mark", "aria-hidden": "true" }, mark),
        h("p", { class: "summary" }, words),
        h(
          "p",
          { class: "when" },
          h("strong", null, isFiring ? severity : "over"),
          ` · ${rule} · `,
          when,
        ),
      );
    },
  };
}

const lasted = (ms) =>
  ms < 60_000 ? `${Math.max(0, Math.round(ms / 1000))} s` : `${Math.round(ms / 60_000)} min`;

/** What is no host of the lab and tells its temperature all the same. */
export function showDevices(devices) {
  byId("devices").hidden = devices.length === 0;
  sync(byId("device-list"), deviceRows, devices, ({ name }) => name, makeDevice);
}

function makeDevice({ name }) {
  const figures = h("span", { class: "number" });
  const heard = h("span", { class: "when" });
  return {
    element: h(
      "li",
      { "data-device": name },
      h("span", { class: "device-name" }, name),
      figures,
      heard,
    ),
    update: ({ temperatureC, cpuPercent, heardAt }) => {
      const words = [
        temperatureC === undefined ? "" : `${temperatureC.toFixed(1)} °C`,
        cpuPercent === undefined ? "" : `CPU ${cpuPercent} %`,
      ];
      setText(figures, words.filter((word) => word !== "").join(" · "));
      heard.replaceChildren("heard ", age(heardAt), " ago");
    },
  };
}
