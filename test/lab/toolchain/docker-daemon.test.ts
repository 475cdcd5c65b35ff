import { spawnSync } from "node:child_process";
import * as fs from "node:fs";
import * as os from "node:os";
import * as path from "node:path";

const checkout = path.resolve(__dirname, "../../..");

/**
 * Starts and stops a real daemon, in mount and network namespaces of its own: with a /run and a
 * /var/lib/docker of their own, so that neither the daemon of this machine nor its data is touched.
 */
function inNamespaces(program: string): unknown {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "pi-lab-daemon-"));
  try {
    const file = path.join(folder, "program.ts");
    fs.writeFileSync(file, program);
    const isolate = [
      "mount --make-rprivate /",
      "mount -t tmpfs tmpfs /run",
      "mkdir -p /var/lib/docker",
      "mount -t tmpfs tmpfs /var/lib/docker",
      "ip link set lo up",
      `exec "${process.execPath}" --import tsx ${file}`,
    ].join(" && ");
    const result = spawnSync("unshare", ["-m", "-n", "-i", "--", "sh", "-c", isolate], {
      cwd: checkout,
      encoding: "utf8",
      timeout: 100_000,
      env: { ...process.env, PI_LAB_CACHE: path.join(folder, "cache"), DOCKER_HOST: "" },
    });
    if (result.status !== 0) throw new Error(`${result.stdout}\n${result.stderr}`);
    return JSON.parse(result.stdout);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
}

const prelude = `
  import { execFileSync, spawn } from "node:child_process";
  import { once } from "node:events";
  import * as fs from "node:fs";
  import { ensureDocker } from "${checkout}/toolchain/docker";
  const silent = () => undefined;
  const docker = (...args: string[]) => execFileSync("docker", args, { encoding: "utf8" });
  const record = process.env.PI_LAB_CACHE + "/docker/dockerd.pid";
`;

jest.setTimeout(120_000);

describe("ensureDocker", () => {
  it("starts a daemon, finds it again, and ends it once no container runs", () => {
    const seen = inNamespaces(`${prelude}
      void (async () => {
        const first = await ensureDocker(silent);
        const { pid } = JSON.parse(fs.readFileSync(record, "utf8"));
        const second = await ensureDocker(silent);
        // An image without a file: the container runs this machine's own sleep.
        const empty = process.env.PI_LAB_CACHE + "/empty.tar";
        fs.writeFileSync(empty, Buffer.alloc(10240));
        docker("import", empty, "empty:1");
        docker("run", "--detach", "--network", "none", "--name", "busy", "-v", "/bin:/bin:ro",
          "-v", "/lib:/lib:ro", "-v", "/usr:/usr:ro", "-v", "/lib64:/lib64:ro", "empty:1", "/bin/sleep", "600");
        const whileBusy = await second.stop();
        docker("rm", "--force", "busy");
        const whenIdle = await second.stop();
        const gone = !fs.existsSync("/proc/" + pid + "/exe");
        const again = await second.stop();
        console.log(JSON.stringify({
          first: [first.startedByUs, first.startedNow],
          second: [second.startedByUs, second.startedNow],
          whileBusy, whenIdle, gone, again, recordLeft: fs.existsSync(record),
        }));
      })();
    `);
    expect(seen).toEqual({
      first: [true, true],
      second: [true, false],
      whileBusy: false,
      whenIdle: true,
      gone: true,
      again: false,
      recordLeft: false,
    });
  });

  it("starts a daemon that belongs to no run of the tests", () => {
    const seen = inNamespaces(`${prelude}
      void (async () => {
        process.env.PI_LAB_TEST_RUN = "0123abcd";
        process.env.PI_LAB_RUN = "4567";
        const own = await ensureDocker(silent);
        const { pid } = JSON.parse(fs.readFileSync(record, "utf8"));
        const names = fs.readFileSync("/proc/" + pid + "/environ", "utf8").split("\\0")
          .map((entry) => entry.split("=")[0]);
        await own.stop();
        console.log(JSON.stringify(names));
      })();
    `);
    expect(seen).toContain("PATH");
    expect((seen as string[]).filter((name) => name.startsWith("PI_LAB"))).toEqual([]);
  });

  it("goes on while another command relies on it, and ends with the last one", () => {
    const seen = inNamespaces(`${prelude}
      void (async () => {
        const mine = await ensureDocker(silent);
        if (process.argv[2] === "user") {
          setInterval(() => undefined, 1000);
          console.log("relies");
          return;
        }
        const again = ["--import", "tsx", process.argv[1]!, "user"];
        const user = spawn(process.execPath, again, { stdio: ["ignore", "pipe", "inherit"] });
        await once(user.stdout!, "data");
        const whileUsed = await mine.stop();
        user.kill("SIGKILL");
        await once(user, "exit");
        console.log(JSON.stringify({ whileUsed, after: await mine.stop() }));
      })();
    `);
    expect(seen).toEqual({ whileUsed: false, after: true });
  });

  it("starts one daemon for two commands at the same time", () => {
    const seen = inNamespaces(`${prelude}
      void (async () => {
        const both = await Promise.all([ensureDocker(silent), ensureDocker(silent)]);
        console.log(JSON.stringify(both.map((d) => d.startedNow).sort()));
        await both[0].stop();
      })();
    `);
    expect(seen).toEqual([false, true]);
  });

  it("shows the end of the daemon's log when it cannot start", () => {
    const seen = inNamespaces(`${prelude}
      // The daemon wants a folder, and finds a file.
      execFileSync("umount", ["/var/lib/docker"]);
      execFileSync("mount", ["-t", "tmpfs", "tmpfs", "/var/lib"]);
      fs.writeFileSync("/var/lib/docker", "");
      ensureDocker(silent).then(
        () => console.log(JSON.stringify("started")),
        (error) => console.log(JSON.stringify([error.message, fs.existsSync(record)])),
      );
    `);
    expect(seen).toEqual([
      expect.stringMatching(
        /dockerd did not start: it ended with status 1; the end of .*dockerd\.log[^]*points to a file/,
      ),
      false,
    ]);
  });
});
