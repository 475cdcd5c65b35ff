import { METABASE_ROLE, type Host, type Lab } from "../../model";
import { renderSandbox } from "../sandbox";
import { programPaths } from "./program-paths";
import type { HostService, ServiceSecrets } from "./service";
import { storeAccess } from "./sink";

const UNIT = "metabase";

export const metabasePaths = {
  jar: "/opt/metabase/metabase.jar",
  /** Where it is pushed to; the push of the services takes it away. */
  pushed: "/var/tmp/pi-lab-metabase.jar",
  env: "/etc/pi-lab/metabase.env",
  data: "/var/lib/metabase",
} as const;

/** Half of what a reader's role may open (postgres-roles.ts), so that a restart finds room beside the old ones. */
const DATA_CONNECTIONS = 5;
const OWN_CONNECTIONS = 5;

/** Metabase under a unit of ours, with its own data in the store's PostgreSQL; undefined on any other host. */
export function metabaseService(
  lab: Lab,
  host: Host,
  secrets: ServiceSecrets,
): HostService | undefined {
  if (lab.data.dashboards?.host !== host.name) return undefined;
  const { java } = lab.data.dashboards;
  return {
    unit: UNIT,
    user: UNIT,
    packages: [`openjdk-${java}-jre-headless`],
    program: undefined,
    file: { pushed: metabasePaths.pushed, path: metabasePaths.jar, what: "Metabase's jar" },
    entries: [
      {
        ...{ kind: "file", path: programPaths.unit(UNIT), mode: "0644", owner: "root:root" },
        content: renderUnit(),
      },
      {
        ...{ kind: "file", path: metabasePaths.env, mode: "0640", owner: `root:${UNIT}` },
        content: renderEnv(lab, host, secrets),
      },
    ],
  };
}

/**
 * `metabase.env`, by Metabase's names
 * (https://www.metabase.com/docs/latest/configuring-metabase/environment-variables). A setting that is given
 * here cannot be changed in its interface.
 */
function renderEnv(lab: Lab, host: Host, secrets: ServiceSecrets): string {
  const { dashboards } = lab.data;
  const key = secrets.dashboards?.encryptionKey;
  if (dashboards === undefined || key === undefined) throw new Error("bug: no key for Metabase");
  const { address, port, username, password } = storeAccess(lab, METABASE_ROLE, secrets);
  const variables = {
    METABASE_JVM_OPTS: `-Xms256m -Xmx${dashboards.heapMib}m -XX:+ExitOnOutOfMemoryError -Djava.awt.headless=true`,
    MB_JETTY_HOST: host.machine.address,
    MB_JETTY_PORT: dashboards.port,
    MB_DB_TYPE: "postgres",
    MB_DB_HOST: address,
    MB_DB_PORT: port,
    MB_DB_DBNAME: METABASE_ROLE,
    MB_DB_USER: username,
    MB_DB_PASS: password,
    // What it stores of connections, their passwords among it, is of no use without.
    MB_ENCRYPTION_SECRET_KEY: key,
    MB_APPLICATION_DB_MAX_CONNECTION_POOL_SIZE: OWN_CONNECTIONS,
    MB_JDBC_DATA_WAREHOUSE_MAX_CONNECTION_POOL_SIZE: DATA_CONNECTIONS,
    MB_PLUGINS_DIR: `${metabasePaths.data}/plugins`,
    // An exhibit has no internet, and nobody is told of it.
    MB_ANON_TRACKING_ENABLED: "false",
    MB_CHECK_FOR_UPDATES: "false",
    MB_LOAD_SAMPLE_CONTENT: "false",
    MB_COLORIZE_LOGS: "false",
    MB_EMOJI_IN_LOGS: "false",
  };
  return Object.entries(variables)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}

/**
 * It restarts for ever: the database that it needs may come later. Where memory ends, it goes before the
 * programs do, and long before Kafka.
 *
 * `java` is the newest on the host, by Debian's alternatives. It opens `java.nio` to libraries, as Metabase's
 * documentation wants it.
 */
function renderUnit(): string {
  return `# Written by pi-lab.
[Unit]
Description=Metabase
Documentation=https://www.metabase.com/docs/latest/
Wants=network-online.target
After=network-online.target time-sync.target postgresql.service
StartLimitIntervalSec=0

[Service]
Type=exec
User=${UNIT}
Group=${UNIT}
EnvironmentFile=${metabasePaths.env}
StateDirectory=${UNIT}
WorkingDirectory=${metabasePaths.data}
ExecStart=/usr/bin/java $METABASE_JVM_OPTS --add-opens java.base/java.nio=ALL-UNNAMED -jar ${metabasePaths.jar}
Restart=always
RestartSec=10
SuccessExitStatus=143
TimeoutStopSec=60
LimitNOFILE=65536
OOMScoreAdjust=400
SyslogIdentifier=${UNIT}
UMask=0027

${renderSandbox({ readsProc: true, compiles: true })}
[Install]
WantedBy=multi-user.target
`;
}
