/** The plugin `pulumi-resource-pilab`: bundled into one file, started by the engine. */
import { serve } from "../plugins/common/rpc";
import { PlatformaticAdmin } from "./admin/platformatic";
import { pilabProvider } from "./provider";
import { openSshShell } from "./ssh/ssh2";

void serve(
  pilabProvider({
    connectAdmin: (servers, options) => new PlatformaticAdmin(servers, options),
    openShell: openSshShell,
  }),
);
