import { connect, SshError } from "../../plugins/common/ssh";
import { programPaths } from "../../render/services";
import { quote } from "../../shared/shell";
import { npmRun } from "./cli";
import { UserError } from "./errors";
import { loginOf, sshTarget } from "./host-login";
import { hostNamed, type StandingLab } from "./standing-lab";

/** What the ring's program may take to answer (payloads/ring/press.ts), and the way there and back, ms. */
const ANSWER_MS = 40_000;
/** The longest hold that the program takes, s. */
const MAX_HOLD_SECONDS = 3600;

/** The command that presses the button on a host, or holds it: the socket is root's and the ring's own. */
export function buttonCommand(user: string, holdSeconds: number | undefined): string {
  const words = [
    ...(user === "root" ? [] : ["sudo", "-n"]),
    programPaths.node,
    programPaths.program("ring"),
    ...(holdSeconds === undefined ? ["--press"] : ["--hold", String(holdSeconds)]),
  ];
  return words.map(quote).join(" ");
}

/**
 * Presses the button of a client, and prints what came of it. Gives the exit code.
 * @throws UserError for a host that has no button or does not answer
 */
export async function pressButton(
  standing: StandingLab,
  name: string,
  holdSeconds: number | undefined,
): Promise<number> {
  const host = hostNamed(name, standing);
  if (host.role !== "client") {
    const clients = standing.lab.hosts.filter(({ role }) => role === "client");
    const known = clients.map((one) => one.name).join(", ") || "none";
    throw new UserError(`${name} is no client of the ring. Clients: ${known}.`);
  }
  if (holdSeconds !== undefined && holdSeconds > MAX_HOLD_SECONDS) {
    throw new UserError(`--hold: ${holdSeconds} is more than ${MAX_HOLD_SECONDS} seconds.`);
  }
  const target = sshTarget(loginOf(host, standing), standing);
  try {
    const session = await connect(target, { retries: 0, dialTimeoutMs: 10_000 });
    try {
      const command = buttonCommand(standing.lab.ssh.user, holdSeconds);
      const timeoutMs = (holdSeconds ?? 0) * 1000 + ANSWER_MS;
      const { code, stdout, stderr } = await session.exec(command, { label: "button", timeoutMs });
      if (code === 0) {
        process.stdout.write(`${name}: ${stdout}`);
        return 0;
      }
      throw new UserError(`${name}: ${(stdout + stderr).trim()}`);
    } finally {
      session.close();
    }
  } catch (error) {
    if (!(error instanceof SshError)) throw error;
    const look = npmRun("status", standing.folder.stack);
    throw new UserError(`${name}: ${error.message}\n  ${look} tells which hosts answer.`);
  }
}
