#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
systemd-sysusers pickerd-kiosk.conf
deb-systemd-helper unmask pickerd-kiosk.service >/dev/null || true
if deb-systemd-helper --quiet was-enabled pickerd-kiosk.service; then
  deb-systemd-helper enable pickerd-kiosk.service >/dev/null || true
else
  deb-systemd-helper update-state pickerd-kiosk.service >/dev/null || true
fi
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
  deb-systemd-invoke restart pickerd-kiosk.service >/dev/null || true
fi
