import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { ensureProgram } from "../../../toolchain";
import { freePorts } from "../kafka/kafka-cluster";
import { waitFor } from "../wait";

const run = promisify(execFile);

/** Debian's Mosquitto on the loopback interface, with users and rules. */
export class StartedMosquitto {
  private process: ChildProcess | undefined;

  private constructor(
    private readonly folder: string,
    private readonly program: string,
    readonly port: number,
  ) {}

  /**
   * @param users with their passwords
   * @param acl Mosquitto's rules
   * @param settings further lines of its configuration
   */
  static async start(
    users: Readonly<Record<string, string>>,
    acl: string,
    settings: readonly string[] = [],
  ): Promise<StartedMosquitto> {
    const program = await ensureProgram(
      () => undefined,
      "mosquitto",
      ["mosquitto"],
      "to test MQTT",
    );
    const folder = await mkdtemp(join(tmpdir(), "pi-lab-mosquitto-"));
    const [port = 0] = await freePorts(1);
    const passwords = join(folder, "passwords");
    await writeFile(passwords, "");
    for (const [user, password] of Object.entries(users)) {
      await run("mosquitto_passwd", ["-b", passwords, user, password]);
    }
    await writeFile(join(folder, "acl"), acl);
    const config = [
      `listener ${port} 127.0.0.1`,
      "allow_anonymous false",
      `password_file ${passwords}`,
      `acl_file ${join(folder, "acl")}`,
      "persistence true",
      `persistence_location ${folder}/`,
      "user root",
      "log_type error",
      ...settings,
    ];
    await writeFile(join(folder, "mosquitto.conf"), `${config.join("\n")}\n`);
    const started = new StartedMosquitto(folder, program, port);
    await started.run();
    return started;
  }

  /** Ends it as systemd does, which saves sessions and what waits in them, and starts it again. */
  async restart(): Promise<void> {
    await this.end("SIGTERM");
    await this.run();
  }

  async stop(): Promise<void> {
    await this.end("SIGKILL");
    await rm(this.folder, { recursive: true, force: true });
  }

  private async run(): Promise<void> {
    const file = join(this.folder, "mosquitto.conf");
    this.process = spawn(this.program, ["-c", file], { stdio: "ignore" });
    await waitFor("Mosquitto", () => answers(this.port), { pauseMs: 50 });
  }

  private async end(signal: NodeJS.Signals): Promise<void> {
    const { process } = this;
    if (process === undefined || process.exitCode !== null || process.signalCode !== null) return;
    const gone = new Promise((resolve) => process.once("exit", resolve));
    process.kill(signal);
    await gone;
  }
}

function answers(port: number): Promise<true | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    socket.once("connect", () => resolve(true)).once("error", () => resolve(undefined));
    socket.once("connect", () => socket.destroy());
  });
}
