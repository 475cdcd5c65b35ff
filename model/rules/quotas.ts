import { oneOf, type ConfigProblem } from "../errors";
import { QUOTA_LIMITS, type QuotaLimit } from "../kafka/security";
import { didYouMean } from "../nearest";
import { parseAddress } from "../network";
import type { LabDraft } from "../schema";
import type { QuotaEntity } from "../types";
import { Report } from "./report";
import { asksWho, checkUser, DEFAULT_ENTITY } from "./security";

type Path = readonly (string | number)[];
type QuotaDraft = Partial<NonNullable<LabDraft["quotas"]>[number]>;

/** As `DEFAULT_ENTITY`, in Kafka's own words. */
const KAFKAS_DEFAULT = "<default>";

/** Rules on how much each may do. */
export function quotaProblems(draft: LabDraft): ConfigProblem[] {
  const report = new Report();
  const holders = new Map<string, number>();
  (draft.quotas ?? []).forEach((quota: QuotaDraft, i) => {
    const path: Path = ["quotas", i];
    const kinds = (["user", "clientId", "ip"] as const).filter((key) => quota[key] !== undefined);
    const whom = kinds.map((kind) => `${kind} ${quota[kind]}`).join(", ");
    const holder = holders.get(whom);
    if (kinds.length === 0) {
      report.add(
        path,
        undefined,
        "does not say whom it limits",
        "Give user, clientId, both, or ip; `default` is all without a quota of their own.",
      );
    } else if (kinds.includes("ip") && kinds.length > 1) {
      report.add(path, whom, "cannot be limited together", "Give the address a quota of its own.");
    } else if (holder !== undefined) {
      report.add(path, whom, `has a quota already, number ${holder}`, "Write all limits there.");
    } else {
      holders.set(whom, i);
    }
    checkEntity(path, quota, draft, report);
    checkLimits([...path, "limits"], quota, kinds, report);
  });
  return report.problems;
}

function checkEntity(path: Path, quota: QuotaDraft, draft: LabDraft, report: Report): void {
  const { user, clientId, ip } = quota;
  if (clientId === KAFKAS_DEFAULT) {
    report.add(
      [...path, "clientId"],
      clientId,
      "is Kafka's own mark, and no client's name",
      "Write `default` for all others.",
    );
  }
  if (user !== undefined && user !== DEFAULT_ENTITY) {
    if (asksWho(draft)) {
      checkUser([...path, "user"], user, draft, report, `; ${DEFAULT_ENTITY} is all others`);
    } else {
      report.add(
        [...path, "user"],
        user,
        "cannot be told from others: nobody logs in",
        "Limit a clientId or an ip, or all users together with `user: default`.",
      );
    }
  }
  if (ip !== undefined && ip !== DEFAULT_ENTITY && parseAddress(ip) === undefined) {
    report.add(
      [...path, "ip"],
      ip,
      "is not an IPv4 address",
      "Give the client's, or `default` for all others.",
    );
  }
}

function checkLimits(
  path: Path,
  { limits }: QuotaDraft,
  kinds: readonly (keyof QuotaEntity)[],
  report: Report,
): void {
  const entries = Object.keys(limits ?? {});
  const fitting = Object.entries(QUOTA_LIMITS)
    .filter(([, { of }]) => kinds.length === 0 || kinds.some((kind) => of.includes(kind)))
    .map(([key]) => key);
  if (limits !== undefined && entries.length === 0) {
    report.add(path, undefined, "has no limit in it", `Give some of ${fitting.join(", ")}.`);
  }
  for (const key of entries.sort()) {
    if (fitting.includes(key)) {
      checkLimit([...path, key], limits?.[key], QUOTA_LIMITS[key], report);
      continue;
    }
    const isKnown = Object.hasOwn(QUOTA_LIMITS, key);
    report.add(
      [...path, key],
      undefined,
      isKnown ? `is no limit of ${oneOf(kinds)}` : "is not a limit that Kafka knows",
      didYouMean(key, isKnown ? [] : fitting, `Known here: ${fitting.join(", ")}.`),
    );
  }
}

/** That it is a number above 0 was read already. */
function checkLimit(
  path: Path,
  value: number | undefined,
  kind: QuotaLimit | undefined,
  report: Report,
): void {
  if (value === undefined || kind === undefined) return;
  if (kind.whole && !Number.isInteger(value)) {
    report.add(path, value, "is no whole number", "Leave out what is behind the point.");
  } else if (value > kind.max) {
    report.add(path, value, "is more than Kafka keeps", `Give at most ${kind.max}.`);
  }
}
