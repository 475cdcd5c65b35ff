# Puts the pushed agent where Kafka's JVM loads it from.
# The variables agent_path, agent_pushed and agent_sha256 come before it.

main() {
  local sum
  step jmx-agent
  take_turn 60
  # What is there and sound stays: a running JVM has it open.
  if [[ $(sum_of "$agent_path") != "$agent_sha256" ]]; then
    [[ -f $agent_pushed ]] ||
      fail "the agent $agent_pushed is not there" "Copy it again: run \`up\` with \`--replace\` for this host's agent resource."
    sum=$(sum_of "$agent_pushed")
    [[ $sum == "$agent_sha256" ]] ||
      fail "the agent $agent_pushed is corrupt: its SHA-256 is $sum, not $agent_sha256" "Fetch it anew on the controlling machine (\`npm run setup -- jmx\`) and run \`up\` again."
    install -d -m 0755 "${agent_path%/*}"
    install -m 0644 "$agent_pushed" "$agent_path.new"
    sync "$agent_path.new"
    mv -T "$agent_path.new" "$agent_path"
  fi
  rm -f "$agent_pushed"
  echo "installed ${agent_path##*/}"
}

sum_of() {
  [[ -f $1 ]] || return 0
  sha256sum <"$1" | cut -d' ' -f1
}

main </dev/null
