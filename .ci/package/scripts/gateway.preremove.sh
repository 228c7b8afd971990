#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop pickerd-gateway-http.socket pickerd-gateway.socket pickerd-gateway.service >/dev/null || true
fi
