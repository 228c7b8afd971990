#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
  if command -v udevadm >/dev/null; then
    udevadm control --reload >/dev/null 2>&1 || true
    udevadm trigger --subsystem-match=backlight --action=add >/dev/null 2>&1 || true
  fi
  systemctl try-restart pickerd.service >/dev/null 2>&1 || true
  # Without this package the console is free for a login.
  systemctl cat pickerd.service 2>/dev/null | grep -q TTYPath || systemctl --no-block start getty@tty1.service >/dev/null 2>&1 || true
fi
