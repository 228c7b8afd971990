#!/bin/sh
# $1 is the number of installed versions.
systemd-sysusers pickerd-gateway.conf || :
systemd-tmpfiles --create pickerd-gateway.conf || :
if [ "$1" -eq 1 ]; then
  systemctl --no-reload preset pickerd-gateway.service >/dev/null 2>&1 || :
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || :
  if [ "$1" -gt 1 ]; then
    systemctl try-restart pickerd-gateway.service || :
  fi
fi
