# Stops what pushes of services started on a machine that its host has left, and keeps it from starting at a boot.
# Files and data stay: the machine may be named again, and the next push then starts what is stopped here.

main() {
  local kind name ours=() packaged=()
  step "services of a former machine"
  take_turn 60
  if [[ -f $services_manifest ]]; then
    while read -r kind name; do
      [[ $kind == unit ]] || continue
      if [[ $name == pi-lab-* ]]; then ours+=("$name"); else packaged+=("$name"); fi
    done <"$services_manifest"
  fi
  # Programs first: a broker and a store still take what these have at hand.
  for name in "${ours[@]}" "${packaged[@]}"; do stop_former "$name"; done
  echo ${ours[@]} ${packaged[@]}
}

main </dev/null
