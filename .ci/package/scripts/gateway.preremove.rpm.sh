#!/bin/sh
if [ "$1" -eq 0 ] && [ -d /run/systemd/system ]; then
  systemctl --no-reload disable --now pickerd-gateway-http.socket pickerd-gateway.socket pickerd-gateway.service >/dev/null 2>&1 || :
fi
