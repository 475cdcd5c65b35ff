# What pushes of services left on a host: shared by the scripts that bring services and that take the last away.
services_manifest=/var/lib/pi-lab/services/manifest

# remove_former_services: what a former push brought and this one does not, by units[], programs[],
# entry_path[] and file_path[].
remove_former_services() {
  local kind name gone=
  [[ -f $services_manifest ]] || return 0
  # Stopped first: a unit without its files cannot be stopped as it says.
  while read -r kind name; do
    [[ $kind == unit ]] || continue
    if is_among "$name" "${units[@]}"; then continue; fi
    stop_former "$name"
    gone=yes
  done <"$services_manifest"
  while read -r kind name; do
    case $kind in
      file)
        if is_among "$name" "${entry_path[@]}" "${file_path[@]}"; then continue; fi
        rm -f "$name"
        rmdir --ignore-fail-on-non-empty "${name%/*}" 2>/dev/null || true
        gone=yes
        ;;
      program) is_among "$name" "${programs[@]}" || rm -f "/opt/pi-lab/programs/$name.js" ;;
    esac
  done <"$services_manifest"
  [[ ! $gone ]] || systemctl daemon-reload
}

stop_former() {
  say "stopping $1, which is no longer wanted here"
  systemctl --quiet disable --now "$1.service" 2>/dev/null || systemctl --quiet stop "$1.service" 2>/dev/null || true
  ! systemctl is-active --quiet "$1.service" ||
    fail "$1 does not stop" "See \`systemctl status $1\` there, end it, then run \`up\` again."
  systemctl reset-failed "$1.service" 2>/dev/null || true
  rm -f "${services_manifest%/*}/$1.started"
}

# is_among WORD WORD…: whether the first is one of the others.
is_among() {
  local word=$1 other
  shift
  for other; do [[ $word != "$other" ]] || return 0; done
  return 1
}

# remove_node_but VERSION: a process that runs another one keeps what it has open.
remove_node_but() {
  local path
  for path in /opt/node/node-* /opt/node/.new-*; do
    [[ -e $path && ${path##*/} != "node-$1" ]] || continue
    # Its marker first: what a power cut leaves of it must not count as unpacked.
    rm -f "$path/.sha256"
    rm -rf "$path"
  done
}
