import { connect, SshError } from "../common/ssh";
import { checkConnection, readConnection } from "./connection";
import { commandResource, readCommon } from "./command";
import { OutputFollower, redactor, secretTexts, showCommand, trimFinalNewline } from "./output";

/** `command:remote:Command` */
export const remoteCommand = commandResource({
  properties: {},

  check(checker, inputs) {
    checker.required(inputs, ["connection"]);
    const connection = inputs["connection"] ?? null;
    if (connection === null) return inputs;
    return { ...inputs, connection: checkConnection(checker, connection) };
  },

  async run(invocation, { log, signal }) {
    const { inputs, command } = invocation;
    const { text, stdin, environment, previousEnv, logging } = readCommon(invocation);
    const connection = readConnection(inputs["connection"]);
    // All of a connection is secret, but an error has to name the host.
    const others = { ...inputs, connection: null };
    const redact = redactor([...connection.secrets, ...secretTexts(others)]);
    const follower = new OutputFollower(log, logging, redact);
    const session = await connect(connection.target, { ...connection.options, log, signal });
    try {
      const result = await session.exec(text, {
        label: showCommand(command),
        stdin,
        env: environment,
        optionalEnv: previousEnv,
        onEnvRefused: (name) =>
          log.warn(
            `${session.address} did not accept ${name}: add "AcceptEnv ${name}" to its ` +
              "sshd_config, or set addPreviousOutputInEnv to false",
          ),
        onStdout: follower.onStdout,
        onStderr: follower.onStderr,
      });
      follower.end();
      if (result.code !== 0) {
        const how = result.signal === undefined ? "" : ` from signal ${result.signal}`;
        throw new Error(
          `${session.address}: Process exited with status ${result.code}${how}: running ` +
            `${showCommand(command)}:\n${follower.text}`,
        );
      }
      return {
        stdout: trimFinalNewline(result.stdout),
        stderr: trimFinalNewline(result.stderr),
      };
    } catch (error) {
      if (!(error instanceof SshError)) throw error;
      const said = follower.text === "" ? "" : `; it said until then:\n${follower.text}`;
      throw new Error(`${redact(error.message)}${said}`, { cause: error });
    } finally {
      session.close();
    }
  },
});
