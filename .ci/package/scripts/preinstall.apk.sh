#!/bin/sh
addgroup -S pickerd 2>/dev/null
adduser -S -D -H -h /var/lib/pickerd -s /sbin/nologin -G pickerd -g pickerd pickerd 2>/dev/null
exit 0
