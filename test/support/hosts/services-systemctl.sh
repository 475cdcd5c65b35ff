#!/bin/bash
# Stands in for systemctl where services are brought: units are files in $FAKE_UNITS that say how they are.
# UNIT.will: what a start makes of it, as `ActiveState NRestarts ExecMainStatus`; default `active 0 0`.
set -u
command=$1
shift
echo "$command $*" >>"$FAKE_UNITS/calls"
unit= property= value_only=
while [ $# -gt 0 ]; do
  case $1 in
    -p) property=$2 && shift ;;
    --value) value_only=yes ;;
    -*) ;;
    *) unit=${1%.service} ;;
  esac
  shift
done
[ "$command" != --quiet ] || { command=$(tail -n 1 "$FAKE_UNITS/calls" | cut -d' ' -f2); unit=$(tail -n 1 "$FAKE_UNITS/calls" | sed 's/.* //; s/\.service$//'); }
read -r state restarts status <<<"$(cat "$FAKE_UNITS/$unit.is" 2>/dev/null || echo inactive 0 0)"
case $command in
  show)
    for name in ${property//,/ }; do
      case $name in
        ActiveState) value=$state ;;
        NRestarts) value=$restarts ;;
        ExecMainStatus) value=$status ;;
        LoadState) value=loaded ;;
        NeedDaemonReload) value=no ;;
      esac
      if [ "$value_only" ]; then echo "$value"; else echo "$name=$value"; fi
    done
    ;;
  is-active) [ "$state" = active ] ;;
  is-enabled)
    # As where a package has its units enabled at run time by a generator.
    if [ -f "$FAKE_UNITS/$unit.enabled" ]; then echo enabled; elif [ -f "$FAKE_UNITS/$unit.generated" ]; then echo enabled-runtime; else echo disabled && exit 1; fi
    ;;
  enable) touch "$FAKE_UNITS/$unit.enabled" ;;
  disable) rm -f "$FAKE_UNITS/$unit.enabled" "$FAKE_UNITS/$unit.is" ;;
  stop) rm -f "$FAKE_UNITS/$unit.is" ;;
  restart) cat "$FAKE_UNITS/$unit.will" >"$FAKE_UNITS/$unit.is" 2>/dev/null || echo active 0 0 >"$FAKE_UNITS/$unit.is" ;;
  daemon-reload | reset-failed | unmask) ;;
  *) echo "systemctl $command is not known here" >&2 && exit 1 ;;
esac
