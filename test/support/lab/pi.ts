import { brokers, type Host } from "../../../model";
import { run } from "../../../toolchain/process";
import type { TestStack } from "../stack";

/** What systemd tells of Kafka's unit; equal before and after means that nothing was restarted. */
export interface UnitState {
  readonly active: string;
  /** Another one at each start, also at a restart that systemd did by itself. */
  readonly invocation: string;
  readonly mainPid: string;
  readonly startedAt: string;
}

const COMMAND_TIMEOUT_MS = 120_000;

/** A virtual Pi seen from below: what is asked here goes past its sshd, and so leaves no trace in it. */
export class Pi {
  constructor(
    private readonly dockerHost: string,
    /** Name of its container. */
    readonly container: string,
    readonly host: Host,
  ) {}

  /** Runs a shell command as root and gives what it prints; throws with all output if it fails. */
  async run(command: string, stdin?: string): Promise<string> {
    const { stdout } = await this.docker(
      ["exec", "--interactive", this.container, "bash", "-c", command],
      stdin,
    );
    return stdout.trim();
  }

  /** Like `run`, with the exit code in place of an error. */
  async try(command: string): Promise<{ code: number; output: string }> {
    const output = await this.run(`{ ${command}\n} 2>&1; echo "code $?"`);
    const code = /\n?code (\d+)$/.exec(output);
    return { code: Number(code?.[1]), output: output.slice(0, code?.index) };
  }

  async unit(): Promise<UnitState> {
    const text = await this.run(
      "systemctl show kafka --property=ActiveState,InvocationID,MainPID,ExecMainStartTimestampMonotonic",
    );
    const fields = new Map(text.split("\n").map((line) => line.split("=", 2) as [string, string]));
    return {
      active: fields.get("ActiveState") ?? "",
      invocation: fields.get("InvocationID") ?? "",
      mainPid: fields.get("MainPID") ?? "",
      startedAt: fields.get("ExecMainStartTimestampMonotonic") ?? "",
    };
  }

  /** How often Kafka's process was started since the Pi was. */
  async starts(): Promise<number> {
    return Number(
      await this.run("journalctl --unit=kafka --output=cat | grep -c '^Started' || true"),
    );
  }

  /** How many lines sshd has logged: every connection leaves some, whether or not it gets in. */
  async sshdLines(): Promise<number> {
    return Number(await this.run("journalctl --identifier=sshd --output=cat | wc -l"));
  }

  stopKafka(): Promise<string> {
    return this.run("systemctl stop kafka");
  }

  startKafka(): Promise<string> {
    return this.run("systemctl start kafka");
  }

  private docker(
    args: readonly string[],
    stdin?: string,
  ): Promise<{ stdout: string; stderr: string }> {
    return run("docker", ["-H", this.dockerHost, ...args], {
      timeoutMs: COMMAND_TIMEOUT_MS,
      ...(stdin === undefined ? {} : { stdin }),
    });
  }
}

/** The Pi on which a host plays now. */
export function piOf(stack: TestStack, hostName: string): Pi {
  const lab = stack.lab();
  const host = lab.hosts.find(({ name }) => name === hostName);
  if (host === undefined) throw new Error(`the lab has no host ${hostName}`);
  const dockerHost = stack.engine.env["DOCKER_HOST"];
  if (dockerHost === undefined) throw new Error("this stack has no Docker");
  return new Pi(dockerHost, `${lab.name}-${host.machine.name}`, host);
}

export function allPis(stack: TestStack): Pi[] {
  return stack.lab().hosts.map(({ name }) => piOf(stack, name));
}

export function brokerPis(stack: TestStack): Pi[] {
  return brokers(stack.lab()).map(({ name }) => piOf(stack, name));
}

/** Asks the same of several Pis at once; the answers by host name. */
export async function askAll<T>(
  pis: readonly Pi[],
  question: (pi: Pi) => Promise<T>,
): Promise<Record<string, T>> {
  const answers = await Promise.all(
    pis.map(async (pi): Promise<[string, T]> => [pi.host.name, await question(pi)]),
  );
  return Object.fromEntries(answers);
}
