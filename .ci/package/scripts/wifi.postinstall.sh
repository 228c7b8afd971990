#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
  # A socket can't be started while its service runs.
  if systemctl --quiet is-active pickerd.service; then
    systemctl stop pickerd.service >/dev/null 2>&1 || true
    systemctl --no-block start pickerd.service >/dev/null 2>&1 || true
  fi
fi
