import type { Provider } from "../common/rpc";
import { copyToRemote } from "./copy-to-remote";
import { localCommand } from "./local-command";
import { remoteCommand } from "./remote-command";
import { schema } from "./schema";
import { VERSION } from "./version";

/** See docs/command-plugin.md for what it covers. */
export const commandProvider: Provider = {
  name: "command",
  version: VERSION,
  getSchema: schema,
  resources: {
    "command:remote:Command": remoteCommand,
    "command:remote:CopyToRemote": copyToRemote,
    "command:local:Command": localCommand,
  },
};
