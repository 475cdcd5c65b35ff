# Brings a host the services that it is to run besides Kafka: Node.js, programs, users, files. Restarts the
# units of which something changed and no other, stops and removes those that a former push brought, and
# waits until what it started stays up. Everything is looked at before it is changed: it may be run again
# after any interruption. The variables pi_host, node_*, programs, program_*, file_*, units, unit_*,
# entry_unit and start_*, and the function service_files come before it.

# What each unit was last started with: a line of its own for each, gone while that is not known.
started=${services_manifest%/*}

main() {
  local work
  step services
  take_turn 300
  need_space /etc 4 "staging files"
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  install -d -m 0755 "$started" /opt/pi-lab /opt/pi-lab/programs
  service_files >"$work/bundle"
  unpack_bundle "$work" <"$work/bundle"

  step node
  install_node
  step users
  make_users
  step units
  verify_units "$work"
  # From here on nothing is refused any more. Should this be cut off, the next push knows of both.
  write_manifest former
  step programs
  install_programs
  install_large_files
  step files
  forget_changed "$work"
  place_bundle "$work"
  step units
  if has_changed /etc/systemd/system/ || has_unread_units; then systemctl daemon-reload; fi
  remove_former_services
  write_manifest
  start_units
  await_units
  remove_node_but "$node_version"
  echo "services: ${units[*]}"
}

install_node() {
  local home=/opt/node/node-$node_version new said
  [[ $node_version ]] || return 0
  if [[ ! -s $home/.sha256 || ! -x $home/bin/node ]]; then
    verify_pushed "$node_archive" "$node_sha256" "Node.js $node_version"
    install -d -m 0755 /opt/node
    need_space /opt/node 140 "Node.js $node_version"
    rm -rf /opt/node/.new-*
    new=$(mktemp -d /opt/node/.new-XXXXXX)
    if ! said=$(tar -xzf "$node_archive" -C "$new" --strip-components=1 --no-same-owner package/bin/node package/LICENSE 2>&1); then
      rm -rf "$new"
      [[ $said != *'No space left on device'* ]] || fail "the disk is full: ${said%%$'\n'*}" "$FULL_DISK_REMEDY"
      fail "the archive of Node.js cannot be unpacked: ${said%%$'\n'*}" "Fetch it anew on the controlling machine (\`npm run setup -- node\`), then run \`up\` again."
    fi
    chmod 0755 "$new"
    if ! said=$("$new/bin/node" --version 2>&1) || [[ $said != "v$node_version" ]]; then
      rm -rf "$new"
      fail "Node.js $node_version does not run here: ${said%%$'\n'*}" "This host needs a 64 bit system (\`uname -m\`: aarch64 on a Pi)."
    fi
    echo "$node_sha256" >"$new/.sha256"
    # A power cut must not leave a program without content behind a marker that says all is well.
    in_container || sync --file-system "$new"
    rm -rf "$home"
    mv -T "$new" "$home"
  fi
  rm -f "$node_archive"
}

# verify_pushed FILE SHA256 WHAT
verify_pushed() {
  local sum
  [[ -f $1 ]] || fail "$3 was removed here, and is not at $1" "Run \`up --refresh\`, which finds it missing and copies it again."
  sum=$(sha256sum <"$1")
  sum=${sum%% *}
  [[ $sum == "$2" ]] ||
    fail "$3 at $1 is corrupt: its SHA-256 is $sum, not $2" "Run \`up\` again with \`--replace\` for the resource that copies it to this host."
}

install_programs() {
  local i name path pushed
  for i in "${!programs[@]}"; do
    name=${programs[i]} path=/opt/pi-lab/programs/${programs[i]}.js pushed=/var/tmp/pi-lab-${programs[i]}.js
    if [[ ! -f $path || -L $path || $(sha256sum <"$path") != "${program_sha256[i]}"* ]]; then
      verify_pushed "$pushed" "${program_sha256[i]}" "the program $name"
      install -m 0644 "$pushed" "$path.pi-lab-new"
      # Again, where nobody else can write.
      verify_pushed "$path.pi-lab-new" "${program_sha256[i]}" "the program $name"
      sync "$path.pi-lab-new"
      forget_program "$name"
      mv -fT "$path.pi-lab-new" "$path"
    fi
    [[ $(stat -c '%a %U:%G' "$path") == '644 root:root' ]] || { chown root:root "$path" && chmod 0644 "$path"; }
    rm -f "$pushed" "$path.pi-lab-new"
  done
}

# Files that a service has beside our programs, each in a folder of its own.
install_large_files() {
  local i path
  for i in "${!file_path[@]}"; do
    path=${file_path[i]}
    if [[ ! -f $path || -L $path || $(sha256sum <"$path") != "${file_sha256[i]}"* ]]; then
      verify_pushed "${file_pushed[i]}" "${file_sha256[i]}" "${file_what[i]}"
      install -d -m 0755 "${path%/*}"
      need_space "${path%/*}" "$(($(stat -c %s "${file_pushed[i]}") / 1048576 + 64))" "${file_what[i]}"
      install -m 0644 "${file_pushed[i]}" "$path.pi-lab-new"
      # Again, where nobody else can write.
      verify_pushed "$path.pi-lab-new" "${file_sha256[i]}" "${file_what[i]}"
      sync "$path.pi-lab-new"
      rm -f "$started/${units[file_unit[i]]}.started"
      mv -fT "$path.pi-lab-new" "$path"
    fi
    [[ $(stat -c '%a %U:%G' "$path") == '644 root:root' ]] || { chown root:root "$path" && chmod 0644 "$path"; }
    rm -f "${file_pushed[i]}" "$path.pi-lab-new"
  done
}

forget_program() {
  local i
  for i in "${!units[@]}"; do
    [[ ${unit_program[i]} != "$1" ]] || rm -f "$started/${units[i]}.started"
  done
}

make_users() {
  local user
  for user in "${unit_user[@]}"; do
    [[ $user ]] || continue
    getent group "$user" >/dev/null || groupadd --system "$user"
    getent passwd "$user" >/dev/null ||
      useradd --system --gid "$user" --home-dir "/var/lib/$user" --no-create-home --shell /usr/sbin/nologin "$user"
  done
}

# verify_units FOLDER: units and drop-ins that systemd refuses are not put in place.
verify_units() {
  local i path said refused=
  for i in "${!entry_path[@]}"; do
    path=${entry_path[i]}
    [[ $path == /etc/systemd/system/* ]] || continue
    path=$1/system/${path#/etc/systemd/system/}
    mkdir -p "${path%/*}"
    cp "$1/$i" "$path"
  done
  for i in "${!units[@]}"; do
    # Warnings count too: an unknown directive is ignored by systemd, and the sandbox is then less than it says.
    said=$(SYSTEMD_UNIT_PATH="$1/system:" systemd-analyze verify --man=no --recursive-errors=no "${units[i]}.service" 2>&1) && [[ -z $said ]] && continue
    refused+="${units[i]}.service: ${said//$'\n'/; } "
  done
  [[ ! $refused ]] ||
    fail "systemd refuses ${refused% }" "What was there stays. Correct the unit and run \`up\` again."
}

# write_manifest [former]: what is here by this push, and with `former` what is by the one before.
write_manifest() {
  local word
  {
    if [[ ${1-} && -f $services_manifest ]]; then cat "$services_manifest"; fi
    for word in "${units[@]}"; do echo "unit $word"; done
    for word in "${entry_path[@]}"; do echo "file $word"; done
    for word in "${file_path[@]}"; do echo "file $word"; done
    for word in "${programs[@]}"; do echo "program $word"; done
  } | sort -u >"$services_manifest.pi-lab-new"
  sync "$services_manifest.pi-lab-new"
  mv -f "$services_manifest.pi-lab-new" "$services_manifest"
}

# forget_changed FOLDER: a unit whose files are about to change runs with others from then on.
forget_changed() {
  local i
  for i in "${!entry_path[@]}"; do
    if same_file "${entry_path[i]}" "$1/$i" "${entry_mode[i]}" "${entry_owner[i]}"; then continue; fi
    rm -f "$started/${units[entry_unit[i]]}.started"
  done
}

# Whether a unit's files, drop-ins included, were changed by hand and systemd was not told.
has_unread_units() {
  local unit
  for unit in "${units[@]}"; do
    [[ $(systemctl show "$unit.service" -p NeedDaemonReload --value) != yes ]] || return 0
  done
  return 1
}

# Leaves in begun[] what it started.
start_units() {
  local i unit
  begun=()
  for i in "${!units[@]}"; do
    unit=${units[i]}
    [[ $(systemctl show "$unit.service" -p LoadState --value) != masked ]] || systemctl --quiet unmask "$unit.service"
    # What is enabled at run time alone is so as long as its package sees to it.
    [[ $(systemctl is-enabled "$unit.service" 2>/dev/null || true) == enabled ]] || systemctl --quiet enable "$unit.service" 2>/dev/null ||
      fail "$unit cannot be enabled" "See \`systemctl enable $unit\` there."
    if systemctl is-active --quiet "$unit.service" && [[ $(cat "$started/$unit.started" 2>/dev/null || true) == "${unit_print[i]}" ]]; then
      continue
    fi
    rm -f "$started/$unit.started"
    say "starting $unit"
    systemctl reset-failed "$unit.service" 2>/dev/null || true
    # That it does not start is seen, and told, below.
    systemctl restart "$unit.service" 2>/dev/null || true
    begun+=("$i")
  done
}

# Up is what is active, and was for a while without a restart.
await_units() {
  local deadline=$((SECONDS + start_patience)) quiet_since=$SECONDS i state broken=()
  ((${#begun[@]} > 0)) || return 0
  while :; do
    broken=()
    for i in "${begun[@]}"; do
      state=$(systemctl show "${units[i]}.service" -p ActiveState,NRestarts | sort | tr '\n' ' ')
      case $state in
        'ActiveState=active NRestarts=0 ') ;;
        'ActiveState=failed '* | *'NRestarts='[1-9]*) broken+=("$i") && deadline=0 ;;
        *) broken+=("$i") ;;
      esac
    done
    ((${#broken[@]} == 0)) || quiet_since=$SECONDS
    ((SECONDS - quiet_since < start_settle && SECONDS < deadline)) || break
    sleep 0.5
  done
  for i in "${begun[@]}"; do
    if ! is_among "$i" "${broken[@]}"; then echo "${unit_print[i]}" >"$started/${units[i]}.started"; fi
  done
  ((${#broken[@]} == 0)) || fail_broken "${broken[@]}"
}

fail_broken() {
  local i unit causes=()
  for i; do
    unit=${units[i]}
    causes+=("$unit does not stay up ($(how_it_is "$unit"))")
    say "the last lines of $unit:"
    journalctl --unit "$unit.service" --lines 10 --output cat --no-pager 2>/dev/null | cut -c 1-400 >&2 || true
  done
  local IFS=';'
  fail "${causes[*]}" "Mend what the lines above tell, then run \`up\` again; \`npm run logs -- $pi_host --unit $unit\` shows more."
}

how_it_is() {
  local state status restarts
  state=$(systemctl show "$1.service" -p ActiveState --value)
  status=$(systemctl show "$1.service" -p ExecMainStatus --value)
  restarts=$(systemctl show "$1.service" -p NRestarts --value)
  if [[ $status == 78 ]]; then
    echo "status 78: its configuration is at fault"
  elif [[ $restarts != 0 ]]; then
    echo "it ended, and was started again: $restarts"
  elif [[ $state == failed ]]; then
    echo "status $status"
  else
    echo "$state after $start_patience s"
  fi
}

main </dev/null
