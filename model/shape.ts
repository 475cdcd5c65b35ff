import type { z } from "zod";
import { labPath, oneOf, show, showTyped, type ConfigProblem } from "./errors";
import { nearest } from "./nearest";
import { kindOf } from "./readers";
import { roles, strict, tolerant, type LabConfig, type LabDraft } from "./schema";

type Path = readonly (string | number)[];

export type ShapeResult =
  | { readonly config: LabConfig; readonly draft: LabDraft; readonly problems: readonly [] }
  | {
      readonly config: undefined;
      readonly draft: LabDraft;
      readonly problems: readonly ConfigProblem[];
    };

/** Checks the shape of the configuration: kinds and ranges of values, missing and unknown keys. */
export function readShape(raw: unknown): ShapeResult {
  const draft = tolerant.lab.parse(raw) as LabDraft;
  const result = strict.lab.safeParse(raw);
  return result.success
    ? { config: result.data, draft, problems: [] }
    : {
        config: undefined,
        draft,
        problems: result.error.issues.flatMap((issue) => toProblems(issue, raw)),
      };
}

function toProblems(issue: z.core.$ZodIssue, raw: unknown): ConfigProblem[] {
  const parts = issue.path.map((part) => (typeof part === "number" ? part : String(part)));
  const path = labPath(...parts);
  const value = valueAt(raw, parts);
  const isHidden = mayBePassword(parts);
  if (issue.code === "custom" && issue.params !== undefined) {
    const { cause, remedy } = issue.params as { cause: string; remedy: string };
    return [{ path, value: isHidden ? undefined : showTyped(value), cause, remedy }];
  }
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => unknownKey(parts, key, raw));
  }
  if (parts.length === 0) return [noLab(value)];
  const wanted =
    issue.code === "invalid_type" && issue.expected === "array" ? "a list" : "a mapping";
  return [
    {
      path,
      value: isHidden ? undefined : show(value),
      cause: value === undefined ? "is missing" : `is ${kindOf(value)}, not ${wanted}`,
      remedy:
        wanted === "a list"
          ? "Write it in brackets, with commas between: [first, second]."
          : "Write its keys below it; docs/configuration.md lists them.",
    },
  ];
}

/** Where somebody may have written a password that belongs elsewhere, and problems are printed. */
function mayBePassword([group, , key, ...deeper]: Path): boolean {
  return group === "users" && (key === undefined || (key === "password" && deeper.length === 0));
}

function noLab(value: unknown): ConfigProblem {
  return {
    path: labPath(),
    value: show(value),
    cause: value === undefined ? "is missing" : `is ${kindOf(value)}, not a mapping`,
    remedy:
      "Describe the lab under the key `pi-lab:lab`, as Pulumi.pi-lab.yaml and Pulumi.virtual.yaml do.",
  };
}

function unknownKey(parent: Path, key: string, raw: unknown): ConfigProblem {
  const keys = knownKeys(parent, raw);
  const owners = roles.filter(
    (role) => parent[0] === "hosts" && Object.hasOwn(strict.hostShapes[role], key),
  );
  const near = nearest(key, keys);
  const hint = near === undefined ? "" : `Did you mean ${near}? `;
  return {
    path: labPath(...parent, key),
    value: undefined,
    cause:
      owners.length === 0
        ? "is not a known key"
        : `is a key of hosts with the role ${oneOf(owners)}`,
    remedy: `${hint}Keys here: ${[...keys].sort().join(", ")}.`,
  };
}

function knownKeys(path: Path, raw: unknown): readonly string[] {
  const { shapes, hostShapes } = strict;
  const [group, , ...deeper] = path;
  if (group === undefined) return Object.keys(shapes.lab);
  if (group === "acls") return Object.keys(shapes.aclRule);
  if (group === "mqtt" && path[1] === "devices" && path.length === 3) {
    return Object.keys(shapes.device);
  }
  if (group === "bridge" && path[1] === "routes") return Object.keys(shapes.route);
  if (group === "alerting") return alertingKeys(path);
  if (deeper.length > 0) return [];
  switch (group) {
    case "clock":
    case "switch":
    case "ssh":
    case "virtual":
    case "packages":
    case "cluster":
    case "ring":
    case "telemetry":
    case "statusPage":
    case "store":
      return Object.keys(shapes[group]);
    case "mqtt":
      return [...Object.keys(shapes.mqtt), "devices"];
    case "bridge":
      return [...Object.keys(shapes.bridge), "routes"];
    case "machines":
      return Object.keys(shapes.machine);
    case "topics":
      return Object.keys(shapes.topic);
    case "users":
      return Object.keys(shapes.user);
    case "quotas":
      return Object.keys(shapes.quota);
    case "hosts": {
      const role = valueAt(raw, [...path, "role"]);
      const known = roles.find((candidate) => candidate === role);
      return known === undefined
        ? [...new Set(roles.flatMap((each) => Object.keys(hostShapes[each])))]
        : Object.keys(hostShapes[known]);
    }
    default:
      return [];
  }
}

function alertingKeys([, part, output]: Path): readonly string[] {
  const { alerting, alertRule, alertOutputs, alertWebhook, alertEmail } = strict.shapes;
  if (part === undefined) return [...Object.keys(alerting), "rules", "outputs"];
  if (part === "rules") return Object.keys(alertRule);
  if (output === undefined) return [...Object.keys(alertOutputs), "webhook", "email"];
  return Object.keys(output === "webhook" ? alertWebhook : alertEmail);
}

function valueAt(raw: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (value, key) =>
      typeof value === "object" && value !== null && Object.hasOwn(value, key)
        ? (value as Record<string, unknown>)[key]
        : undefined,
    raw,
  );
}

/**
 * All keys of the configuration, `*` for names that the user chooses and `[]` for a place in a list; for the
 * documentation's test.
 */
export function configKeys(): string[] {
  const { shapes, hostShapes } = strict;
  const { lab, machine, topic, user, aclRule, quota, device, route, ...others } = shapes;
  const { alertRule, alertOutputs, alertWebhook, alertEmail, ...groups } = others;
  const below = (parent: string, shape: object) =>
    Object.keys(shape).map((key) => `${parent}.${key}`);
  return [
    ...Object.keys(lab),
    ...Object.entries(groups).flatMap(([group, shape]) => below(group, shape)),
    ...below("machines.*", machine),
    ...new Set(roles.flatMap((role) => below("hosts.*", hostShapes[role]))),
    ...below("topics.*", topic),
    ...below("users.*", user),
    ...below("acls.*[]", aclRule),
    ...below("quotas[]", quota),
    ...below("mqtt.devices.*", device),
    ...below("bridge.routes[]", route),
    ...below("alerting.rules[]", alertRule),
    ...below("alerting.outputs", alertOutputs),
    ...below("alerting.outputs.webhook", alertWebhook),
    ...below("alerting.outputs.email", alertEmail),
  ];
}
