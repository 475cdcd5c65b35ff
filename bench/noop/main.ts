import { randomUUID } from "node:crypto";
import { serve, type ResourceHandler } from "../../plugins/common/rpc";
import { PROVIDER_VERSION } from "../../provider/version";
import { noopPlugins, noopTypes, type Outputs } from "./outputs";

/**
 * A plugin that does nothing and says so at once: what remains of a run's time is the engine's, the
 * program's, and that of starting four plugins. NOOP_PLUGIN says in whose place it stands.
 */
const name = noopPlugins.find((known) => known === process.env["NOOP_PLUGIN"]);
if (name === undefined) {
  throw new Error(`NOOP_PLUGIN is ${process.env["NOOP_PLUGIN"]}, not ${noopPlugins.join(" or ")}`);
}
const types: Readonly<Record<string, Outputs>> = noopTypes[name];

void serve({
  name,
  // The engine compares it with what the program asks for.
  version: PROVIDER_VERSION,
  resources: Object.fromEntries(
    Object.entries(types).map(([token, outputs]) => [token, handler(outputs)]),
  ),
});

function handler(outputs: Outputs): ResourceHandler {
  return {
    create: ({ news, preview }) =>
      // In a preview nothing but the inputs is known, as with the real ones.
      preview ? { id: "", outputs: news } : { id: randomUUID(), outputs: outputs(news) },
    // What an update brings besides its inputs stays as it was.
    update: ({ olds, news }) => ({ outputs: { ...olds, ...news } }),
  };
}
