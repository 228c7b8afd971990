#!/bin/sh
install -d -m 700 -o pickerd -g pickerd /var/lib/pickerd
echo "To start pickerd at boot: rc-update add pickerd default"
