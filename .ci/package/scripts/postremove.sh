#!/bin/sh
# Removing keeps tokens and photos; purging erases them.
set -e
if [ "$1" = purge ]; then
  rm -rf /var/lib/pickerd /var/cache/pickerd
  rm -f /etc/pickerd/*client_secret.json /etc/pickerd/pickerd.toml
  rm -f /etc/systemd/system/sockets.target.wants/pickerd.socket
  rmdir --ignore-fail-on-non-empty /etc/pickerd 2>/dev/null || true
  if command -v deb-systemd-helper >/dev/null; then
    for unit in pickerd.service pickerd.path pickerd.socket; do
      deb-systemd-helper purge "$unit" >/dev/null || true
      deb-systemd-helper unmask "$unit" >/dev/null || true
    done
  fi
fi
if [ "$1" = remove ] && command -v deb-systemd-helper >/dev/null; then
  for unit in pickerd.service pickerd.path; do
    deb-systemd-helper mask "$unit" >/dev/null || true
  done
fi
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
fi
