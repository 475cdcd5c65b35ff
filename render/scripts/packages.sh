# Which Debian packages are missing, and how they are installed. The variables pi_* come before it.
export DEBIAN_FRONTEND=noninteractive UCF_FORCE_CONFFOLD=1 NEEDRESTART_SUSPEND=1

# Where apt keeps what it knows of the archive, as options; empty: where it always does.
apt_state=()
apt_tries=3
packages_remedy="Check the Pi's network and its apt sources, then run \`up\` again."

# Installs what is in missing[].
install_packages() {
  local attempt said=
  ((${#missing[@]} > 0)) || return 0
  need_space / "$pi_packages_mib" "the packages ${missing[*]}"
  finish_interrupted
  if ! have_fresh_lists; then update_lists; fi
  for ((attempt = 1; attempt <= apt_tries; attempt++)); do
    choose_java
    say "installing ${missing[*]}"
    if package_tool apt-get "${apt_options[@]}" install "${missing[@]}"; then return 0; fi
    refuse_full_disk
    ((attempt < apt_tries)) || break
    say "try $attempt of $apt_tries failed: $(reason)"
    sleep $((attempt * 2))
    update_lists
  done
  fail "${missing[*]} could not be installed: $(reason)" "$packages_remedy"
}

# Leaves in missing[] what is not there; `jre` stands for the JRE that the system has.
find_missing() {
  local package wanted=("${pi_packages[@]}")
  if [[ $pi_kafka ]]; then
    java=$(java_major)
    ((java >= 17)) || wanted+=(jre)
  fi
  missing=()
  for package in "${wanted[@]}"; do
    is_installed "$package" || missing+=("$package")
  done
}

is_installed() {
  [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null || true) == installed ]]
}

java_packages=(openjdk-17-jre-headless openjdk-21-jre-headless openjdk-25-jre-headless)

# Debian 13 has no JRE 17; later ones run Kafka as well.
choose_java() {
  local i package
  for i in "${!missing[@]}"; do
    [[ ${missing[i]} == jre || ${missing[i]} == openjdk-* ]] || continue
    # One that a service asks for by name is that one.
    if is_among "${missing[i]}" "${pi_packages[@]}"; then continue; fi
    for package in "${java_packages[@]}"; do
      [[ -n $(apt-cache "${apt_state[@]}" pkgnames "$package") ]] || continue
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
