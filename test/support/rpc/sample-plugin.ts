import { EngineGoneError, serve } from "../../../plugins/common/rpc";

/** A plugin whose creates wait until they are aborted, then say so on standard error. */
void serve(
  {
    name: "sample",
    version: "0.0.1",
    resources: {
      "sample:index:Wait": {
        create: (_request, { signal }) =>
          new Promise((_resolve, reject) => {
            process.stderr.write("begun\n");
            signal.addEventListener("abort", () => {
              const isGone = signal.reason instanceof EngineGoneError;
              process.stderr.write(isGone ? "aborted by the engine's death\n" : "aborted\n");
              reject(signal.reason as Error);
            });
          }),
      },
      "sample:index:Deaf": {
        create: () => {
          process.stderr.write("begun\n");
          return new Promise(() => undefined);
        },
      },
    },
  },
  { graceMs: Number(process.env["SAMPLE_GRACE_MS"] ?? 300) },
);
