import { READERS_GROUP, STORE_OWNER, type Address, type Store, type Switch } from "../../model";

/** Debian 12's PostgreSQL. */
export const POSTGRES_VERSION = "15";
const cluster = `${POSTGRES_VERSION}/main`;

/**
 * Debian's own cluster `main`. Its configuration reads what is in `conf.d`; the package's own files are left
 * alone, since apt would ask about them at an upgrade.
 */
export const postgresPaths = {
  unit: `postgresql@${POSTGRES_VERSION}-main`,
  bin: `/usr/lib/postgresql/${POSTGRES_VERSION}/bin`,
  data: `/var/lib/postgresql/${cluster}`,
  sockets: "/run/postgresql",
  mainConfig: `/etc/postgresql/${cluster}/postgresql.conf`,
  config: `/etc/postgresql/${cluster}/conf.d/pi-lab.conf`,
  hba: `/etc/postgresql/${cluster}/pi-lab.hba.conf`,
  roles: `/etc/postgresql/${cluster}/pi-lab.roles.sql`,
  dropIn: `/etc/systemd/system/postgresql@${POSTGRES_VERSION}-main.service.d/pi-lab.conf`,
} as const;

/** Connections at once: the sink's, the dashboards', readers', and some for whoever looks after it. */
const MAX_CONNECTIONS = 40;

/** What differs from Debian's settings of the store's PostgreSQL. */
export function renderPostgresConf({ port }: Pick<Store, "port">, address: Address): string {
  return `# Written by pi-lab.
listen_addresses = '${address}'
port = ${port}
max_connections = ${MAX_CONNECTIONS}
hba_file = '${postgresPaths.hba}'
password_encryption = scram-sha-256
unix_socket_directories = '${postgresPaths.sockets}'
# A client that was cut off does not say so.
tcp_keepalives_idle = 30
tcp_keepalives_interval = 10
tcp_keepalives_count = 3

# For a board that others run on too, and a card: fewer writes, and room for a day of bursts.
shared_buffers = 128MB
work_mem = 8MB
maintenance_work_mem = 64MB
# Code that is compiled at run time is more than the unit's sandbox allows.
jit = off
wal_compression = on
wal_writer_delay = 1s
checkpoint_timeout = 15min
max_wal_size = 512MB
random_page_cost = 1.5

timezone = 'Etc/UTC'
log_timezone = 'Etc/UTC'
# To the journal. No statement is in it: one that sets a password would be.
log_destination = stderr
logging_collector = off
log_statement = none
log_min_error_statement = panic
log_line_prefix = '%q%u@%d '
`;
}

/**
 * `pg_hba.conf`: who may come from where. The machine's administrator by the socket, the lab's roles from
 * the lab's subnet to the lab's database, nobody else.
 *
 * @param owners roles that have a database of their own name
 */
export function renderPostgresHba(
  { database }: Pick<Store, "database">,
  { subnet }: Pick<Switch, "subnet">,
  owners: readonly string[] = [],
): string {
  return `# Written by pi-lab.
# type  database  user  address  method
local  all  postgres  peer
host  ${database}  ${STORE_OWNER},+${READERS_GROUP}  ${subnet}  scram-sha-256
${owners.map((role) => `host  ${role}  ${role}  ${subnet}  scram-sha-256\n`).join("")}`;
}
