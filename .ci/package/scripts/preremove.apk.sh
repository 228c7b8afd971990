#!/bin/sh
rc-service --ifstarted pickerd stop 2>/dev/null
exit 0
