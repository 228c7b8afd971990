#!/bin/sh
# Debian.
set -e
[ "$1" = configure ] || exit 0

systemd-sysusers pickerd.conf
systemd-tmpfiles --create pickerd.conf || true

for unit in pickerd.service pickerd.path; do
  deb-systemd-helper unmask "$unit" >/dev/null || true
  if deb-systemd-helper --quiet was-enabled "$unit"; then
    deb-systemd-helper enable "$unit" >/dev/null || true
  else
    deb-systemd-helper update-state "$unit" >/dev/null || true
  fi
done

if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
  deb-systemd-invoke start pickerd.path >/dev/null || true
  if why=$(pickerd config check /etc/pickerd/pickerd.toml 2>&1 >/dev/null); then
    # A pick under way goes on after a restart. Who has disabled it knows why.
    if systemctl --quiet is-enabled pickerd.service || systemctl --quiet is-active pickerd.service; then
      deb-systemd-invoke restart pickerd.service >/dev/null || true
    fi
  else
    printf '%s\n' "$why" "pickerd starts by itself as soon as that is there."
  fi
fi
