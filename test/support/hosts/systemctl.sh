#!/bin/bash
# Stands in for systemctl on a fake host: one unit, whose process a supervisor keeps alive.
set -u
root=$FAKE_ROOT
unit=$root/unit
running() { [ -f "$unit/supervisor" ] && kill -0 "$(cat "$unit/supervisor")" 2>/dev/null; }
alive() { [ -f "$unit/pid" ] && kill -0 "$(cat "$unit/pid")" 2>/dev/null; }
stop() {
  running || return 0
  touch "$unit/stopping"
  alive && kill -TERM "$(cat "$unit/pid")"
  # As long as kafka.service has it (TimeoutStopSec); systemd kills what is left then.
  for _ in $(seq 1200); do running || break; sleep 0.05; done
  if running && alive; then kill -KILL "$(cat "$unit/pid")"; sleep 1; fi
  # The numbers may soon be other processes'.
  running || rm -f "$unit/supervisor" "$unit/pid"
  rm -rf "$unit/stopping" "$root/run/kafka"
}
start() {
  running && return 0
  echo 0 >"$unit/restarts"
  rm -f "$unit/pid"
  setsid bash "$unit/supervise.sh" </dev/null >/dev/null 2>&1 9>&- &
  echo $! >"$unit/supervisor"
  for _ in $(seq 100); do [ -f "$unit/pid" ] && break; sleep 0.02; done
}
echo "$*" >>"$unit/calls"
case $1 in
  show)
    case "$*" in
      *NeedDaemonReload*) echo no ;;
      *LoadState*) echo loaded ;;
      *)
        if alive; then active=active sub=running
        elif running; then active=activating sub=auto-restart
        else active=inactive sub=dead; fi
        printf 'ActiveState=%s\nSubState=%s\nMainPID=%s\nNRestarts=%s\n' \
          $active $sub "$(cat "$unit/pid" 2>/dev/null || echo 0)" "$(cat "$unit/restarts" 2>/dev/null || echo 0)"
        ;;
    esac
    ;;
  is-enabled) [ -f "$unit/enabled" ] ;;
  enable) touch "$unit/enabled" ;;
  disable) rm -f "$unit/enabled"; stop ;;
  reset-failed | daemon-reload) ;;
  start | restart)
    if [ -f "$unit/failure" ]; then cat "$unit/failure" >&2; exit 1; fi
    [ "$1" = start ] || stop
    start
    ;;
  *) echo "systemctl $* is not known here" >&2; exit 1 ;;
esac
