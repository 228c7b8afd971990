#!/bin/sh
# $1 is the number of installed versions.
systemd-sysusers pickerd.conf || :
systemd-tmpfiles --create pickerd.conf || :
if [ "$1" -eq 1 ]; then
  systemctl --no-reload preset pickerd.service pickerd.path >/dev/null 2>&1 || :
fi
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || :
  if [ "$1" -gt 1 ]; then
    systemctl try-restart pickerd.service || :
  fi
fi
