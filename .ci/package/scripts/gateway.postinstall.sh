#!/bin/sh
# Debian. $2 is the version configured before, "" on the first installation.
set -e
[ "$1" = configure ] || exit 0

systemd-sysusers pickerd-gateway.conf
systemd-tmpfiles --create pickerd-gateway.conf 2>/dev/null || true # there is no /proc while an image is built
if [ ! -e /etc/pickerd-gateway/gateway.toml ]; then
  pickerd-gateway config default >/etc/pickerd-gateway/gateway.toml || rm -f /etc/pickerd-gateway/gateway.toml
fi

deb-systemd-helper unmask pickerd-gateway.service >/dev/null || true
if deb-systemd-helper --quiet was-enabled pickerd-gateway.service; then
  deb-systemd-helper enable pickerd-gateway.service >/dev/null || true
else
  deb-systemd-helper update-state pickerd-gateway.service >/dev/null || true
fi

if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
  if [ -z "$2" ] && ! why=$(pickerd-gateway config check 2>&1 >/dev/null); then
    printf '%s\n' "$why" "When this is fixed: systemctl restart pickerd-gateway"
  elif systemctl --quiet is-enabled pickerd-gateway.service || systemctl --quiet is-active pickerd-gateway.service; then
    deb-systemd-invoke restart pickerd-gateway.service >/dev/null || true
  fi
fi
