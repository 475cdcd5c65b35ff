import { setTimeout as sleep } from "node:timers/promises";

import type { ExecResult } from "../../plugins/common/ssh";
import { SshError } from "../../plugins/common/ssh";
import type { ConnectAdmin } from "../admin/port";
import { asking, BRISK, KafkaError } from "../admin/port";
import { Hindrance } from "../packages/hindrance";
import { mirrorsOf } from "../packages/host";
import { canFetchHere } from "../packages/kept";
import type { HostShell, Login, OpenShell } from "../ssh/port";
import type { HostFacts } from "./facts";
import { parseFacts } from "./facts";
import type { CheckName, Finding, HostFindings } from "./findings";
import { judgeHost } from "./judge";
import { LOOK_TIMEOUT_MS, lookCommand, PREFLIGHT_SCRIPT } from "./script";
import type { Wanted } from "./wanted";

export interface Look extends HostFindings {
  /** Undefined for a machine that could not be looked at. */
  readonly facts: HostFacts | undefined;
}

export interface LookOptions {
  /** Logical host name. */
  readonly host: string;
  readonly signal: AbortSignal;
  readonly status: (line: string) => void;
  /** How long a machine that does not answer is dialled again, ms; 0: one try. */
  readonly patienceMs: number;
}

/** For one try: a machine on the same switch answers within milliseconds, one that starts within seconds. */
const DIAL_TIMEOUT_MS = 5_000;
const FIRST_DELAY_MS = 100;
const DELAY_FACTOR = 1.5;
const MAX_DELAY_MS = 2_000;

/** One connection, one script; what keeps a machine from being looked at is a finding as well. */
export async function lookAt(
  open: OpenShell,
  login: Login,
  wanted: Wanted,
  options: LookOptions,
): Promise<Look> {
  const { host, signal } = options;
  const failed = (error: unknown): Look => {
    signal.throwIfAborted();
    if (!(error instanceof SshError)) throw error;
    return { host, findings: [accessFinding(error, options)], facts: undefined };
  };
  let shell: HostShell;
  try {
    // `sudo` is asked for by hand: a login without it is looked at as far as it goes.
    shell = await dial(open, { ...login, sudo: false }, options);
  } catch (error) {
    return failed(error);
  }
  try {
    const { facts: told, findings } = await ask(shell, login, wanted);
    if (told === undefined) return { host, findings, facts: told };
    const facts = await withOwnMirror(told, wanted);
    return { host, findings: [...findings, ...judgeHost(facts, wanted)], facts };
  } catch (error) {
    return failed(error);
  } finally {
    shell.close();
  }
}

/** Where packages come through this machine, it is this one that must reach a mirror, and may ask it. */
async function withOwnMirror(
  facts: HostFacts,
  { packageMirrors = [] }: Wanted,
): Promise<HostFacts> {
  const { origins } = facts.apt;
  const [origin] = origins;
  if (origin === undefined || !origins.every((one) => one.startsWith("http://"))) return facts;
  const address = new URL(origin).host;
  try {
    const mirrors = mirrorsOf(origins, packageMirrors);
    const mirror = { address, answers: await canFetchHere(origin, mirrors) };
    return { ...facts, apt: { ...facts.apt, mirror } };
  } catch (error) {
    const hindrance = hindranceOf(error);
    return { ...facts, apt: { ...facts.apt, mirror: { address, answers: false, hindrance } } };
  }
}

function hindranceOf(error: unknown): { found: string; remedy: string } {
  if (!(error instanceof Hindrance)) throw error;
  return { found: error.message, remedy: error.remedy };
}

async function dial(open: OpenShell, login: Login, options: LookOptions): Promise<HostShell> {
  const { host, signal, status, patienceMs } = options;
  const deadline = Date.now() + patienceMs;
  for (let delay = FIRST_DELAY_MS; ; delay = Math.min(delay * DELAY_FACTOR, MAX_DELAY_MS)) {
    try {
      return await open(login, { host, signal, retries: 0, dialTimeoutMs: DIAL_TIMEOUT_MS });
    } catch (error) {
      const mayAnswer = error instanceof SshError && error.canRetry;
      if (!mayAnswer || Date.now() + delay > deadline) throw error;
      const seconds = Math.ceil((deadline - Date.now()) / 1000);
      status(`${host} does not answer yet; it is dialled for ${seconds} s more`);
      await sleep(delay, undefined, { signal });
    }
  }
}

interface Answer {
  readonly facts: HostFacts | undefined;
  readonly findings: Finding[];
}

async function ask(shell: HostShell, login: Login, wanted: Wanted): Promise<Answer> {
  const command = lookCommand(wanted);
  const run = async (words: string): Promise<{ result: ExecResult; facts?: HostFacts }> => {
    const fromMs = Date.now();
    const result = await shell.run(words, {
      stdin: PREFLIGHT_SCRIPT,
      timeoutMs: LOOK_TIMEOUT_MS,
      label: "looking at the machine",
    });
    const facts = parseFacts(result.stdout, { fromMs, untilMs: Date.now() });
    return facts === undefined ? { result } : { result, facts };
  };
  const asRoot = await run(login.sudo ? `sudo -n ${command}` : command);
  if (asRoot.facts !== undefined) return { facts: asRoot.facts, findings: [] };
  if (!login.sudo) return { facts: undefined, findings: [broken(asRoot.result)] };
  const asUser = await run(command);
  if (asUser.facts === undefined) return { facts: undefined, findings: [broken(asUser.result)] };
  return { facts: asUser.facts, findings: [sudoFinding(login.user, asRoot.result)] };
}

function sudoFinding(user: string, { stderr }: ExecResult): Finding {
  const said = lastLine(stderr);
  return {
    check: "sudo",
    severity: "error",
    found: `${user} may not use sudo without a password${said === "" ? "" : ` (${said})`}`,
    value: said,
    remedy: `Log in there and run: echo '${user} ALL=(ALL) NOPASSWD: ALL' | sudo tee /etc/sudoers.d/010_${user}-nopasswd`,
  };
}

function broken({ code, stderr, stdout }: ExecResult): Finding {
  const said = lastLine(stderr) || lastLine(stdout);
  return {
    check: "look",
    severity: "error",
    found: `the look at it broke off with status ${code}${said === "" ? "" : ` (${said})`}`,
    value: String(code),
    remedy: "It needs bash 5 and coreutils: see what a login there prints.",
  };
}

const lastLine = (text: string): string => text.trim().split("\n").at(-1)?.slice(0, 160) ?? "";

/** Why it could not be looked at. The first sentence of our SSH errors is the cause, the rest is the remedy. */
function accessFinding(error: SshError, { host, patienceMs }: LookOptions): Finding {
  const text = innermost(error).message.replace(`${host}: `, "");
  const [cause = "", ...rest] = text.split(/\.\s+/);
  const { check, remedy } = accessOf(error);
  const tried = error.canRetry && patienceMs > 0 ? ` (tried for ${patienceMs / 1000} s)` : "";
  return {
    check,
    severity: "error",
    found: `${cause.replace(/\.$/, "")}${tried}`,
    value: error.code,
    remedy: remedy ?? `${rest.join(". ").replace(/\.$/, "")}.`,
  };
}

function accessOf({ code }: SshError): { check: CheckName; remedy: string | undefined } {
  switch (code) {
    case "unreachable":
    case "dial_timeout":
      return {
        check: "reachability",
        remedy: "Is it on, is its address right, and does sshd run there?",
      };
    case "host_key_mismatch":
    case "host_key_invalid":
      return {
        check: "host-key",
        remedy:
          "Either this is not the machine it was, or someone stands in between: if it was replaced or " +
          "installed anew on purpose, pin its new key (`npm run host-keys`).",
      };
    case "auth_refused":
    case "credentials_invalid":
      return { check: "login", remedy: undefined };
    case "connection_lost":
    case "env_refused":
    case "exec_refused":
    case "exec_timeout":
    case "sftp_failed":
    case "forward_refused":
    case "aborted":
      return { check: "look", remedy: "See with `ssh` whether it answers, and try again." };
    default:
      return code satisfies never;
  }
}

/** The error itself, without what was wrapped around it on its way. */
function innermost(error: SshError): SshError {
  return error.cause instanceof SshError ? innermost(error.cause) : error;
}

/** The looks, and what was wanted of each machine. */
export type Looks = readonly (readonly [look: Look, wanted: Wanted])[];

/**
 * Judges anew the disks that seem another cluster's, if it is the cluster that lives at the lab's addresses:
 * a stack that has lost its state proposes an id for a birth, and takes the living cluster over.
 *
 * @param living asked only where there is such a disk; undefined: no cluster lives
 */
export async function acceptLiving(
  looks: Looks,
  living: () => Promise<string | undefined>,
): Promise<Look[]> {
  const isForeign = ({ findings }: Look): boolean =>
    findings.some(({ check }) => check === "foreign-data");
  const former = looks.map(([look]) => look);
  const clusterId = former.some(isForeign) ? await living() : undefined;
  if (clusterId === undefined) return former;
  return looks.map(([look, { kafka, ...wanted }]) =>
    look.facts === undefined || kafka === undefined || !isForeign(look)
      ? look
      : {
          ...look,
          findings: judgeHost(look.facts, { ...wanted, kafka: { ...kafka, clusterId } }),
        },
  );
}

/** The id of the cluster that answers; undefined if none does. */
export async function livingClusterId(
  connectAdmin: ConnectAdmin,
  servers: readonly string[],
): Promise<string | undefined> {
  try {
    return await asking(connectAdmin(servers, BRISK), (admin) => admin.clusterId());
  } catch (error) {
    // What answers there may be no Kafka at all.
    if (error instanceof KafkaError) return undefined;
    throw error;
  }
}
