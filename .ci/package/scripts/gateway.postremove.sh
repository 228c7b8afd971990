#!/bin/sh
# Removing keeps the certificates; purging erases them.
set -e
if [ "$1" = purge ]; then
  rm -rf /var/lib/pickerd-gateway
  rm -f /etc/pickerd-gateway/client_secret.json /etc/pickerd-gateway/gateway.toml
  rmdir --ignore-fail-on-non-empty /etc/pickerd-gateway 2>/dev/null || true
  rm -f /etc/systemd/system/sockets.target.wants/pickerd-gateway.socket
  rm -f /etc/systemd/system/pickerd-gateway.socket.wants/pickerd-gateway-http.socket
  if command -v deb-systemd-helper >/dev/null; then
    for unit in pickerd-gateway.service pickerd-gateway.socket pickerd-gateway-http.socket; do
      deb-systemd-helper purge "$unit" >/dev/null || true
      deb-systemd-helper unmask "$unit" >/dev/null || true
    done
  fi
fi
if [ "$1" = remove ] && command -v deb-systemd-helper >/dev/null; then
  deb-systemd-helper mask pickerd-gateway.service >/dev/null || true
fi
if [ -d /run/systemd/system ]; then
  systemctl --system daemon-reload >/dev/null || true
fi
