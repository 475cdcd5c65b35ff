import type * as Ssh2 from "ssh2";

let loaded: typeof Ssh2 | undefined;

/**
 * ssh2 takes longer to load than all the rest of a plugin, and most runs change nothing and
 * connect nowhere: it is loaded with the first connection.
 */
export function loadSsh2(): typeof Ssh2 {
  // eslint-disable-next-line @typescript-eslint/no-require-imports
  loaded ??= require("ssh2") as typeof Ssh2;
  return loaded;
}
