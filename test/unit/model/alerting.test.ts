import { describeProblem, parseLab } from "../../../model";
import { alertingSecretProblems } from "../../../model";
import type { LabDraft } from "../../../model/schema";
import { change, physicalConfig, problemsOf, type RawConfig } from "../../support/lab-config";

function base(alerting: object = {}): RawConfig {
  const config = change(physicalConfig(), ["mqtt"], { host: "desk-1", devices: { "esp32-1": {} } });
  change(config, ["telemetry"], {});
  change(config, ["bridge"], { routes: [{ from: "hosts/+/telemetry", topic: "red" }] });
  return change(config, ["alerting"], alerting);
}

const told = (config: RawConfig) => problemsOf(config).map(describeProblem);
const rule = (...rules: object[]) => base({ rules });
const outputs = (all: object) => base({ outputs: all });
const R = "lab.alerting.rules[0]";
const O = "lab.alerting.outputs";
const NAMES = "those are at most 64 letters, digits, `.`, `_` and `-`, a letter or digit first";

test("an empty group has what fits the lab", () => {
  const { alerting } = parseLab(base()).data;
  expect(alerting).toMatchObject({
    ...{ host: "desk-1", topics: ["red"], periodMinutes: 60, lateSeconds: 10 },
    outputs: {},
  });
  const hosts = ["broker-1", "broker-2", "broker-3", "client-1", "client-2", "desk-1"];
  expect(alerting?.rules).toEqual([
    {
      ...{ name: "hot", type: "threshold", severity: "warning", forSeconds: 10 },
      level: { field: "temperatureC", side: "above", limit: 80, clear: 75 },
    },
    {
      ...{ name: "under-voltage", type: "under-voltage", severity: "warning", forSeconds: 0 },
      level: { field: "underVoltage", side: "above", limit: 0.5, clear: 0.5 },
    },
    {
      ...{ name: "clock-offset", type: "clock-offset", severity: "warning", forSeconds: 0 },
      level: { field: "clockOffsetSeconds", side: "magnitude", limit: 0.5, clear: 0.25 },
    },
    {
      ...{ name: "silent", type: "silence", severity: "critical", afterSeconds: 10, together: 3 },
      devices: hosts,
    },
    { name: "broker-down", type: "broker-down", severity: "critical", forSeconds: 0 },
    { name: "under-min-isr", type: "under-min-isr", severity: "critical", forSeconds: 0 },
    {
      ...{ name: "bridge-lag", type: "bridge-lag", severity: "warning", forSeconds: 0 },
      level: { field: "lagSeconds", side: "above", limit: 10, clear: 5 },
    },
  ]);
});

test("a lab without telemetry is told of its cluster, on the host that it names", () => {
  const config = change(physicalConfig(), ["alerting"], { host: "desk-1" });
  const names = parseLab(config).data.alerting?.rules.map(({ name }) => name);
  expect(names).toEqual(["broker-down", "under-min-isr"]);
});

test("slow telemetry is silent later, mail has the port of its security", () => {
  const config = base({
    outputs: { email: { server: "mx.example.org", from: "a@b", to: ["c@d"], security: "tls" } },
  });
  change(config, ["telemetry", "everySeconds"], 60);
  const { rules, outputs: out } = parseLab(config).data.alerting!;
  expect(rules.find(({ type }) => type === "silence")).toMatchObject({ afterSeconds: 300 });
  expect(out.email).toMatchObject({ port: 465, user: undefined });
});

test("supplies are the lab's, whoever asks for them", () => {
  const config = change(physicalConfig(), ["supplies"], { "psu-1": ["client-1", "broker-1"] });
  expect(parseLab(config).data.supplies).toEqual({ "psu-1": ["broker-1", "client-1"] });
});

const mistakes: readonly (readonly [RawConfig, ...string[]])[] = [
  [
    base({ host: "desk-2" }),
    "lab.alerting.host: desk-2 is not a host of the lab. Did you mean desk-1?",
  ],
  [
    change(physicalConfig(), ["alerting"], {}),
    "lab.alerting.host: is missing, and there is no mqtt whose host it could be. Name the host that is to run it.",
  ],
  [
    base({ topics: ["redd", "red", "red"] }),
    "lab.alerting.topics[0]: redd is not one of topics. Did you mean red? Add it to topics, or name one of those.",
    "lab.alerting.topics[2]: red is named before. Name each topic once.",
  ],
  [
    base({ periodMinutes: 0 }),
    "lab.alerting.periodMinutes: 0 is out of range: the minutes between two of the same alert is a whole number from 1 to 10080. Give one, e.g. 60.",
  ],
  [
    rule(),
    "lab.alerting.rules: is empty: nothing would be told. Write a rule, or leave rules out for a set that fits most labs.",
  ],
  [
    rule({ name: "a b", type: "broker-down" }),
    `${R}.name: a b is no rule's name: ${NAMES}. Choose another name.`,
  ],
  [
    rule({ name: "a", type: "broker-down" }, { name: "a", type: "under-min-isr" }),
    "lab.alerting.rules[1].name: a is the name of alerting.rules[0], too. Choose another name: alerts are told apart by it.",
  ],
  [
    rule({ name: "a", type: "treshold", field: "x", above: 1 }),
    `${R}.type: treshold is not a type of rules. Did you mean threshold? Known: threshold, silence, broker-down, under-min-isr, bridge-lag, under-voltage, clock-offset.`,
  ],
  [
    rule({ name: "a", type: "threshold", field: "x", above: 80, clear: 90 }),
    `${R}.clear: 90 lies where it is bad (limit 80). Give a value below 80, or 80 itself.`,
  ],
  [
    rule({ name: "a", type: "threshold", field: "x", below: 5, clear: 4 }),
    `${R}.clear: 4 lies where it is bad (limit 5). Give a value above 5, or 5 itself.`,
  ],
  [
    rule({ name: "a", type: "threshold", above: 80, below: 5 }),
    `${R}.below: 5 stands beside above. Make two rules of them.`,
    `${R}.field: is missing. Give a key of the telemetry's JSON, e.g. temperatureC.`,
  ],
  [
    rule({ name: "a", type: "threshold", field: "x" }),
    `${R}: has neither above nor below. Give one of them, e.g. above: 80.`,
  ],
  [
    rule({ name: "a", type: "broker-down", above: 3, devices: ["broker-1"] }),
    `${R}.above: says nothing in a rule of type broker-down. Keys here: forSeconds.`,
    `${R}.devices: says nothing in a rule of type broker-down. Keys here: forSeconds.`,
  ],
  [
    rule({ name: "a", type: "silence", afterSeconds: 2, devices: ["client-3", "esp32-1"] }),
    `${R}.afterSeconds: 2 is fewer than 3 messages of telemetry take (telemetry.everySeconds is 1). Give 3 or more.`,
    `${R}.devices[0]: client-3 is neither a host nor a device of mqtt. Did you mean client-1?`,
  ],
  [
    rule({ name: "a", type: "bridge-lag", above: 60 }),
    `${R}.above: 60 is never exceeded: a bridge's figures tell no more than 60 s. Give less than 60.`,
  ],
  [
    rule({ name: "a", type: "clock-offset", above: 1, clear: 2 }),
    `${R}.clear: 2 lies where it is bad (limit 1). Give a value below 1, or 1 itself.`,
  ],
  [
    rule({ name: "a", type: "broker-down", forSeconds: -1 }),
    `${R}.forSeconds: -1 is out of range: how long it must last is a number from 0 to 86400 seconds. Give one, e.g. 10.`,
  ],
  [
    rule({ name: "a", type: "broker-down", severity: "bad" }),
    `${R}.severity: bad is not a severity. Known: warning, critical.`,
  ],
  [
    rule({ name: "a", typ: "broker-down" }),
    `${R}.typ: is not a known key. Did you mean type? Keys here: above, afterSeconds, below, clear, devices, field, forSeconds, name, severity, together, type.`,
    `${R}.type: is missing. Give what the rule is about: threshold, silence, broker-down, under-min-isr, bridge-lag, under-voltage or clock-offset.`,
  ],
  [
    change(
      change(
        base({
          rules: [
            { name: "a", type: "bridge-lag" },
            { name: "b", type: "silence" },
          ],
        }),
        ["bridge"],
        undefined,
      ),
      ["x"],
      undefined,
    ),
    `${R}.type: bridge-lag is about the bridge, and there is none. Remove it.`,
    "lab.alerting.rules[1].type: silence is about telemetry, and no topic has any. Let the bridge carry hosts/+/telemetry into a topic, or name topics under alerting.topics.",
  ],
  [
    outputs({ topic: "red" }),
    `${O}.topic: red is a topic of telemetry: alerts would be taken for readings. Name another topic.`,
  ],
  [
    outputs({ webhook: { url: "ftp://example.org" } }),
    `${O}.webhook.url: ftp://example.org is not an address of the web (http or https). Write one as https://example.org/hook.`,
  ],
  [
    outputs({ webhook: { url: "https://me:hunter2@example.org" } }),
    `${O}.webhook.url: holds a login, which does not belong into the lab's configuration. Write one as https://example.org/hook. Requests prove themselves by their signature.`,
  ],
  [
    outputs({ email: { server: "smtp://x", from: "me", to: [], security: "none", user: "me" } }),
    `${O}.email.from: me is no mail address. Write one as lab@example.org.`,
    `${O}.email.server: smtp://x is neither a host name nor an address. Name the server alone, e.g. smtp.example.org.`,
    `${O}.email.to: is empty. Name who gets the mail.`,
    `${O}.email.user: me would log in over a connection that is not encrypted. Write security: starttls or tls, or leave user out.`,
  ],
  [
    outputs({ email: { server: "x", from: "a@b", to: ["c@d"], password: "hunter2" } }),
    `${O}.email.password: is not a known key. Keys here: from, port, security, server, to, user.`,
  ],
  [
    change(physicalConfig(), ["supplies"], {
      "psu-1": ["client-1", "client-9"],
      "psu-2": ["client-1"],
      "p 3": [],
    }),
    'lab.supplies["p 3"]: feeds nobody. Name its hosts, or remove it.',
    `lab.supplies["p 3"]: is no supply's name: ${NAMES}. Choose another name.`,
    "lab.supplies.psu-1[1]: client-9 is not one of hosts. Did you mean client-1?",
    "lab.supplies.psu-2[0]: client-1 is on psu-1 already. A host hangs on one supply.",
  ],
  [
    change(physicalConfig(), ["supplies"], { "SW-008": ["broker-2"], "client-1": ["broker-1"] }),
    "lab.supplies.SW-008: is the switch's model, too. Choose another name: alerts are told apart by it.",
    "lab.supplies.client-1: is a host's name, too. Choose another name: alerts are told apart by it.",
  ],
  [
    change(base(), ["cluster", "clientPort"], 9184),
    "lab.cluster.clientPort: 9184 is where the alerting program tells its health: one host cannot listen twice on a port. Choose another; 9181, 9182, 9183, 9184, 9185, 9186, 9187, 9188 are the programs'.",
  ],
];

test.each(mistakes.map(([config, ...expected]) => ({ config, expected })))(
  "mistake %#",
  ({ config, expected }) => {
    expect(told(config).sort()).toEqual([...expected].sort());
  },
);

describe("secrets beside the lab", () => {
  const draft = (all: object): LabDraft => ({ alerting: { outputs: all } });
  const webhook = { url: "https://example.org", signed: true };

  test("are wanted where something signs or logs in, and nowhere else", () => {
    const both = draft({ webhook, email: { user: "me" } });
    expect(alertingSecretProblems(both, {}).map(({ path }) => path)).toEqual([
      "pi-lab:webhookSecret",
      "pi-lab:smtpPassword",
    ]);
    const given = { webhookSecret: "w".repeat(32), smtpPassword: "p" };
    expect(alertingSecretProblems(both, given)).toEqual([]);
    expect(alertingSecretProblems(draft({ webhook: { ...webhook, signed: false } }), {})).toEqual(
      [],
    );
  });

  test("that are easy to guess are refused, and not repeated", () => {
    const problems = alertingSecretProblems(draft({ webhook }), { webhookSecret: "hunter2" });
    expect(problems.map(describeProblem)).toEqual([
      "pi-lab:webhookSecret: is too easy to guess: it has fewer than 16 characters. Set another: `pulumi config set --secret pi-lab:webhookSecret`.",
    ]);
  });
});
