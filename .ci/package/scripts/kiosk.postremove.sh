#!/bin/sh
set -e
if command -v deb-systemd-helper >/dev/null; then
  if [ "$1" = remove ]; then
    deb-systemd-helper mask pickerd-kiosk.service >/dev/null || true
  fi
  if [ "$1" = purge ]; then
    deb-systemd-helper purge pickerd-kiosk.service >/dev/null || true
    deb-systemd-helper unmask pickerd-kiosk.service >/dev/null || true
  fi
fi
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
  systemctl --no-block start getty@tty1.service >/dev/null 2>&1 || true
fi
