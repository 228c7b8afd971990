#!/bin/sh
# /var/lib/pickerd-gateway is kept: rpm has no purge.
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload || :
fi
