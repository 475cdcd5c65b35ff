/* The switch, drawn with its ports, and what is plugged into each. */
import { MARKS, age, colourOf, h, s, setAttribute, setText } from "./dom.js";

/** From here on the firmware of a Pi slows it down, °C. */
const HOT = 80;
const STATE_WORDS = { up: "up", warning: "look", down: "down", unknown: "unknown" };

/** How a switch is drawn: ports a row, by how many it has; and from which width on (px) it lies rather than stands. */
const DENSITIES = [
  { upTo: 8, name: "roomy", perBay: 8, across: matchMedia("(min-width: 1100px)") },
  { upTo: 24, name: "medium", perBay: 12, across: matchMedia("(min-width: 1350px)") },
  { upTo: Infinity, name: "dense", perBay: 16, across: matchMedia("(min-width: 1600px)") },
];

const ROLE_PATHS = {
  broker:
    "M3 5c0-1.7 4-3 9-3s9 1.3 9 3v14c0 1.7-4 3-9 3s-9-1.3-9-3zM3 5c0 1.700 4 3 9 3s9-1.300 9-3M3 12c0 1.700 4 3 9 3s9-1.300 9-3",
  controller: "M12 2l9 5v10l-9 5-9-5V7zM12 8l4 2.300v4.400L12 17l-4-2.300v-4.400z",
  client:
    "M12 13v9M8 22h8M12 10a2 2 0 1 0 .1 0M7.500 14a6 6 0 0 1 0-8M16.500 14a6 6 0 0 0 0-8M4.700 17a10 10 0 0 1 0-14M19.300 17a10 10 0 0 0 0-14",
  host: "M5 3h14v13H5zM2 20h20M8 7h8M8 11h8",
};

let turn = () => {};
for (const { across } of DENSITIES) across.addEventListener("change", () => turn());

/** Draws the switch anew; afterwards `update` shows how its hosts fare. */
export function drawBench(bays, lab, hosts) {
  const { ports, model } = lab.switch;
  const density = DENSITIES.find(({ upTo }) => ports <= upTo);
  const byPort = new Map(hosts.map((host) => [host.port, host]));
  const cards = new Map();
  bays.dataset.density = density.name;
  const drawn = [];
  for (let first = 1; first <= ports; first += density.perBay) {
    const last = Math.min(first + density.perBay - 1, ports);
    const slots = [];
    for (let port = first; port <= last; port++) {
      const host = byPort.get(port);
      const slot = host === undefined ? unusedPort(port) : pluggedPort(host);
      if (host !== undefined) cards.set(host.name, slot);
      slots.push(slot.element);
    }
    const range = ports <= density.perBay ? `${ports} ports` : `ports ${first} to ${last}`;
    const list = h("ol", { class: "slots" }, slots);
    const bay = h("div", { class: "bay" }, chassis(model, range), list);
    bay.style.setProperty("--ports", density.perBay);
    bay.style.setProperty("--here", last - first + 1);
    drawn.push(bay);
  }
  bays.replaceChildren(...drawn);
  turn = () => bays.classList.toggle("across", density.across.matches);
  turn();
  return cards;
}

function chassis(model, range) {
  return h(
    "div",
    { class: "chassis" },
    h("span", { class: "model" }, model),
    h("span", { class: "range" }, range),
    h("span", { class: "vents", "aria-hidden": "true" }),
  );
}

function jack(port) {
  const led = s("circle", { class: "led", cx: 34, cy: 6, r: 3.2 });
  const drawing = s(
    "svg",
    { class: "socket", viewBox: "0 0 40 34", "aria-hidden": "true" },
    s("rect", { class: "rim", x: 3, y: 2, width: 27, height: 30, rx: 3 }),
    s("path", { class: "hole", d: "M7 28V13h4V9h4V6h3v3h4v4h4v15z" }),
    s("path", { class: "pins", d: "M11 28v-5M14 28v-5M17 28v-5M20 28v-5M23 28v-5" }),
    led,
  );
  const label = h("span", { class: "jack-number" }, h("span", { class: "unseen" }, "Port "), port);
  return { led, element: h("div", { class: "jack" }, label, drawing) };
}

function unusedPort(port) {
  const { element } = jack(port);
  return {
    element: h("li", { class: "slot unused" }, element, h("p", { class: "free" }, "free")),
  };
}

function pluggedPort(host) {
  const { led, element: socket } = jack(host.port);
  const parts = {
    pill: h("span", { class: "pill" }, h("span", { "aria-hidden": "true" }), h("span")),
    part: h("p", { class: "part" }),
    degrees: h("span", { class: "degrees" }),
    trend: s("svg", { class: "trend", viewBox: "0 0 120 32", preserveAspectRatio: "none" }),
    cpu: h("span", { class: "cpu-words" }),
    bar: s("rect", { class: "bar", x: 0, y: 0, width: 0, height: 6 }),
    says: h("p", { class: "says" }),
  };
  const cable = s(
    "svg",
    { class: "cable", viewBox: "0 0 100 100", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("path", { class: "down-way", d: "M50 0C58 35 42 65 50 100" }),
    s("path", { class: "side-way", d: "M0 50C35 36 65 64 100 50" }),
  );
  const meter = s(
    "svg",
    { class: "meter", viewBox: "0 0 100 6", preserveAspectRatio: "none", "aria-hidden": "true" },
    s("rect", { class: "trough", x: 0, y: 0, width: 100, height: 6 }),
    parts.bar,
  );
  const measures = h(
    "div",
    { class: "measures" },
    h("p", { class: "heat" }, parts.degrees, parts.trend),
    h("p", { class: "cpu" }, parts.cpu, meter),
  );
  const name = h("h3", { class: "name", title: `${host.name} (${host.machine}, ${host.board})` });
  name.append(roleIcon(host.role), h("span", null, host.name));
  const card = h(
    "article",
    { class: "card" },
    h("div", { class: "top" }, name, parts.pill),
    parts.part,
    parts.says,
    measures,
  );
  const cut = h("span", { class: "cut", "aria-hidden": "true" }, "✕");
  const element = h(
    "li",
    { class: "slot", "data-host": host.name, "data-role": host.role },
    socket,
    h("div", { class: "link" }, cable, cut),
    card,
  );
  setAttribute(element, "data-colour", colourOf(host.topic));
  return { element, update: (item, trend) => update(element, parts, measures, led, item, trend) };
}

const roleIcon = (role) =>
  s(
    "svg",
    { class: "role", viewBox: "0 0 24 24", "aria-hidden": "true" },
    s("path", { d: ROLE_PATHS[role] }),
  );

function update(element, parts, measures, led, item, trend) {
  const { state, says, since, temperatureC, cpuPercent } = item;
  setAttribute(element, "data-state", state);
  const [mark, words] = parts.pill.children;
  setText(mark, MARKS[state]);
  setText(words, STATE_WORDS[state]);
  parts.part.replaceChildren(...partOf(item));
  const isPlain = state === "up";
  parts.says.hidden = isPlain;
  setAttribute(parts.says, "title", says);
  parts.says.replaceChildren(...(isPlain ? [] : [says, ...(since ? [age(since, " · ")] : [])]));
  measures.hidden = temperatureC === undefined && cpuPercent === undefined;
  const isHot = temperatureC !== undefined && temperatureC >= HOT;
  setAttribute(element, "data-hot", isHot);
  setText(
    parts.degrees,
    temperatureC === undefined ? "" : `${temperatureC.toFixed(1)} °C${isHot ? " hot" : ""}`,
  );
  drawTrend(parts.trend, trend ?? []);
  setText(parts.cpu, cpuPercent === undefined ? "" : `CPU ${cpuPercent} %`);
  setAttribute(parts.bar, "width", cpuPercent ?? 0);
  if (temperatureC !== undefined) blink(led);
}

/** What it is to the lab, for whoever does not know. */
function partOf(item) {
  const { role, nodeId, isActiveController, leads, topic, runs } = item;
  const parts = [];
  if (role === "broker") {
    parts.push(`broker ${nodeId}`);
    if (leads > 0) parts.push(`leads ${leads}`);
  } else if (role === "controller") parts.push(`controller ${nodeId}`);
  else if (role === "client") {
    const dot = h("span", {
      class: "swatch",
      "data-colour": colourOf(topic),
      "aria-hidden": "true",
    });
    parts.push(h("span", { class: "sends" }, "sends ", dot, topic));
  }
  parts.push(...runs);
  const all = parts.length === 0 ? ["host"] : parts;
  const separated = all.flatMap((part, i) => (i === 0 ? [part] : [" · ", part]));
  if (isActiveController) separated.push(" ", h("span", { class: "crown" }, "★ active controller"));
  return separated;
}

const quiet = matchMedia("(prefers-reduced-motion: reduce)");

/** As the light of a port does where something arrives. */
function blink(led) {
  if (quiet.matches) return;
  led.animate([{ opacity: 0.25 }, { opacity: 1 }], { duration: 350, easing: "ease-out" });
}

const WIDTH = 120;
const HEIGHT = 32;
/** Points of a full trend: ten minutes. */
const POINTS = 60;
/** The least that the height stands for, °C: noise must not look like a fire. */
const LEAST_SPAN = 6;

function drawTrend(svg, points) {
  const key = points.join();
  if (svg.dataset.points === key) return;
  svg.dataset.points = key;
  const known = points.filter((point) => point !== null);
  setAttribute(svg, "aria-hidden", known.length < 2);
  if (known.length < 2) return svg.replaceChildren();
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const span = Math.max(LEAST_SPAN, high - low);
  const middle = (low + high) / 2;
  const x = (i) => ((POINTS - points.length + i) * WIDTH) / (POINTS - 1);
  const y = (value) => HEIGHT / 2 - ((value - middle) / span) * (HEIGHT - 6);
  let path = "";
  let isOpen = false;
  points.forEach((point, i) => {
    if (point !== null) path += `${isOpen ? "L" : "M"}${x(i).toFixed(1)} ${y(point).toFixed(1)}`;
    isOpen = point !== null;
  });
  const words = `Temperature of the last ${Math.ceil(points.length / 6)} minutes: ${low.toFixed(1)} to ${high.toFixed(1)} °C`;
  setAttribute(svg, "role", "img");
  setAttribute(svg, "aria-label", words);
  svg.replaceChildren(s("title", null, words), s("path", { d: path }));
  return undefined;
}
