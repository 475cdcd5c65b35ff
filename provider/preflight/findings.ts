/** What a look at a machine brings to light, and how it is told. */

/** What is looked at; docs/preflight.md has a line for each. */
export type CheckName =
  | "reachability"
  | "host-key"
  | "login"
  | "sudo"
  | "look"
  | "system"
  | "architecture"
  | "page-size"
  | "systemd"
  | "apt"
  | "board"
  | "memory"
  | "memory-cgroup"
  | "clock"
  | "time-service"
  | "disk-space"
  | "file-system"
  | "disk-speed"
  | "ports"
  | "foreign-kafka"
  | "foreign-data";

/** Something about one machine that is not as it should be. */
export interface Finding {
  readonly check: CheckName;
  /** An error keeps `up` from pushing anything; a warning is told. */
  readonly severity: "error" | "warning";
  /** What was found, its value in it: a sentence without its full stop. */
  readonly found: string;
  /** The value alone, for programs. */
  readonly value: string;
  /** What the user can do: whole sentences. */
  readonly remedy: string;
}

/** The findings of one host, errors first. */
export interface HostFindings {
  /** Logical host name. */
  readonly host: string;
  readonly findings: readonly Finding[];
}

export const isError = ({ severity }: Finding): boolean => severity === "error";

/** One finding in one line. */
export function describeFinding(host: string, { found, remedy }: Finding): string {
  return `${host}: ${found}. ${remedy}`;
}

/** All findings of all hosts in one text, errors first; undefined if none of them is an error. */
export function describeRefusal(all: readonly HostFindings[]): string | undefined {
  const lines = (severity: Finding["severity"]): string[] =>
    all.flatMap(({ host, findings }) =>
      findings
        .filter((finding) => finding.severity === severity)
        .map((finding) => `  ${describeFinding(host, finding)}`),
    );
  const [errors, warnings] = [lines("error"), lines("warning")];
  if (errors.length === 0) return undefined;
  const hosts = all.filter(({ findings }) => findings.some(isError)).length;
  const count = errors.length === 1 ? "1 finding" : `${errors.length} findings`;
  const machines = hosts === 1 ? "1 host" : `${hosts} hosts`;
  return [
    `The lab's machines are not ready: ${count} on ${machines}; nothing was pushed.`,
    ...errors,
    ...(warnings.length > 0 ? ["These would keep nothing from being pushed:", ...warnings] : []),
    "Mend them and run `up` again; `npm run preflight` looks without changing anything.",
  ].join("\n");
}
