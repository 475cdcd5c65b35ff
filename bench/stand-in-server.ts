import type { AddressInfo } from "node:net";
import { Server } from "ssh2";
import type { StandInOptions } from "./stand-ins";

/** Serves at every loopback address, and answers each command but `true` in the same words; nothing is run. */
process.once("message", ({ hostKey, answer, answerMs }: StandInOptions) => {
  const server = new Server({ hostKeys: [hostKey] }, (connection, { ip }) => {
    connection.on("error", () => undefined);
    // All loopback addresses cannot be listened at without all others.
    if (!/^(::ffff:)?127\./.test(ip)) {
      connection.end();
      return;
    }
    connection.on("authentication", (auth) => auth.accept());
    connection.on("session", (accept) => {
      accept().on("exec", (acceptExec, _reject, { command }) => {
        const channel = acceptExec();
        channel.resume();
        const isNothing = command === "true";
        setTimeout(
          () => {
            if (!isNothing) channel.write(answer);
            channel.exit(0);
            channel.end();
          },
          isNothing ? 0 : answerMs,
        );
      });
    });
  });
  server.listen(0, "0.0.0.0", () => process.send?.((server.address() as AddressInfo).port));
});
// It ends with the benchmark, however that ends.
process.once("disconnect", () => process.exit());
