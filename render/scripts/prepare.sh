# Makes a host ready for its role. Everything is looked at before it is changed: it may be run again
# after any interruption, and a second run is quick. The variables pi_* and the functions common_files,
# container_files and board_files come before it.
# Left behind by a run that was cut off: what it may have changed and not yet applied is applied now.
unfinished=/usr/local/lib/pi-lab/unfinished

main() {
  local work interrupted=
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  step start
  take_turn "$pi_lock_wait"
  need_space / 16 "the preparation"
  [[ ! -e $unfinished ]] || interrupted=yes
  mkdir -p "${unfinished%/*}"
  : >"$unfinished"

  step files
  place_files "$work"
  step packages
  find_missing
  if [[ $pi_packages_from == controller ]]; then refuse_missing; else install_packages; fi
  step clock
  keep_clock
  set_timezone
  step logs
  if [[ $interrupted ]] || has_changed /etc/systemd/journald.conf.d/; then
    systemctl restart systemd-journald
  fi
  if ! in_container && { [[ $interrupted ]] || has_changed /etc/sysctl.d/; }; then
    sysctl --quiet --load=/etc/sysctl.d/60-pi-lab.conf
  fi
  if [[ $pi_kafka ]]; then
    step java
    check_java
    step kafka
    prepare_kafka
  fi
  if [[ ! $pi_services ]]; then
    step services
    remove_all_services
  fi
  rm -f "$unfinished"
  echo "prepared as $pi_role"
}

# They were brought before this script came. It must not ask a mirror for them that cannot be reached.
refuse_missing() {
  local package gone=()
  for package in "${missing[@]}"; do
    # A JRE that was brought is of no use where another one is chosen, and bringing it again changes nothing.
    if [[ $package == jre ]] && has_later_java; then check_java; else gone+=("$package"); fi
  done
  ((${#gone[@]} == 0)) ||
    fail "${gone[*]} went missing since it was brought here" "Run \`npm run pulumi -- up --refresh\`, which looks at what is there and brings it again."
}

has_later_java() {
  local package
  for package in "${java_packages[@]}"; do
    if is_installed "$package"; then return 0; fi
  done
  return 1
}

place_files() {
  local common
  common_files >"$1/bundle"
  unpack_bundle "$1" <"$1/bundle"
  place_bundle "$1"
  common=("${changed[@]}")
  if in_container; then container_files; else board_files; fi >"$1/bundle"
  unpack_bundle "$1" <"$1/bundle"
  place_bundle "$1"
  changed=("${common[@]}" "${changed[@]}")
  if has_changed /etc/systemd/system/ || [[ $interrupted ]]; then systemctl daemon-reload; fi
}

check_java() {
  local what
  ((java >= 17)) || java=$(java_major)
  what="is version $java"
  ((java > 0)) || what="tells no version"
  ((java >= 17)) ||
    fail "/usr/bin/java $what, Kafka needs 17 or later" "Choose a later one with \`sudo update-alternatives --config java\`, then run \`up\` again."
}

# Also where it was disabled, masked or stopped by hand since.
keep_clock() {
  [[ $(systemctl show chrony -p LoadState --value) != masked ]] || systemctl --quiet unmask chrony
  systemctl is-enabled --quiet chrony || systemctl --quiet enable chrony
  if [[ $interrupted ]] || has_changed /etc/chrony/ || has_changed /etc/systemd/system/chrony; then
    [[ " ${missing[*]} " == *' chrony '* ]] || systemctl restart chrony
  fi
  systemctl is-active --quiet chrony || systemctl start chrony ||
    say "chrony does not start, so this clock is not kept: see \`journalctl -u chrony\` there"
}

set_timezone() {
  local zone=/usr/share/zoneinfo/$pi_timezone
  [[ -f $zone ]] ||
    fail "time zone $pi_timezone is unknown here" "Correct \`timezone\` in the configuration, or install the package tzdata-legacy for old names."
  [[ $(readlink /etc/localtime || true) == "$zone" ]] || ln -sfn "$zone" /etc/localtime
  [[ $(cat /etc/timezone 2>/dev/null || true) == "$pi_timezone" ]] || echo "$pi_timezone" >/etc/timezone
}

# Where a host still has services, the push that brings them removes those that are gone.
remove_all_services() {
  [[ -f $services_manifest ]] || return 0
  units=() programs=() entry_path=() file_path=()
  remove_former_services
  remove_node_but nothing
  rm -f "$services_manifest"
}

prepare_kafka() {
  getent group kafka >/dev/null || groupadd --system kafka
  getent passwd kafka >/dev/null ||
    useradd --system --gid kafka --home-dir /var/lib/kafka --no-create-home --shell /usr/sbin/nologin kafka
  install -d -m 0755 -o root -g root /opt/kafka
  install -d -m 0755 -o root -g kafka /etc/kafka
  install -d -m 0750 -o kafka -g kafka /var/lib/kafka /var/lib/kafka/data
  install -d -m 0755 -o kafka -g kafka /var/log/kafka
}

main </dev/null
