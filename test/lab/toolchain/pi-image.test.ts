import { execFileSync, spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

import { ensureDocker, ensurePiImage, type Docker } from "../../../toolchain";

jest.setTimeout(300_000);

const silent = () => undefined;
let folder: string;
let daemon: Docker;
let container: string;
let address: string;

const docker = (...args: readonly string[]) =>
  execFileSync("docker", ["-H", daemon.host, ...args], { encoding: "utf8" }).trim();

function ssh(...args: readonly string[]) {
  const options = {
    BatchMode: "yes",
    ConnectTimeout: "5",
    HostKeyAlgorithms: "ssh-ed25519",
    StrictHostKeyChecking: "yes",
    UserKnownHostsFile: path.join(folder, "known_hosts"),
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  // Of an option that is given twice ssh takes the first.
  const destination = args.findIndex((arg) => arg.includes("@"));
  const own = args.slice(0, destination);
  return spawnSync("ssh", ["-F", "none", ...own, ...flags, ...args.slice(destination)], {
    encoding: "utf8",
    timeout: 30_000,
  });
}
const asPi = (command: string) => ssh("-i", path.join(folder, "user"), `pi@${address}`, command);

async function eventually(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`waited 60 s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

beforeAll(async () => {
  daemon = await ensureDocker(silent);
  const image = await ensurePiImage(silent);
  folder = fs.mkdtempSync(path.join(os.tmpdir(), "pi-lab-image-test-"));
  container = `pi-lab-image-test-${randomUUID().slice(0, 8)}`;
  for (const name of ["host", "user", "other"]) {
    const file = path.join(folder, name);
    execFileSync("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", file]);
  }
  const isolation = [
    ["--cap-add", "SYS_ADMIN", "--cgroupns", "private", "--stop-signal", "SIGRTMIN+3"],
    ["--tmpfs", "/run", "--tmpfs", "/run/lock", "--tmpfs", "/tmp"],
    ["--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined"],
  ].flat();
  docker("create", "--name", container, "--hostname", "some-pi", ...isolation, image);
  // Uploads are readable by all: sshd would refuse such a key.
  const hostKey = path.join(folder, "host");
  fs.chmodSync(hostKey, 0o644);
  docker("cp", hostKey, `${container}:/etc/ssh/ssh_host_ed25519_key`);
  docker("cp", path.join(folder, "user.pub"), `${container}:/etc/ssh/authorized_keys.d/pi`);
  docker("start", container);
  const format = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}";
  address = docker("inspect", "--format", format, container);
  const publicKey = fs.readFileSync(`${hostKey}.pub`, "utf8").split(" ").slice(0, 2).join(" ");
  fs.writeFileSync(path.join(folder, "known_hosts"), `${address} ${publicKey}\n`);
  await eventually("the virtual Pi to answer on SSH", () => asPi("true").status === 0);
});

afterAll(async () => {
  spawnSync("docker", ["-H", daemon.host, "rm", "--force", "--volumes", container]);
  fs.rmSync(folder, { recursive: true, force: true });
  // Only if this very test started it, and nothing else came to use it.
  if (daemon.startedNow) await daemon.stop();
});

describe("the virtual Pi's image", () => {
  it("boots into a system without a failed unit", async () => {
    await eventually("systemd to say running", () => {
      const { stdout } = asPi("systemctl is-system-running");
      return stdout.trim() === "running";
    });
    expect(asPi("systemctl list-units --failed --no-legend").stdout).toBe("");
  });

  it("shows the host key that was put into it, and has no other", () => {
    expect(asPi("ls /etc/ssh/ssh_host_*").stdout).toBe("/etc/ssh/ssh_host_ed25519_key\n");
    // The connection is refused by whoever expects another one.
    const other = fs.readFileSync(path.join(folder, "other.pub"), "utf8").split(" ")[1];
    fs.writeFileSync(
      path.join(folder, "wrong_hosts"),
      `${address} ssh-ed25519 ${other}
`,
    );
    const wrong = ssh(
      ...["-o", `UserKnownHostsFile=${path.join(folder, "wrong_hosts")}`],
      ...["-i", path.join(folder, "user"), `pi@${address}`, "true"],
    );
    expect(wrong.status).toBe(255);
    expect(wrong.stderr).toContain("Host key verification failed");
  });

  it("lets nobody in without the key", () => {
    const stranger = ssh("-i", path.join(folder, "other"), `pi@${address}`, "true");
    expect(stranger.status).toBe(255);
    expect(stranger.stderr).toContain("Permission denied (publickey)");
  });

  it("gives pi the rights of root without a password, and no password of its own", () => {
    expect(asPi("sudo -n id -u").stdout).toBe("0\n");
    expect(asPi("sudo -n passwd --status pi").stdout).toMatch(/^pi L /);
  });

  it("has an identity of its own", () => {
    const id = asPi("cat /etc/machine-id").stdout.trim();
    expect(id).toMatch(/^[0-9a-f]{32}$/);
    expect(
      docker(
        "run",
        "--rm",
        "--network",
        "none",
        docker("inspect", "--format", "{{.Image}}", container),
        "cat",
        "/etc/machine-id",
      ),
    ).toBe("");
    expect(asPi("hostname").stdout).toBe("some-pi\n");
  });

  it("reaches its package archive", () => {
    expect(asPi("sudo -n apt-get -q update").status).toBe(0);
  });

  it("is not built again", async () => {
    const lines: string[] = [];
    await ensurePiImage((line) => lines.push(line));
    expect(lines).toEqual([]);
  });
});
