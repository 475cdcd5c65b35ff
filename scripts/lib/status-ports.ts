import { PlatformaticAdmin } from "../../provider/admin/platformatic";
import type { Sasl } from "../../provider/admin/port";
import { greet, type StatusPorts } from "./lab-status";

/** The real network, at brokers that want this login. */
export const statusPortsAs = (sasl: Sasl | undefined): StatusPorts => ({
  greet,
  connectAdmin: (servers, options) => new PlatformaticAdmin(servers, { ...options, sasl }),
});

/** The real network, at brokers that ask for no login. */
export const statusPorts = statusPortsAs(undefined);
