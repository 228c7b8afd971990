#!/bin/sh
set -e
case "$1" in
upgrade | 1) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
  systemctl stop pickerd-wifi.socket >/dev/null 2>&1 || true
fi
