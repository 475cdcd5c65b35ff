import { NODE_VERSION } from "../../model/catalogue";
import type { ProgramName } from "../../model/data/programs";

/** Where our programs and their Node.js lie on a host. `scripts/services.sh` names the same paths. */
export const programPaths = {
  /** Node.js, `node-VERSION/` each. */
  nodeRoot: "/opt/node",
  /** The runtime that programs are started with: another version is another unit, and so a restart. */
  node: `/opt/node/node-${NODE_VERSION}/bin/node`,
  program: (name: ProgramName): string => `/opt/pi-lab/programs/${name}.js`,
  /** Of one program, JSON. */
  config: (name: ProgramName): string => `/etc/pi-lab/${name}.json`,
  unit: (unit: string): string => `/etc/systemd/system/${unit}.service`,
} as const;
