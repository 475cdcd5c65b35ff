import { METABASE_ROLE, storeReaders, storeRoles, type Host, type Lab } from "../../model";
import type { StagedEntry } from "../bundle";
import { renderSandbox } from "../sandbox";
import {
  POSTGRES_VERSION,
  postgresPaths,
  renderPostgresConf,
  renderPostgresHba,
} from "./postgres-conf";
import { renderRoles, type RolePassword } from "./postgres-roles";
import type { HostService, ServiceSecrets } from "./service";

/** The user that the package makes, and PostgreSQL runs as. */
const USER = "postgres";

/** The store's PostgreSQL, Debian's package under a configuration of ours; undefined on any other host. */
export function postgresService(
  lab: Lab,
  host: Host,
  secrets: ServiceSecrets,
): HostService | undefined {
  const { store } = lab.data;
  if (store?.host !== host.name) return undefined;
  const open = { kind: "file", mode: "0644", owner: "root:root" } as const;
  const confidential = { kind: "file", mode: "0640", owner: `root:${USER}` } as const;
  const owners = lab.data.dashboards === undefined ? [] : [METABASE_ROLE];
  const roles = { database: store.database, readers: storeReaders(lab), owners };
  const entries: StagedEntry[] = [
    {
      ...open,
      path: postgresPaths.config,
      content: renderPostgresConf(store, host.machine.address),
    },
    {
      ...confidential,
      path: postgresPaths.hba,
      content: renderPostgresHba(store, lab.switch, owners),
    },
    {
      ...confidential,
      path: postgresPaths.roles,
      content: renderRoles(roles, rolePasswords(lab, secrets)),
    },
    { ...open, path: postgresPaths.dropIn, content: renderDropIn(store.port) },
  ];
  return {
    unit: postgresPaths.unit,
    entries,
    packages: [`postgresql-${POSTGRES_VERSION}`],
    program: undefined,
    user: undefined,
  };
}

function rolePasswords(
  lab: Lab,
  { store, storeSalts }: ServiceSecrets,
): Readonly<Record<string, RolePassword>> {
  return Object.fromEntries(
    storeRoles(lab).flatMap((role) => {
      const [password, salt] = [store[role], storeSalts[role]];
      return password === undefined || salt === undefined ? [] : [[role, { password, salt }]];
    }),
  );
}

/**
 * Drop-in of the package's unit. PostgreSQL itself is started, not the package's wrapper, which hides a
 * failure to start; systemd starts it again whenever it ends. It is up once it serves and its roles are made.
 *
 * A start after a power cut replays what was written since the last checkpoint, which may take minutes.
 */
export function renderDropIn(port: number): string {
  const { bin, data, mainConfig, roles, sockets } = postgresPaths;
  return `# Written by pi-lab.
[Unit]
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
Type=notify
PIDFile=
User=${USER}
Group=${USER}
ExecStart=
ExecStart=${bin}/postgres -D ${data} -c config_file=${mainConfig}
ExecStartPost=${bin}/psql -X -q -h ${sockets} -p ${port} -d postgres -f ${roles}
ExecStop=
ExecReload=
ExecReload=/bin/kill -HUP $MAINPID
KillMode=mixed
KillSignal=SIGINT
TimeoutStartSec=300
TimeoutStopSec=120
Restart=always
RestartSec=2
OOMScoreAdjust=-250
SyslogIdentifier=postgresql
UMask=0077

${renderSandbox({ writable: [data, sockets], readsProc: false, compiles: false })}`;
}
