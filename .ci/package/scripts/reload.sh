#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
  if command -v udevadm >/dev/null; then
    udevadm control --reload >/dev/null 2>&1 || true
    udevadm trigger --subsystem-match=backlight --action=add >/dev/null 2>&1 || true
  fi
  systemctl try-restart pickerd.service >/dev/null 2>&1 || true
fi
