#!/bin/bash
# What the stack is measured against: the same lab, brought up by a shell script as one would write it
# by hand with some care. From no container to three brokers whose topics are in sync everywhere.
#
#   baseline.sh FOLDER [machines]
#
# With "machines" it ends once they are made and answer: others set them up.
#
# FOLDER is written by bench/baseline.ts and holds lab.env (what to make, see there) and for each host
# a tree of the files that the stack would put on it. All hosts are worked on at once; each has one SSH
# connection, which all its commands share, and its key is checked. The archive travels and is unpacked
# while packages install. Every wait has a deadline.
#
# shellcheck disable=SC2154  # they are in lab.env
set -Eeuo pipefail
export LC_ALL=C

folder=$1
only=${2-}
# Gives: lab network image subnet gateway ssh_user ssh_key archive archive_sha256 kafka_version
# client_port controller_port timezone hosts[] address[] memory[] node_id[] topics[] topic_args[]
# shellcheck source=/dev/null
source "$folder/lab.env"

begin=$EPOCHREALTIME
# With the seconds since the start.
say() {
  local us=$((${EPOCHREALTIME/./} - ${begin/./}))
  printf '%4d.%02d %s\n' $((us / 1000000)) $((us % 1000000 / 10000)) "$*" >&2
}
fail() {
  say "failed: $*"
  exit 1
}

# until_deadline SECONDS WHAT COMMAND…: repeats a command until it succeeds.
until_deadline() {
  local deadline=$((SECONDS + $1)) what=$2
  shift 2
  until "$@"; do
    ((SECONDS < deadline)) || fail "waited in vain for $what"
    sleep 0.1
  done
}

remote() {
  local host=$1
  shift
  ssh -F "$folder/ssh_config" "$host" "$@"
}

# --- once for all hosts -----------------------------------------------------------------------------

write_ssh_config() {
  cat >"$folder/ssh_config" <<END
Host *
  User $ssh_user
  IdentityFile $ssh_key
  IdentitiesOnly yes
  UserKnownHostsFile $folder/known_hosts
  StrictHostKeyChecking yes
  HashKnownHosts no
  ControlMaster auto
  ControlPath $folder/%n.ctl
  ControlPersist 120
  ConnectTimeout 5
  LogLevel ERROR
END
  : >"$folder/known_hosts"
  local host
  for host in "${hosts[@]}"; do
    printf 'Host %s\n  HostName %s\n' "$host" "${address[$host]}" >>"$folder/ssh_config"
    mkdir -p "$folder/$host.keys/etc/ssh/authorized_keys.d"
    ssh-keygen -q -t ed25519 -N '' -C '' -f "$folder/$host.keys/etc/ssh/ssh_host_ed25519_key"
    echo "${address[$host]} $(cat "$folder/$host.keys/etc/ssh/ssh_host_ed25519_key.pub")" >>"$folder/known_hosts"
    cp "$ssh_key.pub" "$folder/$host.keys/etc/ssh/authorized_keys.d/$ssh_user"
  done
}

# Sixteen random bytes as Kafka writes its ids.
new_id() { head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '='; }

choose_ids() {
  local host
  cluster_id=$(new_id)
  voters=
  for host in "${hosts[@]}"; do
    voters+=${voters:+,}${node_id[$host]}@$host:$controller_port:$(new_id)
  done
}

# --- one host ---------------------------------------------------------------------------------------

make_machine() {
  local host=$1
  docker volume create --label "pi-lab.stack=$lab" "$lab-$host-data" >/dev/null
  docker create --name "$lab-$host" --hostname "$host" --label "pi-lab.stack=$lab" \
    --network "$network" --ip "${address[$host]}" --memory "${memory[$host]}m" --memory-swap "${memory[$host]}m" \
    --volume "$lab-$host-data:/var/lib/kafka" --restart always --stop-signal SIGRTMIN+3 \
    --cap-add SYS_ADMIN --cgroupns private --tmpfs /run --tmpfs /run/lock --tmpfs /tmp \
    --security-opt seccomp=unconfined --security-opt apparmor=unconfined \
    "$image" /sbin/init >/dev/null
  tar -C "$folder/$host.keys" --owner 0 --group 0 -c etc | docker cp - "$lab-$host:/"
  docker start "$lab-$host" >/dev/null
}

answers() { remote "$1" true 2>/dev/null; }

prepare() {
  local host=$1
  # Files alone: tar would shut a folder that it unpacks, / among them, to others for a moment, and the
  # archive arrives just then.
  (cd "$folder/$host" && find . ! -type d -print0 | tar --null -T - --owner 0 --group 0 -c) |
    remote "$host" 'sudo tar -x -C /'
  remote "$host" "sudo timezone=$timezone bash -s" <<'END'
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
options=(-qq --yes --no-install-recommends -o Acquire::Retries=3 -o Acquire::http::Timeout=30
  -o APT::Keep-Downloaded-Packages=false -o Acquire::Languages=none -o Dpkg::Use-Pty=0
  -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-unsafe-io)
apt-get "${options[@]}" update
apt-get "${options[@]}" install chrony openjdk-17-jre-headless >/dev/null
ln -sfn "/usr/share/zoneinfo/$timezone" /etc/localtime
echo "$timezone" >/etc/timezone
systemctl restart systemd-journald
useradd --system --user-group --home-dir /var/lib/kafka --no-create-home --shell /usr/sbin/nologin kafka
chgrp -R kafka /etc/kafka
install -d -m 0750 -o kafka -g kafka /var/lib/kafka /var/lib/kafka/data
install -d -m 0755 -o kafka -g kafka /var/log/kafka
END
}

push_archive() {
  local host=$1
  scp -q -F "$folder/ssh_config" "$archive" "$host:/var/tmp/kafka.tgz"
  remote "$host" "sudo sha256=$archive_sha256 bash -s" <<'END'
set -euo pipefail
install -d -m 0755 /opt/kafka
echo "$sha256  /var/tmp/kafka.tgz" | sha256sum --check --quiet
tar -xzf /var/tmp/kafka.tgz -C /opt/kafka --no-same-owner
rm /var/tmp/kafka.tgz
for name in $(/usr/local/lib/pi-lab/kafka-tool --list); do
  ln -sfn /usr/local/lib/pi-lab/kafka-tool "/usr/local/bin/$name"
done
END
}

start_broker() {
  local host=$1
  remote "$host" "sudo cluster_id=$cluster_id voters=$voters address=${address[$host]} port=$client_port bash -s" <<'END'
set -euo pipefail
runuser -u kafka -- /usr/local/bin/kafka-storage.sh format "--cluster-id=$cluster_id" \
  "--initial-controllers=$voters" --config /etc/kafka/server.properties >/dev/null
systemctl daemon-reload
systemctl --quiet enable --now kafka
deadline=$((SECONDS + 120))
until [[ $(ss -Hltn "sport = :$port") ]]; do
  if ((SECONDS >= deadline)); then
    journalctl -u kafka -n 20 >&2
    exit 1
  fi
  sleep 0.1
done
END
}

boot() {
  make_machine "$1"
  until_deadline 60 "sshd on $1" answers "$1"
  say "$1: answers"
}

bring_up() {
  local host=$1 pushing
  boot "$host"
  push_archive "$host" &
  pushing=$!
  prepare "$host"
  say "$host: packages are installed"
  wait "$pushing" || fail "$host: the archive was not pushed"
  start_broker "$host"
  say "$host: serves"
}

# --- the cluster ------------------------------------------------------------------------------------

create_topic() {
  local host=$1 topic=$2
  remote "$host" "kafka-topics.sh --bootstrap-server ${address[$host]}:$client_port --create --topic $topic ${topic_args[$topic]}" >/dev/null
}

# Every partition of every topic has as many brokers in sync as there are hosts.
all_in_sync() {
  local host=${hosts[0]} lines
  lines=$(remote "$host" "kafka-topics.sh --bootstrap-server ${address[$host]}:$client_port --describe")
  (($(grep -c 'Leader: [0-9]' <<<"$lines") >= ${#topics[@]})) || return 1
  ! grep 'Isr: ' <<<"$lines" | grep -qvE "Isr: [0-9]+(,[0-9]+){$((${#hosts[@]} - 1))}\b"
}

# Runs a function for each of the words at once.
at_once() {
  local each=$1 word pid pids=()
  shift
  for word in "$@"; do
    "$each" "$word" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || fail "$each did not end well"; done
}

# The topics are dealt out to the hosts: each call starts a JVM.
create_dealt() {
  local i
  for i in "${!topics[@]}"; do
    [[ ${topics[i]} == "$1" ]] && create_topic "${hosts[i % ${#hosts[@]}]}" "$1" && return
  done
  return 1
}

close_connections() {
  local host
  for host in "${hosts[@]}"; do
    ssh -F "$folder/ssh_config" -O exit "$host" 2>/dev/null || true
  done
}

main() {
  trap close_connections EXIT
  write_ssh_config
  choose_ids
  docker network create --driver bridge --subnet "$subnet" --gateway "$gateway" \
    --label "pi-lab.stack=$lab" "$network" >/dev/null
  if [[ $only == machines ]]; then
    at_once boot "${hosts[@]}"
    return
  fi
  at_once bring_up "${hosts[@]}"
  at_once create_dealt "${topics[@]}"
  say "topics are made"
  until_deadline 60 "full ISR" all_in_sync
  say "all replicas are in sync"
}

main
