import { isMap, isScalar, parseDocument, visit, type Document } from "yaml";
import { UserError, reasonOf } from "./errors";
import { PROJECT } from "./lab-folder";

/** Path of the one structured key in a stack's file. */
const LAB_PATH = ["config", `${PROJECT}:lab`] as const;

/** What a copy of a template gets instead of the template's own. */
export interface CopyChanges {
  /** Comment at the head of the copy, without `#`. */
  readonly header: readonly string[];
  /** The lab's name; undefined keeps the template's. */
  readonly name?: string | undefined;
  /** Another subnet of the same size, e.g. `10.0.43.0/24`: each machine keeps its number in it. */
  readonly subnet?: string | undefined;
  /** `ssh.privateKeyPath`. */
  readonly privateKeyPath?: string | undefined;
}

/** A stack's file as a document that keeps its comments. */
export function parseStackFile(text: string, file: string): Document {
  const document = parseDocument(text);
  const [problem] = document.errors;
  if (problem) {
    throw new UserError(
      `${file} is not valid YAML: ${problem.message}\nMend that place; nothing was changed.`,
    );
  }
  return document;
}

/** Whether a stack's file holds values that its passphrase has encrypted. */
export function holdsSecrets(text: string): boolean {
  let found = false;
  visit(parseDocument(text), {
    Pair: (_key, { key }) => {
      found ||= isScalar(key) && key.value === "secure";
    },
  });
  return found;
}

/** A stack's file without the salt of its passphrase, which the engine wrote into it. */
export function withoutSalt(text: string): string {
  return text.replace(/^encryptionsalt: .*\n?/m, "");
}

/** The plain value of `pi-lab:lab` in a stack's file, unchecked; undefined when the key is missing. */
export function labValue(document: Document): unknown {
  const node: unknown = document.getIn([...LAB_PATH], true);
  if (node === undefined || node === null) return undefined;
  try {
    return (
      (document.toJS() as { config: Record<string, unknown> }).config[LAB_PATH[1]] ?? undefined
    );
  } catch (error) {
    throw new UserError(`The lab's configuration cannot be read: ${reasonOf(error)}`);
  }
}

/** The text of a lab's own configuration, made from a template's text. Comments stay, but for the template's heading. */
export function copyOfTemplate(text: string, file: string, changes: CopyChanges): string {
  const document = parseStackFile(withoutHeading(text), file);
  const lab: unknown = document.getIn([...LAB_PATH], true);
  if (!isMap(lab)) {
    throw new UserError(
      `${file}: config.${LAB_PATH[1]} is missing. Restore the file, for instance by git checkout.`,
    );
  }
  // A salt belongs to one passphrase, and the copy gets a passphrase of its own.
  document.delete("encryptionsalt");
  const set = (path: readonly string[], value: string): void =>
    document.setIn([...LAB_PATH, ...path], value);
  if (changes.name !== undefined) set(["name"], changes.name);
  if (changes.privateKeyPath !== undefined) set(["ssh", "privateKeyPath"], changes.privateKeyPath);
  if (changes.subnet !== undefined) moveSubnet(document, file, changes.subnet);
  const header = changes.header.map((line) => (line ? `# ${line}\n` : "#\n")).join("");
  return `${header}\n${document.toString({ lineWidth: 0 })}`;
}

/** Drops the comment that heads a file: it speaks of the template, not of its copies. */
function withoutHeading(text: string): string {
  return text.replace(/^((#[^\n]*)?\n)+/, "");
}

/** Sets the switch's subnet, and gives its gateway and each machine the address with its old number in it. */
function moveSubnet(document: Document, file: string, subnet: string): void {
  const value = labValue(document) as {
    switch?: { subnet?: string; gateway?: string };
    machines?: Record<string, { address?: string }>;
  };
  const from = parseSubnet(value.switch?.subnet ?? "");
  const to = parseSubnet(subnet);
  if (!from || !to || from.prefix !== to.prefix) {
    throw new UserError(
      `${file}: switch.subnet: ${value.switch?.subnet ?? "nothing"} cannot be moved to ${subnet}. Both must be IPv4 networks of the same size, e.g. 10.0.43.0/24.`,
    );
  }
  const move = (path: readonly string[], text: string | undefined): void => {
    const address = parseAddress(text ?? "");
    if (address === undefined) return;
    document.setIn([...LAB_PATH, ...path], formatAddress(to.base + (address - from.base)));
  };
  document.setIn([...LAB_PATH, "switch", "subnet"], subnet);
  move(["switch", "gateway"], value.switch?.gateway);
  for (const [name, machine] of Object.entries(value.machines ?? {})) {
    move(["machines", name, "address"], machine.address);
  }
}

/** An IPv4 network as numbers; undefined for anything else. */
export function parseSubnet(text: string): { base: number; prefix: number } | undefined {
  const [address = "", prefix = ""] = text.split("/");
  const base = parseAddress(address);
  if (base === undefined || !/^\d+$/.test(prefix) || Number(prefix) > 32) return undefined;
  return { base, prefix: Number(prefix) };
}

/** Whether two IPv4 networks share an address. Texts that are no networks share none. */
export function subnetsOverlap(a: string, b: string): boolean {
  const [x, y] = [parseSubnet(a), parseSubnet(b)];
  if (!x || !y) return false;
  const size = 2 ** (32 - Math.min(x.prefix, y.prefix));
  return Math.floor(x.base / size) === Math.floor(y.base / size);
}

function parseAddress(text: string): number | undefined {
  const parts = text.split(".").map((part) => (/^\d{1,3}$/.test(part) ? Number(part) : NaN));
  if (parts.length !== 4 || !parts.every((part) => part <= 255)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}

function formatAddress(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}
