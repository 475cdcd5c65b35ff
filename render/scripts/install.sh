# Unpacks the pushed Kafka distribution beside those that are there. What a start runs is the link
# /opt/kafka/current, which is staged with the settings made for that version.
# The variables kafka_version, kafka_archive and kafka_sha256 come before it.

main() {
  local home=/opt/kafka/kafka-$kafka_version marker
  marker=$home/.sha256
  step install
  take_turn 60
  rm -rf /opt/kafka/.new-*
  remove_old "$home"
  # A version that is unpacked stays, even if this archive of it is packed otherwise: a running broker
  # opens its jars when it first needs them.
  if [[ ! -s $marker || ! -d $home/libs ]]; then
    verify_archive
    unpack "$home" "$marker"
  fi
  rm -f "$kafka_archive"
  link_tools "$home"
  echo "installed Kafka $kafka_version"
}

# remove_old HOME: distributions that nothing needs any more. This one stays, and the staged one, which
# ran until now and which going back needs; so does what a process works in or was started from: a JVM
# opens its jars when it first needs them.
remove_old() {
  local staged started path
  staged=$(readlink /opt/kafka/current || true)
  started=$(cat /run/kafka/started/version 2>/dev/null || true)
  for path in /opt/kafka/kafka-*; do
    [[ -d $path && ! -L $path ]] || continue
    case ${path##*/} in "${1##*/}" | "${staged##*/}" | "kafka-$started") continue ;; esac
    if in_use "$path"; then continue; fi
    say "removing ${path##*/}, which nothing runs from any more"
    # Its marker first: what a power cut leaves of it must not count as unpacked.
    rm -f "$path/.sha256"
    rm -rf "$path"
  done
}

# Root alone may not look into other users' processes where a container has few capabilities.
in_use() { opens "$1" || opens "$1" runuser -u kafka --; }

# opens FOLDER [PREFIX…]: whether a process has the folder, or a file below it, open.
opens() {
  local folder=$1 found
  shift
  found=$(cd / && "$@" find /proc/[0-9]*/cwd /proc/[0-9]*/fd -maxdepth 1 \
    \( -lname "$folder" -o -lname "$folder/*" \) -print -quit 2>/dev/null || true)
  [[ -n $found ]]
}

verify_archive() {
  local sum
  [[ -f $kafka_archive ]] ||
    fail "the archive $kafka_archive is not there" "Copy it again: run \`up\` with \`--replace\` for this host's archive resource."
  sum=$(sha256sum <"$kafka_archive")
  sum=${sum%% *}
  [[ $sum == "$kafka_sha256" ]] ||
    fail "the archive $kafka_archive is corrupt: its SHA-256 is $sum, not $kafka_sha256" "Fetch it anew on the controlling machine (\`npm run setup kafka\`) and run \`up\` again; if its file there is sound, add \`--replace\` for this host's archive resource."
}

unpack() {
  local home=$1 marker=$2 new said size
  size=$(($(stat -c %s "$kafka_archive") / 1024 / 1024))
  need_space /opt/kafka $((size * 3 / 2 + 8)) "Kafka $kafka_version"
  new=$(mktemp -d /opt/kafka/.new-XXXXXX)
  if ! said=$(tar -xzf "$kafka_archive" -C "$new" --strip-components=1 --no-same-owner 2>&1); then
    rm -rf "$new"
    [[ $said != *'No space left on device'* ]] || fail "the disk is full: ${said%%$'\n'*}" "$FULL_DISK_REMEDY"
    fail "the archive cannot be unpacked: ${said%%$'\n'*}" "Fetch it anew on the controlling machine (\`npm run setup kafka\`), then run \`up\` again."
  fi
  if ! compgen -G "$new/libs/kafka*.jar" >/dev/null; then
    rm -rf "$new"
    fail "the archive has no Kafka in it (libs/kafka*.jar)" "Fetch it anew on the controlling machine (\`npm run setup kafka\`), then run \`up\` again."
  fi
  chmod 0755 "$new"
  echo "$kafka_sha256" >"$new/.sha256"
  # A power cut must not leave jars without content behind a marker that says all is well.
  in_container || sync --file-system "$new"
  rm -rf "$home"
  mv -T "$new" "$home"
}

# Names that the distribution has a script for, and those that our launcher knows. What is there already
# under such a name, another tool's included, stays.
link_tools() {
  local name names
  mapfile -t names < <(
    /usr/local/lib/pi-lab/kafka-tool --list
    compgen -G "$1/bin/kafka-*.sh" || true
  )
  for name in "${names[@]##*/}"; do
    [[ -e /usr/local/bin/$name ]] || ln -sfn /usr/local/lib/pi-lab/kafka-tool "/usr/local/bin/$name"
  done
}

main </dev/null
