/** The scripts that a rollout runs on a host, as root. Each is idempotent. */

/**
 * $1: the unit. Prints `KEY=VALUE` lines; files in base64, so that no content is taken for
 * a line. The sums of the staged files are taken now: one that was edited by hand is told as it is.
 */
export const PROBE_SCRIPT = `
set -u
systemctl show "$1" -p ActiveState,SubState,MainPID,NRestarts
file() { if [ -r "$2" ]; then printf '%s=%s\\n' "$1" "$(base64 -w0 <"$2")"; fi; }
file started.properties /run/kafka/started/server.properties
file started.manifest /run/kafka/started/manifest
file started.version /run/kafka/started/version
file recorded /etc/kafka/run-time
if [ -e /etc/kafka/hold ]; then echo held=yes; fi
data=$(sed -n 's/^log\\.dirs=//p' /etc/kafka/server.properties 2>/dev/null)
if [ -r "$data/meta.properties" ]; then
  sed -n 's/^cluster\\.id=/clusterId=/p' "$data/meta.properties"
fi
file staged.properties /etc/kafka/server.properties
file staged.manifest /etc/kafka/manifest
if [ -r /etc/kafka/manifest ]; then
  printf 'staged.sums=%s\\n' "$(while read -r first path; do
    [ "$first" = bundle ] || sha256sum "$path" 2>/dev/null || echo "missing  $path"
  done </etc/kafka/manifest | base64 -w0)"
fi
printf 'staged.version=%s\\n' "$(readlink /opt/kafka/current | base64 -w0)"
`;

/** $1: the text, in base64: what we have set while the broker runs. Empty: nothing. */
export const RECORD_SCRIPT = `
set -eu
record=/etc/kafka/run-time
if [ -z "$1" ]; then rm -f "$record"; exit 0; fi
printf '%s' "$1" | base64 -d >"$record.new"
sync "$record.new"
mv -f "$record.new" "$record"
`;

/** $1: the unit. Whoever lifts a hold has seen to it that the node runs nowhere else. */
export const LIFT_SCRIPT = `
set -eu
rm -f /etc/kafka/hold
systemctl is-enabled --quiet "$1" || systemctl enable --quiet "$1"
`;

/**
 * $1: the unit. Lifts a hold, as above. Explicit starts reset systemd's count of its own restarts, by
 * which a process that dies again and again is told.
 */
export const START_SCRIPT = `${LIFT_SCRIPT}
if [ "$(systemctl show "$1" -p NeedDaemonReload --value)" = yes ]; then systemctl daemon-reload; fi
systemctl reset-failed "$1" 2>/dev/null || true
systemctl restart "$1"
`;

/**
 * $1: the unit. Its state, and the last line of its journal that tells how far the recovery of logs
 * is, from the last minute.
 */
export const WATCH_SCRIPT = `
set -u
systemctl show "$1" -p ActiveState,SubState,MainPID,NRestarts
recovery=$(journalctl -u "$1" --since=-60s -n 200 -o cat --no-pager 2>/dev/null |
  grep -E 'Recovering|Loading|Loaded|recovery|Reloading from' | tail -n 1 | cut -c -160)
printf 'recovery=%s\\n' "$recovery"
`;

/** $1: the unit. $2: how many lines. */
export const JOURNAL_SCRIPT = `journalctl -u "$1" -n "$2" -o cat --no-pager 2>&1`;

/** $1: the unit. */
export const STOP_SCRIPT = `
set -u
[ "$(systemctl show "$1" -p LoadState --value)" = loaded ] || exit 0
systemctl disable --quiet --now "$1"
`;

/**
 * $1: the unit. $2: why. Kafka does not start while the file is there, by a boot or by hand; it is on the
 * disk before the stop, so that a host that loses its power meanwhile does not come back with Kafka.
 */
export const HOLD_SCRIPT = `
set -eu
mkdir -p /etc/kafka
printf '%s\\n' "$2" >/etc/kafka/hold
sync /etc/kafka/hold
[ "$(systemctl show "$1" -p LoadState --value)" = loaded ] || exit 0
systemctl disable --quiet --now "$1"
`;

/**
 * $1: acquire, renew or release. $2: owner. $3: seconds that the lease is good for.
 *
 * One roller at a time on a host. Time is the host's own since its boot: a Pi has no clock of its
 * own, and /run is empty after a boot as well. Prints \`ok\`, or \`held OWNER SECONDS\` left.
 */
export const LEASE_SCRIPT = `
set -eu
folder=/run/pi-lab lease=/run/pi-lab/roll.lease
mkdir -p "$folder"
exec 9>"$folder/roll.lock"
flock -w 5 9
now=$(cut -d. -f1 /proc/uptime)
owner= until=0
if [ -f "$lease" ]; then read -r owner until <"$lease" || true; fi
if [ "$owner" != "$2" ] && [ "$until" -gt "$now" ]; then
  if [ "$1" != release ]; then printf 'held %s %s\\n' "$owner" "$((until - now))"; fi
  exit 0
fi
if [ "$1" = release ]; then rm -f "$lease"; else
  printf '%s %s\\n' "$2" "$((now + $3))" >"$lease.new"
  mv "$lease.new" "$lease"
fi
echo ok
`;
