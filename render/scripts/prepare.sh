# Makes a host ready for its role. Everything is looked at before it is changed: it may be run again
# after any interruption, and a second run is quick. The variables pi_* and the functions common_files,
# container_files and board_files come before it.
export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 NEEDRESTART_SUSPEND=1

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
  install_packages
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

# Leaves in missing[] what was not there before.
install_packages() {
  local attempt said=
  find_missing
  ((${#missing[@]} > 0)) || return 0
  need_space / "$pi_packages_mib" "the packages ${missing[*]}"
  finish_interrupted
  if ! have_fresh_lists; then update_lists; fi
  for attempt in 1 2 3; do
    choose_java
    say "installing ${missing[*]}"
    if package_tool apt-get "${apt_options[@]}" install "${missing[@]}"; then return 0; fi
    refuse_full_disk
    ((attempt < 3)) || break
    say "try $attempt of 3 failed: $(reason)"
    sleep $((attempt * 2))
    update_lists
  done
  fail "${missing[*]} could not be installed: $(reason)" "Check the Pi's network and its apt sources, then run \`up\` again."
}

find_missing() {
  local package wanted=("${pi_packages[@]}")
  if [[ $pi_kafka ]]; then
    java=$(java_major)
    ((java >= 17)) || wanted+=(jre)
  fi
  missing=()
  for package in "${wanted[@]}"; do
    [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true) == installed ]] ||
      missing+=("$package")
  done
}

# Debian 13 has no JRE 17; later ones run Kafka as well.
choose_java() {
  local i package
  for i in "${!missing[@]}"; do
    [[ ${missing[i]} == jre || ${missing[i]} == openjdk-* ]] || continue
    # One that a service asks for by name is that one.
    if is_among "${missing[i]}" "${pi_packages[@]}"; then continue; fi
    for package in openjdk-17-jre-headless openjdk-21-jre-headless openjdk-25-jre-headless; do
      [[ -n $(apt-cache pkgnames "$package") ]] || continue
      missing[i]=$package
      return 0
    done
    missing[i]=openjdk-17-jre-headless
  done
}

apt_options=(
  -qq --yes --no-install-recommends
  -o Acquire::Retries=3 -o Acquire::http::Timeout=30 -o Acquire::https::Timeout=30
  -o APT::Keep-Downloaded-Packages=false -o Dpkg::Use-Pty=0
  -o Dpkg::Options::=--force-confold
)
# A container that loses its power is made anew: dpkg need not flush every file. Nor does anybody read
# descriptions of packages there.
if in_container; then apt_options+=(-o Dpkg::Options::=--force-unsafe-io -o Acquire::Languages=none); fi

# Runs apt-get or dpkg and waits while another one holds the lock. Its output is left in said.
package_tool() {
  local deadline=$((SECONDS + pi_lock_wait)) told=-10
  while :; do
    if said=$(timeout "$pi_package_timeout" "$@" 2>&1 </dev/null 9>&-); then return 0; fi
    [[ $said =~ 'Could not get lock'|'is another process using it'|'was locked by another process' ]] || return 1
    ((SECONDS < deadline)) ||
      fail "another program has held the package lock for $pi_lock_wait s ($(lock_holder))" "Let it end or stop it (\`systemctl stop unattended-upgrades\`), then run \`up\` again."
    if ((SECONDS - told >= 10)); then
      say "waiting for the package lock ($(lock_holder); at most $((deadline - SECONDS)) s more)"
      told=$SECONDS
    fi
    sleep 2
  done
}

lock_holder() {
  local holder
  holder=$(grep --only-matching --extended-regexp 'process [0-9]+ \([^)]*\)|process with pid [0-9]+' <<<"$said" | head -n 1 || true)
  echo "held by ${holder:-an unknown process}"
}

# A file's date in the lists is its server's, so the folder of running downloads tells the last update.
have_fresh_lists() {
  compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null &&
    [[ -n $(find /var/lib/apt/lists/partial -maxdepth 0 -mtime -7 2>/dev/null) ]]
}

update_lists() {
  say "updating the package lists"
  package_tool apt-get "${apt_options[@]}" update || { refuse_full_disk && say "the lists stay as they are: $(reason)"; }
}

finish_interrupted() {
  compgen -G '/var/lib/dpkg/updates/[0-9]*' >/dev/null || [[ -n $(dpkg --audit) ]] || return 0
  say "finishing an interrupted installation"
  if package_tool dpkg --force-confold --configure --pending &&
    package_tool apt-get "${apt_options[@]}" --fix-broken install; then
    return 0
  fi
  fail "an interrupted installation cannot be finished: $(reason)" "Run \`sudo dpkg --configure -a\` on the host and mend what it names, then run \`up\` again."
}

reason() {
  local lines
  lines=$(grep --extended-regexp '^(E:|dpkg: error|Err:)' <<<"$said" | tail -n 3 || true)
  [[ $lines ]] || lines=$(tail -n 2 <<<"$said")
  echo "${lines//$'\n'/; }"
}

refuse_full_disk() {
  [[ ! $said =~ 'No space left on device'|'have enough free space' ]] ||
    fail "the disk is full: $(reason)" "$FULL_DISK_REMEDY"
}

java_major() {
  local version
  version=$(/usr/bin/java -version 2>&1 | sed -n 's/^.* version "\([0-9]*\).*/\1/p;q' || true)
  echo "${version:-0}"
}

check_java() {
  ((java >= 17)) || java=$(java_major)
  ((java >= 17)) ||
    fail "/usr/bin/java is version $java, Kafka needs 17 or later" "Choose a later one with \`sudo update-alternatives --config java\`, then run \`up\` again."
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
