#!/bin/sh
# Debian. $2 is the version configured before, "" on the first installation.
set -e
[ "$1" = configure ] || exit 0

systemd-sysusers pickerd.conf
systemd-tmpfiles --create pickerd.conf 2>/dev/null || true # there is no /proc while an image is built
if [ ! -e /etc/pickerd/pickerd.toml ]; then
  pickerd config default >/etc/pickerd/pickerd.toml || rm -f /etc/pickerd/pickerd.toml
fi

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
  if [ -z "$2" ] && ! why=$(pickerd config check /etc/pickerd/pickerd.toml 2>&1 >/dev/null); then
    printf '%s\n' "$why" "The screen says so too. pickerd continues automatically when this is fixed."
  fi
  if systemctl --quiet is-enabled pickerd.service || systemctl --quiet is-active pickerd.service; then
    # A pick continues after a restart. A disabled service is left alone.
    deb-systemd-invoke restart pickerd.service >/dev/null || true
  fi
fi
