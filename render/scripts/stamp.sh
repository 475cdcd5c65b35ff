#!/bin/sh
# Run by kafka.service before each start, as its user: records in /run/kafka/started what the process is
# started with. systemd removes the folder when the service stops.
set -eu
now=/run/kafka/started.new
rm -rf "$now" /run/kafka/started
mkdir -m 0755 "$now"
cp /etc/kafka/server.properties "$now/server.properties"
# The files' sums are taken now: one that was edited by hand is told as it is.
while read -r first rest; do
  case $first in
    bundle) echo "$first $rest" ;;
    *) sha256sum "$rest" 2>/dev/null || echo "missing  $rest" ;;
  esac
done </etc/kafka/manifest >"$now/manifest"
home=$(readlink /opt/kafka/current)
echo "${home##*kafka-}" >"$now/version"
chmod 0644 "$now"/*
mv "$now" /run/kafka/started
