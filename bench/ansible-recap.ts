/** What a run of Ansible says of one host at its end. */
export interface HostRecap {
  readonly host: string;
  readonly ok: number;
  readonly changed: number;
  readonly unreachable: number;
  readonly failed: number;
}

const LINE = /^(\S+)\s+: ok=(\d+)\s+changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)\b/;

/** Reads the lines below `PLAY RECAP`; none where there is no such part. */
export function parseRecap(output: string): HostRecap[] {
  const recap = output.split(/^PLAY RECAP .*$/m).at(1) ?? "";
  return recap.split("\n").flatMap((line) => {
    const [, host, ...counts] = LINE.exec(line) ?? [];
    if (host === undefined) return [];
    const [ok = 0, changed = 0, unreachable = 0, failed = 0] = counts.map(Number);
    return [{ host, ok, changed, unreachable, failed }];
  });
}

/** What Ansible says of tasks that failed, each with the task's name; none where none has. */
export function parseFaults(output: string): string[] {
  let task = "";
  return output.split("\n").flatMap((line) => {
    task = /^(?:TASK|RUNNING HANDLER) \[(.*)\]/.exec(line)?.[1] ?? task;
    return /^(fatal|failed): /.test(line) ? [`${task}: ${line}`] : [];
  });
}

/** @throws Error where a host is missing, or one of them is not as it was to be */
export function assertRecap(
  recap: readonly HostRecap[],
  hosts: readonly string[],
  wanted: "something changed" | "nothing changed",
): void {
  const faults = hosts.flatMap((host) => {
    const found = recap.find((one) => one.host === host);
    if (found === undefined) return [`${host} is missing`];
    const { changed, unreachable, failed } = found;
    if (unreachable + failed > 0) return [`${host}: unreachable=${unreachable} failed=${failed}`];
    const fits = wanted === "nothing changed" ? changed === 0 : changed > 0;
    return fits ? [] : [`${host}: changed=${changed}, where ${wanted} was wanted`];
  });
  if (faults.length > 0) throw new Error(`Ansible's recap: ${faults.join("; ")}`);
}
