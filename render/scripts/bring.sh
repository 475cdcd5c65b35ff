# Brings a host its packages through the controlling machine, of which it has the port of a proxy on its own
# loopback. One command at a time; what a run that was cut off has left is cleared by the next one.
#
#   look                        what is missing, where packages come from, and what system this is
#   update PORT VALID MIRROR…   reads the archive's lists anew; VALID: `valid`, or `expired`: also those that
#                               are no longer valid
#   list PORT VALID MIRROR…     what a machine with nothing on it would download for all packages of the lab
#   install PORT VALID MIRROR…  installs what is missing
#   clean                       forgets the lists
command=("$@")

# Lists of its own: those of a host without internet are as old as its card, and every list passes through
# the cache, which another host may need to live on.
bring=/var/cache/pi-lab-packages

main() {
  step packages
  case ${command[0]} in
    look) look ;;
    clean) rm -rf "$bring" ;;
    update | list | install)
      take_turn "$pi_lock_wait"
      use_proxy
      "bring_${command[0]}"
      ;;
    *) fail "${command[0]} is no command" "This is a bug of pi-lab." ;;
  esac
}

look() {
  local package
  find_missing
  for package in "${missing[@]}"; do echo "missing $package"; done
  command -v apt-get >/dev/null || fail "it has no apt-get" "The lab installs Debian packages: use Raspberry Pi OS, Debian or Ubuntu."
  apt-get indextargets --no-release-info --format '$(REPO_URI)' 2>/dev/null | sort -u | sed 's/^/source /'
  # shellcheck disable=SC1091
  echo "system $(. /etc/os-release && echo "$ID-${VERSION_ID:-unstable}")-$(dpkg --print-architecture)"
}

use_proxy() {
  local mirror proxy=http://127.0.0.1:${command[1]}
  apt_state=(
    -o "Dir::State::lists=$bring/lists" -o "Dir::Cache::pkgcache=$bring/pkgcache.bin"
    -o "Dir::Cache::srcpkgcache=$bring/srcpkgcache.bin"
  )
  apt_options+=(
    "${apt_state[@]}" -o "Acquire::http::Proxy=$proxy" -o Acquire::http::Proxy-Auto-Detect=
    -o Acquire::http::ProxyAutoDetect= -o Acquire::Languages=none -o Acquire::PDiffs=false
    -o Acquire::GzipIndexes=true -o Acquire::Retries=1
  )
  # What the host's own settings say of a mirror goes before what they say of all.
  for mirror in "${command[@]:3}"; do apt_options+=(-o "Acquire::http::Proxy::$mirror=$proxy"); done
  if [[ ${command[2]} == expired ]]; then apt_options+=(-o Acquire::Check-Valid-Until=false); fi
  apt_tries=1
  packages_remedy="Check its apt sources (/etc/apt), then run \`up\` again."
  have_fresh_lists() { true; }
}

bring_update() {
  rm -rf "$bring"
  install -d -m 0755 "$bring" "$bring/lists" "$bring/archives" "$bring/archives/partial"
  need_space / "$pi_lists_mib" "the lists of packages"
  # A list that does not come is a warning to apt; what is missed is told by what comes after.
  if package_tool apt-get "${apt_options[@]}" update; then return 0; fi
  refuse_full_disk
  fail "the lists of packages could not be read: $(reason)" "$packages_remedy"
}

# As a machine would on which nothing is installed: then no machine lacks anything, whatever its image has.
# Hosts of a lab may run different systems: what this one's has not is for those of another kind.
bring_list() {
  local package
  : >"$bring/status"
  missing=()
  for package in "${pi_all_packages[@]}"; do
    if [[ $package == jre ]] || is_among "$package" "${pi_packages[@]}" || has_package "$package"; then missing+=("$package"); fi
  done
  # A JRE that some service asks for by name is that one, beside the system's.
  pi_packages=()
  for package in "${pi_all_packages[@]}"; do [[ $package == jre ]] || pi_packages+=("$package"); done
  choose_java
  # shellcheck disable=SC2054
  apt_options+=(-o "Dir::State::status=$bring/status" -o "Dir::Cache::archives=$bring/archives" -o Acquire::ForceHash=SHA256)
  package_tool apt-get "${apt_options[@]}" --print-uris install "${missing[@]}" ||
    fail "what ${missing[*]} need could not be listed: $(reason)" "$packages_remedy"
  grep "^'" <<<"$said"
}

has_package() {
  apt-cache "${apt_state[@]}" pkgnames "$1" | grep --fixed-strings --line-regexp "$1" >/dev/null
}

bring_install() {
  find_missing
  install_packages
}

main </dev/null
