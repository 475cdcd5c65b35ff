import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import { greet, type StatusPorts } from "./lab-status";

/** The real network. */
export const statusPorts: StatusPorts = {
  greet,
  connectAdmin: (servers, options) => new PlatformaticAdmin(servers, options),
};
