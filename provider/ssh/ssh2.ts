import { connect, SshError } from "../../plugins/common/ssh";
import type { HostShell, Login, OpenOptions, RunOptions } from "./port";
import { quote } from "./port";

const RUN_TIMEOUT_MS = 60_000;

/** Logs in over SSH. Errors begin with the logical host name. */
export async function openSshShell(login: Login, options: OpenOptions): Promise<HostShell> {
  const { host, signal, status, retries, dialTimeoutMs } = options;
  const named = (error: unknown): never => {
    if (!(error instanceof SshError)) throw error;
    throw new SshError(error.code, `${host}: ${error.message}`, { cause: error });
  };
  const session = await connect(login, {
    signal,
    ...(retries === undefined ? {} : { retries }),
    ...(dialTimeoutMs === undefined ? {} : { dialTimeoutMs }),
    ...(status === undefined ? {} : { log: { status } }),
  }).catch(named);
  return {
    run: (command: string, run: RunOptions = {}) =>
      session
        .exec(login.sudo ? `sudo -n sh -c ${quote(command)}` : command, {
          stdin: run.stdin,
          label: run.label,
          timeoutMs: run.timeoutMs ?? RUN_TIMEOUT_MS,
        })
        .catch(named),
    forwardIn: (serve) => session.forwardIn(serve).catch(named),
    close: () => session.close(),
  };
}
