# Shared by the scripts that run on a host as root. Expects bash 5 and coreutils.
set -Eeuo pipefail
export LC_ALL=C PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
umask 022

pi_host=${pi_host:-$(cat /usr/local/lib/pi-lab/host 2>/dev/null || uname -n)}
pi_step=start

step() { pi_step=$1; }

# Progress goes to standard error: standard output is a command's result, and shows in diffs.
say() { printf 'pi-lab: %s: %s: %s\n' "$pi_host" "$pi_step" "$*" >&2; }

# fail CAUSE REMEDY
fail() {
  trap - ERR
  say "${1%.}. $2"
  exit 1
}

# Whatever was not foreseen still names host, step and remedy, in one line.
unforeseen() {
  local status=$1 command=${2%%$'\n'*}
  (($(free_kib /) >= 1024)) || fail "the disk is full (status $status of: $command)" "$FULL_DISK_REMEDY"
  fail "status $status of: $command" "Look at the lines above; what is done so far stays, and the next \`up\` goes on from there."
}
trap 'unforeseen $? "$BASH_COMMAND"' ERR

FULL_DISK_REMEDY="Free space on it (\`sudo apt-get clean\`, \`sudo journalctl --vacuum-size=16M\`) or use a larger card, then run \`up\` again."

free_kib() { df --output=avail -k "$1" 2>/dev/null | tail -n 1 | tr -d ' '; }

# need_space PATH MIB WHAT_FOR
need_space() {
  local free
  free=$(free_kib "$1")
  ((free >= $2 * 1024)) ||
    fail "$1 has $((free / 1024)) MiB free, $3 needs $2 MiB" "$FULL_DISK_REMEDY"
}

in_container() { systemd-detect-virt --quiet --container; }

# One pi-lab script at a time on a host. The lock ends with the process, killed or not.
take_turn() {
  exec 9>/run/lock/pi-lab.lock
  flock --nonblock 9 && return
  say "waiting for another pi-lab command on this host to end (at most $1 s)"
  flock --timeout "$1" 9 ||
    fail "another pi-lab command has held this host for $1 s" "See \`ps -ef | grep pi-lab\` there; end it or wait, then run \`up\` again."
}

# unpack_bundle FOLDER <BUNDLE: the bundle's entries into entry_*[], each file's text into FOLDER/INDEX.
unpack_bundle() {
  local dir=$1 line word path mode owner index=-1 ended=
  entry_kind=() entry_path=() entry_mode=() entry_owner=()
  IFS= read -r line || line=
  [[ $line == 'pi-lab bundle 1' ]] || fail "what came on standard input is no bundle" "Run \`up\` again."
  while IFS= read -r line; do
    case $line in
      '|'*) printf '%s\n' "${line#|}" >&7 ;;
      'file '* | 'link '*)
        read -r word path mode owner <<<"$line"
        index=$((index + 1))
        entry_kind+=("$word") entry_path+=("$path") entry_mode+=("$mode") entry_owner+=("${owner-}")
        exec 7>"$dir/$index"
        ;;
      end) ended=yes && break ;;
      *) fail "a bundle has a line of no known kind" "Run \`up\` again; if it repeats, prepare the host anew." ;;
    esac
  done
  exec 7>&-
  [[ $ended ]] || fail "the bundle broke off before its end" "Run \`up\` again."
}

# place_bundle FOLDER: puts the unpacked entries in place. Everything is written beside its target and
# flushed before the first rename. Paths that it changed are in changed[].
place_bundle() {
  local dir=$1 i path ready=() flush=()
  changed=()
  refuse_blind_links
  for i in "${!entry_path[@]}"; do
    path=${entry_path[i]}
    mkdir -p "${path%/*}"
    if [[ ${entry_kind[i]} == link ]]; then
      [[ $(readlink "$path" || true) == "${entry_mode[i]}" ]] && continue
      ln -sfn "${entry_mode[i]}" "$path.pi-lab-new"
    else
      if same_file "$path" "$dir/$i" "${entry_mode[i]}" "${entry_owner[i]}"; then continue; fi
      install -m "${entry_mode[i]}" -o "${entry_owner[i]%:*}" -g "${entry_owner[i]#*:}" "$dir/$i" "$path.pi-lab-new"
      flush+=("$path.pi-lab-new")
    fi
    ready+=("$path")
  done
  ((${#flush[@]} == 0)) || sync "${flush[@]}"
  for path in "${ready[@]}"; do
    mv -fT "$path.pi-lab-new" "$path"
    changed+=("$path")
  done
}

# A link's line has its target where a file's has its mode.
refuse_blind_links() {
  local i
  for i in "${!entry_path[@]}"; do
    [[ ${entry_kind[i]} == file || -e ${entry_path[i]%/*}/${entry_mode[i]} ]] ||
      fail "${entry_path[i]} is to lead to ${entry_mode[i]}, which is not there" "Install that distribution first."
  done
}

same_file() {
  local path=$1 text=$2 mode=$3 owner=$4
  [[ -f $path && ! -L $path ]] && cmp -s "$path" "$text" && [[ $(stat -c '0%a %U:%G' "$path") == "$mode $owner" ]]
}

# has_changed PREFIX: whether a path in changed[] begins so.
has_changed() {
  local path
  for path in "${changed[@]}"; do [[ $path != "$1"* ]] || return 0; done
  return 1
}
