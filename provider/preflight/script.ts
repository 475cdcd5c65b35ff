/** The look at a host before anything is pushed to it. */
import { quote } from "../ssh/port";
import type { Wanted } from "./wanted";

/** What separates the facts from what a login's profile may print before them, and their end. */
export const FACTS_BEGIN = "-- pi-lab preflight --";
export const FACTS_END = "-- end --";

/** The script bounds itself (writing: 10 s, a mirror's answer: 3 s); a host on which this passes hangs. */
export const LOOK_TIMEOUT_MS = 60_000;

/** The command line that the script is read by; its words are quoted. */
export function lookCommand({ kafka, packagesFrom = "internet" }: Wanted): string {
  const words =
    kafka === undefined
      ? ["other", packagesFrom]
      : [
          "broker",
          packagesFrom,
          kafka.dataDir,
          ...[kafka.clientPort, kafka.controllerPort].flatMap((port) => port ?? []).map(String),
        ];
  return ["bash", "-s", "--", ...words].map(quote).join(" ");
}

/**
 * $1: `broker` or `other`. $2: `internet` or `controller`, where its packages come from. For a broker (or a
 * controller, which is looked at alike) $3: Kafka's data directory, all others: its ports.
 *
 * Prints `KEY=VALUE` lines; what has several lines in base64. It changes nothing but for one scratch
 * file beside the data, which it removes. As any other user than root it tells what that user may see.
 * Few programs are started, since on virtual Pis all hosts are looked at on the same few cores.
 */
export const PREFLIGHT_SCRIPT = `
set -u
export LC_ALL=C PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
role=$1 packages=\${2-internet} data=\${3-} ports=
shift "$(($# < 3 ? $# : 3))"
for port; do ports="\${ports:+$ports or }sport = :$port"; done

main() {
  echo "${FACTS_BEGIN}"
  tell clock.begin "\${EPOCHREALTIME-}"
  user=$(id -u)
  tell user "$user"
  tell role "$role"
  ask_mirror
  system
  memory
  units
  disks
  if [ "$role" = broker ]; then
    kafka
    if [ "$user" = 0 ]; then
      storage
      speed
    fi
  fi
  if [ "$apt_asked" = yes ]; then
    read -r answer <&5
    tell apt.mirror "$mirror $answer"
  fi
  tell clock.end "\${EPOCHREALTIME-}"
  echo "${FACTS_END}"
}

tell() { printf '%s=%s\\n' "$1" "$2"; }

system() {
  local key value line
  if [ -r /etc/os-release ]; then
    while IFS='=' read -r key value; do
      case $key in ID | ID_LIKE | VERSION_ID | PRETTY_NAME) tell "os.$key" "$value" ;; esac
    done </etc/os-release
  fi
  if [ -r /etc/rpi-issue ]; then
    read -r line </etc/rpi-issue
    tell os.rpi "$line"
  fi
  tell arch.userland "$(dpkg --print-architecture 2>/dev/null)"
  tell arch.kernel "$(uname -m)"
  tell page "$(getconf PAGESIZE)"
  container=$(systemd-detect-virt --container 2>/dev/null)
  tell container "$container"
  if [ -d /run/systemd/system ]; then tell systemd yes; else tell systemd no; fi
  if [ -r /proc/device-tree/model ]; then
    IFS= read -r -d '' line </proc/device-tree/model
    tell board "$line"
  fi
}

memory() {
  local key value file controllers
  while read -r key value _; do
    if [ "$key" = MemTotal: ]; then
      tell memory.kib "$value"
      break
    fi
  done </proc/meminfo
  # A container's share, by either version of cgroups.
  for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    if [ -r "$file" ]; then
      read -r value <"$file"
      tell memory.limit "$value"
    fi
  done
  if [ -r /sys/fs/cgroup/cgroup.controllers ]; then
    read -r controllers </sys/fs/cgroup/cgroup.controllers
    tell cgroup.controllers "$controllers"
  elif [ -r /proc/cgroups ]; then
    while read -r key _ _ value; do
      if [ "$key" = memory ]; then tell cgroup.memory "$value"; fi
    done </proc/cgroups
  fi
}

units() {
  tell units "$(systemctl show kafka chrony systemd-timesyncd ntpsec ntp openntpd \\
    -p Id,ActiveState,FragmentPath,MainPID 2>/dev/null | base64 -w0)"
  if [ -e /run/systemd/timesync/synchronized ]; then tell time.synchronized yes; fi
}

# Asks in the background whether a package mirror (or the proxy before it) accepts a connection, if there
# are packages to be installed. Where they come through the controlling machine, that is asked instead.
ask_mirror() {
  local line='' proxy='' address='' port=80 told=no
  apt_asked=no
  if ! command -v apt-get >/dev/null; then
    tell apt no
    return
  fi
  if [ -x /usr/sbin/chronyd ] && { [ "$role" != broker ] || command -v java >/dev/null; }; then
    tell apt unneeded
    return
  fi
  tell apt yes
  while IFS= read -r line; do
    if [[ $line =~ (https?)://([^/[:space:]]+) ]]; then
      [ "$packages" = controller ] || break
      tell apt.source "\${BASH_REMATCH[0]}"
      told=yes
    fi
    line=
  done < <(grep -hsE '^(deb[[:space:]]|URIs:)' /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources)
  if [ "$told" = yes ]; then return; fi
  if [ -z "$line" ]; then
    tell apt.sources "$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
      grep -cE '^(deb[[:space:]]|URIs:)')"
    return
  fi
  mirror=\${BASH_REMATCH[1]}://\${BASH_REMATCH[2]}
  eval "$(apt-config shell proxy "Acquire::\${BASH_REMATCH[1]}::Proxy" 2>/dev/null)"
  case $proxy in http*) mirror=\${proxy%%/} ;; esac
  address=\${mirror#*://} address=\${address%%/*} address=\${address##*@}
  case $mirror in https*) port=443 ;; esac
  case $address in *:*) port=\${address##*:} address=\${address%:*} ;; esac
  # Without the login that a proxy's address may hold.
  mirror=$address:$port
  exec 5< <(if timeout 3 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$address" "$port" 2>/dev/null; then echo yes; else echo no; fi)
  apt_asked=yes
}

disks() {
  local path=$data root='' kafkas=''
  while [ -n "$path" ] && [ ! -e "$path" ]; do path=\${path%/*}; done
  ground=\${path:-/}
  {
    read -r _
    read -r root
    read -r kafkas
  } < <(df -k --output=avail,size,fstype,target / "$ground" 2>/dev/null)
  free=\${kafkas%% *}
  tell disk.root "$root"
  if [ "$role" = broker ]; then tell disk.data "$kafkas"; fi
  # Also false for root where the file system is read-only.
  if [ "$user" = 0 ] && ! [ -w /etc ]; then tell disk.readonly /; fi
  if [ "$user" = 0 ] && ! [ -w "$ground" ]; then tell disk.readonly "$ground"; fi
}

# What there is of Kafka, whoever brought it.
kafka() {
  local entry name line pid entries=
  if [ -L /opt/kafka ]; then
    tell opt.link "$(readlink /opt/kafka)"
  elif [ -d /opt/kafka ]; then
    for entry in /opt/kafka/*; do
      name=\${entry##*/}
      # The lab's own distributions have the sum of their archive beside them.
      case $name in kafka-*) [ -e "$entry/.sha256" ] || name="$name!" ;; esac
      if [ -e "$entry" ] || [ -L "$entry" ]; then entries="$entries $name"; fi
    done
    tell opt.entries "$entries"
  fi
  if [ -r /etc/systemd/system/kafka.service ]; then
    read -r line </etc/systemd/system/kafka.service
    tell kafka.unit "$line"
  fi
  if [ -e /etc/kafka/manifest ]; then tell etc.manifest yes; fi
  if [ -e /etc/kafka/server.properties ]; then tell etc.properties yes; fi
  for entry in $(grep -lsaz '^kafka\\.Kafka$' /proc/[0-9]*/cmdline); do
    pid=\${entry#*/proc/} pid=\${pid%%/*}
    place_of "$pid"
    tell "process.$pid" "$place"
  done
  if command -v ss >/dev/null; then
    tell ports.asked yes
    while read -r line; do
      tell port "$line"
      if [[ $line =~ pid=([0-9]+) ]]; then
        pid=\${BASH_REMATCH[1]}
        place_of "$pid"
        tell "place.$pid" "$place"
      fi
    done < <(ss -Hltnp "( $ports )" 2>/dev/null)
  fi
}

# Where a process stands in systemd's tree, such as /system.slice/kafka.service, into place. That of a process
# in a container is longer, and ends alike.
place_of() {
  local line
  place=
  [ -r "/proc/$1/cgroup" ] || return 0
  while IFS= read -r line; do
    case $line in 0::/?* | *:name=systemd:/?*) place=\${line#*:*:} ;; esac
  done <"/proc/$1/cgroup"
}

storage() {
  if [ -e "$data/meta.properties" ]; then
    tell data.meta "$(base64 -w0 <"$data/meta.properties")"
  elif [ -d "$data" ]; then
    tell data.entries "$(find "$data" -mindepth 1 -maxdepth 2 -printf '%P\\n' | head -n 50 | base64 -w0)"
  fi
}

# How fast the place for Kafka's data takes writes that are on the medium when they return. Beside the data
# directory, whose contents are somebody's affair. Not in a container, whose disk is another machine's, nor
# under a broker that runs.
speed() {
  local file
  case $container in '' | none) ;; *) return ;; esac
  if systemctl is-active --quiet kafka.service 2>/dev/null; then return; fi
  if [ "$ground" = "$data" ]; then ground=\${data%/*}; fi
  [ "\${free:-0}" -ge 65536 ] || return
  rm -f "$ground"/.pi-lab-preflight.*
  file=$(mktemp "$ground/.pi-lab-preflight.XXXXXX" 2>/dev/null) || return
  trap "rm -f '$file'" EXIT
  # dd ends at SIGINT with what it has done so far.
  tell disk.stream "$(timeout -s INT -k 2 4 dd if=/dev/zero of="$file" bs=1M count=16 oflag=dsync 2>&1 | tail -n 1)"
  tell disk.sync "$(timeout -s INT -k 2 2 dd if=/dev/zero of="$file" bs=4k count=32 oflag=dsync 2>&1 | tail -n 1)"
}

main </dev/null
`;
