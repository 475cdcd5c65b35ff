import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { SshError } from "../../../plugins/common/ssh";
import type { Fingerprint } from "../../../provider/rollout/stamp";
import type { HostShell, OpenShell } from "../../../provider/ssh/port";
import { processesWithEnv, signalProcess, type ProcessId } from "../../../scripts/lib/processes";
import { renderProperties } from "../kafka/kafka-cluster";

/**
 * A host without a machine: the provider's own scripts run in this machine's bash, their paths moved
 * below a folder, with stand-ins for systemctl and journalctl that keep a real process running.
 */
export class FakePi {
  /** Top-level folders that scripts find below `root`. */
  folders: readonly string[] = ["run", "etc", "opt"];
  /** Set: dialling fails with it. */
  unreachable: string | undefined;
  /** Labels of what was run, in order. */
  readonly steps: string[] = [];
  dials = 0;
  private readonly running: Promise<unknown>[] = [];
  /** Called before a script runs; a test's way to come in between. */
  onStep: (label: string) => void | Promise<void> = () => undefined;

  private constructor(
    readonly name: string,
    readonly root: string,
  ) {}

  /** `command` is the unit's ExecStart; it may name `$FAKE_ROOT`. */
  static async make(name: string, command: string): Promise<FakePi> {
    const root = await mkdtemp(join(tmpdir(), `pi-lab-${name}-`));
    const pi = new FakePi(name, root);
    for (const folder of ["etc/kafka", "run", "opt/kafka", "unit", "bin"]) {
      await mkdir(join(root, folder), { recursive: true });
    }
    await copyFile(join(__dirname, "systemctl.sh"), join(root, "bin/systemctl"));
    await copyFile(join(__dirname, "supervise.sh"), join(root, "unit/supervise.sh"));
    await writeFile(
      join(root, "bin/journalctl"),
      '#!/bin/bash\nwhile [ "$1" != -n ]; do shift; done\ntail -n "$2" "$FAKE_ROOT/unit/journal"\n',
    );
    await chmod(join(root, "bin/systemctl"), 0o755);
    await chmod(join(root, "bin/journalctl"), 0o755);
    await writeFile(join(root, "unit/journal"), "");
    await pi.setCommand(command);
    return pi;
  }

  setCommand(command: string): Promise<void> {
    return writeFile(join(this.root, "unit/command"), command);
  }

  /** From now on systemctl refuses to start anything, with these words. */
  setSystemctlFailure(message: string): Promise<void> {
    return writeFile(join(this.root, "unit/failure"), message);
  }

  /** What the staging command leaves: files, manifest, link. Returns the bundle's hash. */
  async stage(want: Fingerprint, minIsr = 2): Promise<string> {
    const properties = renderProperties({ ...want.properties, "min.insync.replicas": `${minIsr}` });
    const hash = createHash("sha256")
      .update(JSON.stringify([want, minIsr]))
      .digest("hex");
    const manifest = Object.entries(want.files).map(([path, sum]) => `${sum}  ${path}\n`);
    await writeFile(join(this.root, "etc/kafka/server.properties"), properties);
    await writeFile(join(this.root, "etc/kafka/manifest"), `${manifest.join("")}bundle ${hash}\n`);
    const link = join(this.root, "opt/kafka/current");
    await rm(link, { force: true });
    await symlink(`kafka-${want.version}`, link);
    return hash;
  }

  /** Start of the unit's process, undefined while there is none. */
  async pid(): Promise<number | undefined> {
    return (await this.ownProcess("unit/pid"))?.pid;
  }

  async journalTail(): Promise<string> {
    const text = await readFile(join(this.root, "unit/journal"), "utf8");
    return text.split("\n").slice(-40).join("\n");
  }

  /** Who has the right to restart this host, and until when; empty if nobody has. */
  lease(): Promise<string> {
    return readFile(join(this.root, "run/pi-lab/roll.lease"), "utf8").catch(() => "");
  }

  /** The calls that change a unit, in order. */
  async unitCalls(): Promise<string[]> {
    const text = await readFile(join(this.root, "unit/calls"), "utf8").catch(() => "");
    return text.split("\n").filter((line) => /^(start|restart|disable|enable) /.test(line));
  }

  /** Ends the unit as a power cut does. */
  async kill(): Promise<void> {
    for (const file of ["unit/supervisor", "unit/pid"]) {
      const id = await this.ownProcess(file);
      if (id !== undefined) signalProcess(id, "SIGKILL");
      await rm(join(this.root, file), { force: true });
    }
  }

  /**
   * The living process whose number is in the file. The number may be somebody else's by now: only a
   * process that carries this host's folder in its environment is its own.
   */
  private async ownProcess(file: string): Promise<ProcessId | undefined> {
    const pid = Number(await readFile(join(this.root, file), "utf8").catch(() => "0"));
    return processesWithEnv("FAKE_ROOT", this.root).find((id) => id.pid === pid);
  }

  async remove(): Promise<void> {
    await this.kill();
    // A script that is given up (a lease given back late) would make the folder anew.
    await Promise.all(this.running);
    await rm(this.root, { recursive: true, force: true });
  }

  shell(): HostShell {
    return {
      close: () => undefined,
      forwardIn: () => Promise.reject(new Error("nothing is forwarded here")),
      run: async (command, { stdin = "", label = "" } = {}) => {
        this.steps.push(label);
        await this.onStep(label);
        if (this.unreachable !== undefined) throw new SshError("connection_lost", this.unreachable);
        const own = new RegExp(`/(${this.folders.join("|")})/`, "g");
        return this.bash(command, stdin.replaceAll(own, `${this.root}/$1/`));
      },
    };
  }

  private bash(
    command: string,
    stdin: string,
  ): Promise<{ stdout: string; stderr: string; code: number }> {
    const env = {
      ...process.env,
      FAKE_ROOT: this.root,
      PATH: `${this.root}/bin:${process.env["PATH"] ?? ""}`,
    };
    const child = spawn("bash", ["-c", command], { env });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.on("error", () => undefined).end(stdin);
    const ended = new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve(code ?? 1));
    });
    this.running.push(ended.catch(() => undefined));
    return ended.then((code) => ({ stdout, stderr, code }));
  }
}

/** Dials fake hosts by the address of their connection. */
export function openFakeShells(pis: readonly FakePi[]): OpenShell {
  return (login, { host }) => {
    const pi = pis.find((one) => one.name === login.host);
    if (pi === undefined) return Promise.reject(new Error(`no fake host ${login.host}`));
    pi.dials++;
    if (pi.unreachable !== undefined) {
      return Promise.reject(new SshError("unreachable", `${host}: ${pi.unreachable}`));
    }
    return Promise.resolve(pi.shell());
  };
}
