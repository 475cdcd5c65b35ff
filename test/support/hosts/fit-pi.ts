import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import { FakePi } from "./fake-pi";

/**
 * A fake host that a preflight finds nothing wrong with: a Pi 4 of 8 GB with Raspberry Pi OS, all packages
 * installed and the clock right. Tests break one thing or another of it.
 */
export class FitPi {
  private constructor(readonly pi: FakePi) {}

  static async make(name: string): Promise<FitPi> {
    const pi = await FakePi.make(name, "sleep 1000");
    pi.folders = ["run", "etc", "opt", "proc", "sys", "usr"];
    const fit = new FitPi(pi);
    await fit.file("etc/os-release", OS_RELEASE);
    await fit.file("etc/rpi-issue", "Raspberry Pi reference 2025-05-13\n");
    await fit.file("proc/device-tree/model", "Raspberry Pi 4 Model B Rev 1.5\0");
    await fit.file("proc/meminfo", "MemTotal:        7999128 kB\nMemFree:         6000000 kB\n");
    await fit.file("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory pids\n");
    await fit.file("run/systemd/system/.keep", "");
    await fit.program("usr/sbin/chronyd", "");
    await fit.program("bin/apt-get", "");
    await fit.program("bin/java", "");
    await fit.program("bin/id", "echo 0");
    await fit.program("bin/dpkg", "echo arm64");
    await fit.program("bin/uname", "echo aarch64");
    await fit.program("bin/getconf", "echo 4096");
    await fit.program("bin/systemd-detect-virt", "echo none; exit 1");
    await fit.program("bin/systemctl", "exit 1");
    await fit.program("bin/ss", "");
    await fit.program("bin/sudo", 'shift; exec "$@"');
    await fit.disk("31000000 61000000 ext4 /", "28000000 30000000 ext4 /var/lib/kafka");
    await fit.speed("0.8", "0.2");
    await mkdir(fit.dataDir, { recursive: true });
    return fit;
  }

  /** A broker's data directory. Its own path is not rewritten, so it is given to the resource as it is. */
  get dataDir(): string {
    return join(this.pi.root, "kafka/data");
  }

  get name(): string {
    return this.pi.name;
  }

  async file(path: string, text: string): Promise<void> {
    const file = join(this.pi.root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text);
  }

  /** Puts a program before this machine's own of the same name. */
  async program(path: string, body: string): Promise<void> {
    await this.file(path, `#!/bin/bash\n${body}\n`);
    await chmod(join(this.pi.root, path), 0o755);
  }

  removeFile(path: string): Promise<void> {
    return rm(join(this.pi.root, path), { recursive: true, force: true });
  }

  /** Lines of `df`, for `/` and for Kafka's data. */
  disk(root: string, data: string): Promise<void> {
    return this.program("bin/df", `printf '%s\\n' Avail '${root}' '${data}'`);
  }

  /** Seconds that 16 times 1 MiB and 32 times 4 KiB take. */
  speed(streamSeconds: string, syncSeconds: string): Promise<void> {
    return this.program(
      "bin/dd",
      `case "$*" in *bs=1M*) bytes=16777216 took=${streamSeconds} ;; *) bytes=131072 took=${syncSeconds} ;; esac\n` +
        'echo "$bytes bytes (1 MB, 1 MiB) copied, $took s, 1 MB/s" >&2',
    );
  }

  /** Something that listens, as `ss` tells it. */
  listener(address: string, port: number, name: string, pid: number): Promise<void> {
    return this.program(
      "bin/ss",
      `echo 'LISTEN 0 5 ${address}:${port} 0.0.0.0:* users:(("${name}",pid=${pid},fd=3))'`,
    );
  }

  async process(pid: number, unit: string, ...args: readonly string[]): Promise<void> {
    await this.file(`proc/${pid}/cmdline`, args.map((arg) => `${arg}\0`).join(""));
    await this.file(`proc/${pid}/cgroup`, `0::/system.slice/${unit}\n`);
  }

  remove(): Promise<void> {
    return this.pi.remove();
  }
}

const OS_RELEASE = `PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"
NAME="Debian GNU/Linux"
VERSION_ID="12"
VERSION="12 (bookworm)"
VERSION_CODENAME=bookworm
ID=debian
`;
