# Reads a bundle on standard input and puts it in place: all of it or, when something is wrong with it,
# nothing. It never restarts anything: what is staged is what the next start takes.
# Prints {"hash": sha256 of the bundle, "time": now}.
manifest=/etc/kafka/manifest

main() {
  local work hash
  step stage
  take_turn 60
  need_space /etc 4 "staging files"
  work=$(mktemp -d)
  # shellcheck disable=SC2064
  trap "rm -rf '$work'" EXIT
  cat >"$work/bundle"
  unpack_bundle "$work" <"$work/bundle"
  hash=$(sha256sum <"$work/bundle")
  hash=${hash%% *}

  step unit
  verify_units "$work"
  step stage
  place_bundle "$work"
  remove_former
  write_manifest "$work" "$hash"
  step unit
  if has_changed /etc/systemd/system/ || has_unread_units; then systemctl daemon-reload; fi
  enable_units
  printf '{"hash":"%s","time":"%s"}\n' "$hash" "$(date -u +%FT%T.%NZ)"
}

# A unit that systemd refuses is not put in place.
verify_units() {
  local i unit said
  for i in "${!entry_path[@]}"; do
    [[ ${entry_path[i]} == /etc/systemd/system/*.service ]] || continue
    cmp -s "$1/$i" "${entry_path[i]}" && continue
    unit=$1/${entry_path[i]##*/}
    cp "$1/$i" "$unit"
    # Warnings count too: an unknown directive is ignored by systemd, and the sandbox is then less than it says.
    said=$(systemd-analyze verify --man=no --recursive-errors=no "$unit" 2>&1) && [[ -z $said ]] && continue
    fail "systemd refuses ${entry_path[i]##*/}: ${said//$'\n'/; }" "The unit that was there stays. Correct the unit and run \`up\` again."
  done
}

# Files that a former bundle brought and this one does not.
remove_former() {
  local path i
  [[ -f $manifest ]] || return 0
  while read -r _ path; do
    case $path in
      /etc/kafka/* | /etc/systemd/system/kafka*) ;;
      *) continue ;;
    esac
    for i in "${!entry_path[@]}"; do [[ ${entry_path[i]} != "$path" ]] || continue 2; done
    rm -f "$path"
    changed+=("$path")
  done <"$manifest"
}

# Last, so that a manifest is never ahead of the files.
write_manifest() {
  local i
  {
    for i in "${!entry_path[@]}"; do
      [[ ${entry_kind[i]} == file ]] || continue
      printf '%s  %s\n' "$(sha256sum <"$1/$i" | cut -d' ' -f1)" "${entry_path[i]}"
    done
    printf 'bundle %s\n' "$2"
  } >"$manifest.pi-lab-new"
  sync "$manifest.pi-lab-new"
  mv -f "$manifest.pi-lab-new" "$manifest"
}

# Whether a unit's files, drop-ins included, were changed by hand and systemd was not told.
has_unread_units() {
  local path
  for path in "${entry_path[@]}"; do
    [[ $path == /etc/systemd/system/*.service ]] || continue
    [[ $(systemctl show "${path##*/}" -p NeedDaemonReload --value) != yes ]] || return 0
  done
  return 1
}

enable_units() {
  local i unit
  for i in "${!entry_path[@]}"; do
    [[ ${entry_path[i]} == /etc/systemd/system/*.service ]] || continue
    unit=${entry_path[i]##*/}
    systemctl is-enabled --quiet "$unit" || systemctl --quiet enable "$unit"
  done
}

main
