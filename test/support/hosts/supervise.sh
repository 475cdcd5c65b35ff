# The unit's process: stamped before each start, started again when it dies, as kafka.service has it.
root=$FAKE_ROOT
unit=$root/unit
while :; do
  mkdir -p "$root/run/kafka/started"
  cp "$root/etc/kafka/server.properties" "$root/etc/kafka/manifest" "$root/run/kafka/started/"
  version=$(readlink "$root/opt/kafka/current")
  echo "${version##*kafka-}" >"$root/run/kafka/started/version"
  bash -c "exec $(cat "$unit/command")" >>"$unit/journal" 2>&1 &
  pid=$!
  echo $pid >"$unit/pid"
  wait $pid
  echo "main process exited, status $?" >>"$unit/journal"
  [ -f "$unit/stopping" ] && exit
  sleep 0.2
  echo $(($(cat "$unit/restarts") + 1)) >"$unit/restarts"
done
