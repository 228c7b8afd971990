package qemu

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/jpeg"
	"strings"
)

// captured stands in for a decoder that a file has taken over: it gives the picture only
// if nothing of pickerd can be reached.
const captured = `#!/bin/sh
for f in /var/lib/pickerd/pickerd.db /run/pickerd/control.sock /run/pickerd-media/decoder.sock /etc/pickerd/pickerd.toml; do
if [ -e $f ]; then exit 1; fi
done
for d in /var/lib/pickerd /run/pickerd /etc/pickerd /root; do
if ls $d; then exit 1; fi
done >&2
for f in /etc/x /usr/x /var/lib/x /run/x /tmp/x /var/tmp/x; do
if echo >$f; then exit 1; fi
done
for d in /dev/dri/card0 /dev/fb0 /dev/vda /dev/tty1 /dev/input/event0 /dev/video0; do
if (exec 3<$d); then exit 1; fi
done >&2
if grep -q ens /proc/net/dev; then exit 1; fi
exec cat
`

// checkDecoder installs pickerd-media without the tools, which it does not need here, and
// has a file decoded by the user pickerd.
func (in *installation) checkDecoder(m *machine) {
	t := m.t
	t.Helper()
	const file = "/var/lib/pickerd/photo"
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 16, 8)), nil); err != nil {
		t.Fatal(err)
	}
	m.run("dpkg -i --force-depends /packages/next/pickerd-media_*.deb 2>&1; systemctl restart pickerd.service")
	m.put("/usr/bin/jpegtran", captured)
	m.run("chmod 755 /usr/bin/jpegtran; echo " + base64.StdEncoding.EncodeToString(b.Bytes()) + " | base64 -d >" + file + "; chown pickerd " + file)
	m.run("test -e /var/lib/pickerd/pickerd.db -a -S /run/pickerd/control.sock -a -e /etc/pickerd/pickerd.toml")
	decode := func(user string) string {
		return m.run("runuser -u " + user + " -- /usr/local/bin/agent decode " + file + " 2>&1 || true")
	}
	if got := decode("pickerd"); got != "16 by 8" {
		t.Errorf("the decoder's answer: %s; %s", got, m.run("journalctl --no-pager -n 20 | grep pickerd-media || true"))
	}
	m.run("chmod 755 /var/lib/pickerd; chmod 644 " + file)
	if got := decode("nobody"); !strings.Contains(got, "permission denied") {
		t.Errorf("another user got: %s", got)
	}
	m.run("chmod 700 /var/lib/pickerd; rm " + file)
	t.Log(m.run("systemd-analyze security pickerd-media@x.service | grep Overall"))
	m.run("dpkg -P --force-depends pickerd-media 2>&1; rm /usr/bin/jpegtran; systemctl restart pickerd.service")
	if left := m.run("ls -d /run/pickerd-media/* /usr/libexec/pickerd-media 2>/dev/null || true"); left != "" {
		t.Errorf("left after dpkg -P: %s", left)
	}
}
