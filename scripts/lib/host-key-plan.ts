import { fingerprint, parseHostKey } from "../../plugins/common/ssh";
import { sameKey, type Scan } from "./host-key-scan";
import { parseStackFile } from "./lab-config";
import { renderTable } from "./table";

/** A machine of the configuration, unchecked but for its types. */
export interface ScannedMachine {
  readonly name: string;
  readonly address: string;
  /** As pinned now. */
  readonly pinned: string | undefined;
  readonly scan: Scan;
}

/**
 * What is to be done about a machine's key: `new` and `replaced` are written; `changed` differs from the
 * pinned one and stays until the user names the machine; `twin` is another machine's key, too.
 */
export type KeyState = "pinned" | "new" | "changed" | "replaced" | "twin" | "unreachable";

export interface KeyFinding {
  readonly machine: string;
  readonly address: string;
  readonly state: KeyState;
  /** The key as shown by the machine; undefined when it did not answer. */
  readonly key: string | undefined;
  /** The reason or the earlier fingerprint: what a user needs beside the state. */
  readonly note: string;
}

/** Judges each machine. @param replace machines whose changed key the user accepts by name */
export function planHostKeys(
  machines: readonly ScannedMachine[],
  replace: readonly string[],
): KeyFinding[] {
  return machines.map(({ name, address, pinned, scan }): KeyFinding => {
    const base = { machine: name, address };
    if (scan.kind === "silent")
      return { ...base, state: "unreachable", key: undefined, note: scan.reason };
    const { key } = scan;
    const twin = machines.find((other) => other.name !== name && hasKey(other, key));
    if (twin) {
      return {
        ...base,
        state: "twin",
        key,
        note: `${twin.name} has the same key: one is a copy of the other, or both are one machine`,
      };
    }
    if (pinned === undefined) return { ...base, state: "new", key, note: "" };
    if (sameKey(pinned, key)) return { ...base, state: "pinned", key, note: "" };
    const before = `pinned before: ${shownFingerprint(pinned)}`;
    return { ...base, state: replace.includes(name) ? "replaced" : "changed", key, note: before };
  });
}

function hasKey({ scan, pinned }: ScannedMachine, key: string): boolean {
  return scan.kind === "key"
    ? sameKey(scan.key, key)
    : pinned !== undefined && sameKey(pinned, key);
}

function shownFingerprint(key: string): string {
  try {
    return fingerprint(parseHostKey(key).blob);
  } catch {
    return "a key that cannot be read";
  }
}

/** Whether a finding's key is to be written. */
export function isToBeWritten({ state }: KeyFinding): boolean {
  return state === "new" || state === "replaced";
}

/** What the user compares with the machines' own screens. */
export function renderFindings(findings: readonly KeyFinding[]): string {
  return renderTable(
    ["MACHINE", "ADDRESS", "KEY", "FINGERPRINT"],
    findings.map(({ machine, address, state, key, note }) => [
      machine,
      address,
      state === "changed" ? "CHANGED" : state,
      [key === undefined ? "" : shownFingerprint(key), note && `(${note})`]
        .filter(Boolean)
        .join(" "),
    ]),
  );
}

/** The stack's file with the keys written into it; everything else, comments too, stays. */
export function withHostKeys(text: string, file: string, findings: readonly KeyFinding[]): string {
  const document = parseStackFile(text, file);
  for (const { machine, key } of findings.filter(isToBeWritten)) {
    document.setIn(["config", "pi-lab:lab", "machines", machine, "hostKey"], key);
  }
  return document.toString({ lineWidth: 0 });
}
