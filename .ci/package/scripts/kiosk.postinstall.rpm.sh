#!/bin/sh
systemd-sysusers pickerd-kiosk.conf || :
if [ "$1" -eq 1 ]; then
  systemctl --no-reload preset pickerd-kiosk.service >/dev/null 2>&1 || :
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || :
  if [ "$1" -gt 1 ]; then
    systemctl try-restart pickerd-kiosk.service || :
  fi
fi
