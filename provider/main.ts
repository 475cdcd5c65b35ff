/** The plugin `pulumi-resource-pilab`: bundled into one file, started by the engine. */
import { serve } from "../plugins/common/rpc";
import { PlatformaticAdmin } from "./admin/platformatic";
import { pilabProvider } from "./provider";

void serve(
  pilabProvider({
    connectAdmin: (servers, options) => new PlatformaticAdmin(servers, options),
  }),
);
