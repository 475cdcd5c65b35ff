import { createHash, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { isAbsolute, join, relative } from "node:path";
import { utils as ssh } from "ssh2";
import { isMap, parseDocument } from "yaml";
import { npmRun } from "./cli";
import { bundledProgram } from "../../toolchain/bundle";
import { UserError } from "./errors";
import { readIfPresent, writeIfChanged, writeWhole } from "./files";
import { copyOfTemplate, labValue, parseStackFile } from "./lab-config";
import { CHECKOUT, DEFAULT_STACK, checkpointFile, type LabFolder } from "./lab-folder";

/** How a new lab differs from its template. */
export interface NewLab {
  /** Default: the template's own name for a stack with a template, else the stack's name. */
  readonly name?: string | undefined;
  /** Default: the template's subnet. */
  readonly subnet?: string | undefined;
}

/** Which template a lab's file was copied from, and what it said then. */
interface Origin {
  readonly template: string;
  readonly sha256: string;
}

/** Stacks whose committed templates serve for others that have none: containers, and real machines. */
export type TemplateStack = typeof DEFAULT_STACK | "pi-lab";

/** The committed template of a stack: its own, or that of another. */
export function templateOf(
  stack: string,
  checkout: string = CHECKOUT,
  other: TemplateStack = DEFAULT_STACK,
): string {
  return ownTemplate(stack, checkout) ?? join(checkout, `Pulumi.${other}.yaml`);
}

/** The committed template of this very stack, if there is one. */
export function ownTemplate(stack: string, checkout: string = CHECKOUT): string | undefined {
  const own = join(checkout, `Pulumi.${stack}.yaml`);
  return existsSync(own) ? own : undefined;
}

/**
 * Makes whatever is missing in a lab's folder; what is there stays as it is.
 * @param choose asked only when the configuration is made; gets the template's plain value
 * @param other whose template serves for a stack that has none of its own. Default: the virtual lab's
 * @returns whether the configuration was made now
 */
export async function ensureLabFiles(
  folder: LabFolder,
  choose: (templateLab: unknown) => Promise<NewLab>,
  checkout: string = CHECKOUT,
  other: TemplateStack = DEFAULT_STACK,
): Promise<boolean> {
  mkdirSync(folder.stateDir, { recursive: true, mode: 0o700 });
  ensurePassphrase(folder);
  writeIfChanged(folder.projectFile, projectFile(folder, checkout));
  const isNew = !existsSync(folder.configFile);
  if (isNew) await makeConfig(folder, choose, checkout, templateOf(folder.stack, checkout, other));
  if (isVirtual(readLab(folder))) ensureKey(folder);
  return isNew;
}

/** The plain, unchecked value of a lab's configuration. */
export function readLab(folder: LabFolder): unknown {
  const lab = labValue(parseStackFile(readFileSync(folder.configFile, "utf8"), folder.configFile));
  if (lab === undefined) {
    throw new UserError(
      `${display(folder.configFile)}: config.pi-lab:lab is missing. Add it (${display(templateOf(folder.stack))} shows how), or delete the file to have it made again.`,
    );
  }
  return lab;
}

/** Whether the lab's machines are containers on this machine. */
export function isVirtual(lab: unknown): boolean {
  return typeof lab === "object" && lab !== null && "virtual" in lab;
}

/** `lab.name`, which labels everything that a virtual lab has in Docker; undefined when it is missing or no text. */
export function labName(lab: unknown): string | undefined {
  if (typeof lab !== "object" || lab === null || !("name" in lab)) return undefined;
  return typeof lab.name === "string" ? lab.name : undefined;
}

/** A path as a user in the checkout types it. */
export function display(path: string, from: string = process.cwd()): string {
  const short = relative(from, path);
  return short.startsWith("..") || isAbsolute(short) ? path : short;
}

/**
 * What to tell a user whose template is no longer what this lab's configuration was copied from:
 * either they edited the wrong file, or a newer version brought another template.
 */
export function templateNote(folder: LabFolder, checkout: string = CHECKOUT): string | undefined {
  const origin = readIfPresent(folder.originFile);
  if (origin === undefined) return undefined;
  const { template, sha256 } = JSON.parse(origin) as Origin;
  const now = readIfPresent(join(checkout, template));
  if (now === undefined || digest(now) === sha256) return undefined;
  const mine = display(folder.configFile);
  return [
    `Note: ${template} has changed since this lab was made from it. It is only the template of new labs:`,
    `edits there do not reach this lab. Edit ${mine} instead, or delete that file to have it made again.`,
  ].join("\n");
}

async function makeConfig(
  folder: LabFolder,
  choose: (templateLab: unknown) => Promise<NewLab>,
  checkout: string,
  template: string,
): Promise<void> {
  const text = readIfPresent(template);
  if (text === undefined) {
    throw new UserError(
      `${template} is missing: it is the template of new labs. Restore it, for instance by git checkout.`,
    );
  }
  const lab = labValue(parseStackFile(text, template));
  const isOwn = template === ownTemplate(folder.stack, checkout);
  const chosen = await choose(lab);
  const key = relative(checkout, folder.privateKeyFile);
  const copy = copyOfTemplate(text, template, {
    header: heading(folder, isVirtual(lab)),
    name: chosen.name ?? (isOwn ? undefined : folder.stack),
    subnet: chosen.subnet,
    // Short where it can be: the engine runs the program with the checkout as working directory.
    privateKeyPath: isVirtual(lab)
      ? key.startsWith("..")
        ? folder.privateKeyFile
        : key
      : undefined,
  });
  const origin: Origin = { template: relative(checkout, template), sha256: digest(text) };
  writeWhole(folder.originFile, `${JSON.stringify(origin, undefined, 2)}\n`);
  writeWhole(folder.configFile, copy);
}

function heading({ stack }: LabFolder, virtual: boolean): string[] {
  return [
    `The lab "${stack}": this is the file to edit. docs/configuration.md explains each key.`,
    `What an edit would change:  ${npmRun("pulumi", stack, "preview")}`,
    `Make the lab so:            ${npmRun("pulumi", stack, "up")}`,
    ...(virtual ? [] : [`Pin the machines' keys:     ${npmRun("host-keys", stack)}`]),
  ];
}

/**
 * The engine's project file of a lab: the checkout's own, seen from the lab's folder, with the program
 * as it was bundled.
 */
function projectFile(folder: LabFolder, checkout: string): string {
  const source = join(checkout, "Pulumi.yaml");
  const document = parseDocument(readFileSync(source, "utf8"));
  document.commentBefore = ` Made from the checkout's Pulumi.yaml at each run: edits here are lost.`;
  document.set("main", join(checkout, bundledProgram));
  document.set("runtime", { name: "nodejs", options: { typescript: false } });
  document.set("backend", { url: folder.backendUrl });
  const providers: unknown = document.getIn(["plugins", "providers"]);
  const items =
    typeof providers === "object" && providers !== null && "items" in providers
      ? (providers.items as unknown[])
      : [];
  for (const item of items) {
    if (isMap(item)) item.set("path", join(checkout, String(item.get("path"))));
  }
  return document.toString({ lineWidth: 0 });
}

function ensurePassphrase(folder: LabFolder): void {
  if (existsSync(folder.passphraseFile)) return;
  if (existsSync(checkpointFile(folder))) {
    throw new UserError(
      `${display(folder.passphraseFile)} is missing, but this lab has a state whose secrets need it. Restore the file from a backup; or, to begin anew, end the lab's containers and delete ${display(folder.dir)}.`,
    );
  }
  writeWhole(folder.passphraseFile, `${randomBytes(24).toString("base64url")}\n`, 0o600);
}

/** Makes the lab's own SSH key, unless it is there. */
export function ensureKey(folder: LabFolder): void {
  if (existsSync(folder.privateKeyFile)) return;
  const pair = newKeyPair(`pi-lab ${folder.stack}`);
  writeWhole(folder.privateKeyFile, withNewline(pair.private), 0o600);
  writeWhole(`${folder.privateKeyFile}.pub`, withNewline(pair.public));
}

/** ssh2 1.17 makes an ed25519 key that it cannot read itself about once in 160 times: those are thrown away. */
function newKeyPair(comment: string): { private: string; public: string } {
  for (;;) {
    const pair = ssh.generateKeyPairSync("ed25519", { comment });
    if (!(ssh.parseKey(pair.private) instanceof Error)) return pair;
  }
}

function withNewline(text: string): string {
  return `${text.trimEnd()}\n`;
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
