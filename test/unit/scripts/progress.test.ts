import {
  nameOfUrn,
  parseEvent,
  shortType,
  type EngineEvent,
  type StepMetadata,
} from "../../../scripts/lib/engine-events";
import { Progress } from "../../../scripts/lib/progress";

let now: number;
let lines: string[];
let progress: Progress;
beforeEach(() => {
  now = 0;
  lines = [];
  progress = new Progress(
    (line) => lines.push(line),
    () => now,
  );
});

const state = (type: string) => ({ type, urn: "", id: "i", inputs: {}, outputs: {} });
const step = (
  op: string,
  type: string,
  name: string,
  fields: Partial<StepMetadata> = {},
): StepMetadata => ({
  op,
  type,
  urn: `urn:pulumi:s::pi-lab::parent$${type}::${name}`,
  provider: "urn:provider::id",
  old: null,
  new: state(type),
  detailedDiff: null,
  ...fields,
});
const handle = (event: Partial<EngineEvent>): void =>
  progress.handle({ sequence: 0, timestamp: 0, ...event });
const begin = (metadata: StepMetadata): void => handle({ resourcePreEvent: { metadata } });
const end = (metadata: StepMetadata): void => handle({ resOutputsEvent: { metadata } });

const CONTAINER = "docker:index/container:Container";

test("a finished step is one line with its time", () => {
  const metadata = step("create", CONTAINER, "pi-1");
  begin(metadata);
  now = 1500;
  end(metadata);
  expect(lines).toEqual(["  + Container pi-1 made 1.5 s"]);
});

test("an update names what differs, by path where the provider tells paths", () => {
  const changed = { diffKind: "update", inputDiff: false };
  end(
    step("update", "pilab:kafka:Topic", "red", {
      detailedDiff: { 'config["retention.ms"]': changed },
      diffs: ["config"],
    }),
  );
  end(step("update", CONTAINER, "pi-1", { diffs: ["a", "b", "c", "d", "e", "f"] }));
  expect(lines).toEqual([
    '  ~ Topic red changed (config["retention.ms"])',
    "  ~ Container pi-1 changed (a, b, c, d, 2 more)",
  ]);
});

test("what stays the same, and components, are not shown", () => {
  end(step("same", CONTAINER, "pi-1"));
  begin(step("create", "pilab:kafka:Cluster", "kafka", { provider: "" }));
  begin(step("create", "pulumi:pulumi:Stack", "pi-lab-virtual", { provider: "" }));
  now = 60_000;
  progress.tick();
  end(step("create", "pilab:kafka:Cluster", "kafka", { provider: "" }));
  end(step("create", "pulumi:pulumi:Stack", "pi-lab-virtual", { provider: "" }));
  expect(lines).toEqual([]);
});

test("a preview's steps are not shown, what it refuses is", () => {
  const metadata = step("update", CONTAINER, "pi-1");
  handle({ resourcePreEvent: { metadata, planning: true } });
  now = 60_000;
  progress.tick();
  handle({ resOutputsEvent: { metadata, planning: true } });
  handle({ diagnosticEvent: { severity: "error", message: "no", urn: metadata.urn } });
  handle({ resOpFailedEvent: { metadata } });
  expect(lines).toEqual(["  ✗ Container pi-1: no", "  ✗ Container pi-1: failed"]);
});

test("a step that takes long is told now and then", () => {
  begin(step("create", "command:remote:Command", "broker-1-prepare"));
  now = 19_000;
  progress.tick();
  expect(lines).toEqual([]);
  for (now = 21_000; now <= 45_000; now += 1000) progress.tick();
  expect(lines).toEqual([
    "  … still making Command broker-1-prepare (21.0 s)",
    "  … still making Command broker-1-prepare (41.0 s)",
  ]);
});

test("a failed step and its error are shown whole, without colours", () => {
  const metadata = step("create", "command:remote:Command", "broker-1-prepare");
  begin(metadata);
  const message = "<{%fg 1%}>cannot reach 10.0.42.1\n\u001b[31mjournal:\u001b[0m line\n<{%reset%}>";
  handle({ diagnosticEvent: { severity: "error", message, urn: metadata.urn } });
  handle({ resOpFailedEvent: { metadata } });
  expect(lines).toEqual([
    "  ✗ Command broker-1-prepare: cannot reach 10.0.42.1",
    "    journal: line",
    "  ✗ Command broker-1-prepare: failed after 0.0 s",
  ]);
});

test("a bridged plugin's error is shown once", () => {
  handle({
    diagnosticEvent: {
      severity: "error",
      message: "  sdk-v2/provider2.go:571: sdk.helper_schema: x",
    },
  });
  handle({ diagnosticEvent: { severity: "error", message: "1 error occurred: x" } });
  expect(lines).toEqual(["  ✗ 1 error occurred: x"]);
});

test("of the notes only those of the program and of our own provider are shown", () => {
  const note = (severity: "info" | "debug" | "warning", message: string, type?: string): void => {
    const urn = type === undefined ? {} : { urn: `urn:pulumi:s::pi-lab::${type}::n` };
    handle({ diagnosticEvent: { severity, message, ...urn } });
  };
  note("info", "Get:1 apt", "command:remote:Command");
  note("info", "broker-1: restarted", "pilab:kafka/rollout:Rollout");
  note("debug", "noise");
  note("warning", "clock is off", CONTAINER);
  expect(lines).toEqual(["  · Rollout n: broker-1: restarted", "  ! Container n: clock is off"]);
});

test("URNs and types are shortened", () => {
  expect(nameOfUrn("urn:pulumi:s::p::a$b::name::with::colons")).toBe("name::with::colons");
  expect(shortType(CONTAINER)).toBe("Container");
});

test("a line that is no event is none", () => {
  expect(parseEvent('{"sequence":1,"timestamp":2}')).toEqual({ sequence: 1, timestamp: 2 });
  expect(parseEvent("error: no stack")).toBeUndefined();
  expect(parseEvent('{"a":1}')).toBeUndefined();
  expect(parseEvent('{"sequence":')).toBeUndefined();
});
