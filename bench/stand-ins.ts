import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { utils as ssh } from "ssh2";
import { clients, type Address, type HostKey, type Lab } from "../model";
import { openSshShell } from "../provider/ssh/ssh2";
import { hostWants } from "../render";
import { knownOfHosts } from "../scripts/lib/lab-drift";
import { probeAnswer } from "../test/support/hosts/probe-answer";
import type { SshPlaces } from "./bare-ssh";
import { Interrupted } from "./bench-lab";
import { measureDrift } from "./drift";

/** What the stand-ins' process is told. */
export interface StandInOptions {
  readonly hostKey: string;
  /** What each host answers, whatever it is asked; nothing to `true`. */
  readonly answer: string;
  /** How long that takes, ms; no time for `true`. */
  readonly answerMs: number;
}

/** A Pi's own time for the probe was not measured; a virtual one takes about so long. */
export const ANSWER_MS = 300;
const START_MS = 20_000;

/**
 * Many hosts where there is one machine: an SSH server in a process of its own at many loopback
 * addresses, which answers each command as a client that is as it was left. The connections are real,
 * the hosts' own work is not done, and both sides share this machine's cores.
 */
export class StandIns {
  private constructor(
    private readonly process: ChildProcess,
    private readonly lab: Lab,
    private readonly folder: string,
    private readonly signal: AbortSignal,
  ) {}

  /** @param folder for the files of those who dial them */
  static async start(lab: Lab, folder: string, signal: AbortSignal): Promise<StandIns> {
    const [client] = clients(lab);
    if (client === undefined) throw new Error(`${lab.name} has no client to stand in for`);
    const pair = keyPair();
    // A client's files do not hold its address: so one answer does for all.
    const host = { ...client, machine: { ...client.machine, hostKey: pair.public as HostKey } };
    const alone = { ...lab, hosts: [host] };
    const options: StandInOptions = {
      hostKey: pair.private,
      answer: probeAnswer(hostWants(alone, host)),
      answerMs: ANSWER_MS,
    };
    const child = fork(join(__dirname, "stand-in-server.ts"), { stdio: "inherit" });
    child.send(options);
    const port = await portOf(child);
    const dialled = { ...alone, ssh: { ...lab.ssh, user: "root", port } };
    return new StandIns(child, dialled, folder, signal);
  }

  /** Looks at so many of them. */
  drift(count: number): Promise<{ readonly seconds: number }> {
    const [host] = this.lab.hosts;
    if (host === undefined || this.signal.aborted) throw new Interrupted();
    const hosts = addresses(count).map((address) => ({
      ...host,
      machine: { ...host.machine, address },
    }));
    return measureDrift({ ...this.lab, hosts }, knownOfHosts([]), {
      openShell: openSshShell,
      privateKey: keyPair().private,
      signal: this.signal,
    });
  }

  /** Where so many of them are, for others' clients. */
  places(count: number): SshPlaces {
    const { ssh: login, hosts } = this.lab;
    const privateKeyFile = join(this.folder, "stand-ins-key");
    writeFileSync(privateKeyFile, keyPair().private, { mode: 0o600 });
    const all = addresses(count);
    const key = hosts[0]?.machine.hostKey ?? "";
    return {
      folder: this.folder,
      user: login.user,
      port: login.port,
      privateKeyFile,
      knownHosts: all.map((address) => `[${address}]:${login.port} ${key}\n`).join(""),
      addresses: all,
    };
  }

  stop(): void {
    this.process.kill("SIGKILL");
  }
}

/** @throws Error where it does not listen in time; it is ended then, since nobody could exit beside it */
async function portOf(child: ChildProcess): Promise<number> {
  try {
    const [port] = (await once(child, "message", { signal: AbortSignal.timeout(START_MS) })) as [
      number,
    ];
    return port;
  } catch (error) {
    child.kill("SIGKILL");
    throw new Error(`the stand-ins' process does not listen after ${START_MS / 1000} s`, {
      cause: error,
    });
  }
}

function addresses(count: number): Address[] {
  return Array.from(
    { length: count },
    (_, n) => `127.0.${1 + Math.floor(n / 250)}.${1 + (n % 250)}` as Address,
  );
}

/** ssh2 1.17 makes an ed25519 key that it cannot read itself about once in 160 times: those are thrown away. */
function keyPair(): { private: string; public: string } {
  for (;;) {
    const pair = ssh.generateKeyPairSync("ed25519", { comment: "bench" });
    if (!(ssh.parseKey(pair.private) instanceof Error)) return pair;
  }
}
