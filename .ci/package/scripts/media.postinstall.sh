#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then
  # The unit names these groups, which systems without udev may lack.
  systemd-sysusers --inline 'g audio - -' 'g video - -' 'g render - -' >/dev/null 2>&1 || true
  systemctl --system daemon-reload >/dev/null || true
  # pickerd tries each photo once between two starts.
  systemctl --no-block try-restart pickerd.service >/dev/null 2>&1 || true
fi
