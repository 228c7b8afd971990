package hooks

import (
	"os"
	"slices"
	"strings"
	"testing"

	"pickerd/device"
)

// secrets are variables of the daemon that no program may see.
var secrets = map[string]string{
	"PICKERD_GOOGLE_CLIENT_SECRET": "GOCSPX-hidden", "PICKERD_HTTP_KEY": "hidden-key", "PICKERD_NAME": "hidden",
	"CREDENTIALS_DIRECTORY": "/run/credentials/hidden", "STATE_DIRECTORY": "/hidden", "NOTIFY_SOCKET": "/hidden", "LISTEN_FDS": "hidden",
	"WATCHDOG_USEC": "hidden", "JOURNAL_STREAM": "hidden", "AWS_SECRET_ACCESS_KEY": "hidden", "https_proxy": "http://hidden@proxy",
}

// TestHookEnvironment checks that a hook gets what a login sets and nothing else of
// the daemon's environment.
func TestHookEnvironment(t *testing.T) {
	for name, value := range secrets {
		t.Setenv(name, value)
	}
	t.Setenv("TZ", "Europe/Berlin")
	t.Setenv("LC_TIME", "de_DE.UTF-8")
	t.Setenv("PICKERD_CONTROL_SOCKET", "/run/pickerd/control.sock")
	r := newRig(t, Config{OnState: []string{"/bin/sh", "-c", "cat /proc/$$/environ | tr '\\0' '\\n' > OUT.new; mv OUT.new OUT"}})
	r.set(device.Opening, 0)
	r.until("it is run", func() bool { return r.text() != "" })
	if got := r.text(); strings.Contains(strings.ToLower(got), "hidden") {
		t.Errorf("the environment of a hook:\n%s", got)
	}
	for _, want := range []string{"TZ=Europe/Berlin\n", "LC_TIME=de_DE.UTF-8\n", "PICKERD_CONTROL_SOCKET=/run/pickerd/control.sock\n", "PATH=" + os.Getenv("PATH") + "\n"} {
		if !strings.Contains(r.text(), want) {
			t.Errorf("no %q in the environment of a hook:\n%s", want, r.text())
		}
	}
}

func TestEnviron(t *testing.T) {
	for name, tt := range map[string]struct{ in, want []string }{
		"nothing":     {nil, []string{defaultPath}},
		"an own path": {[]string{"PATH=/opt/bin", "PATHS=x", "HOME=/"}, []string{"PATH=/opt/bin", "HOME=/"}},
		"odd":         {[]string{"=C:=x", "LC_", "lc_all=x", "HOME", "A=PATH=/x"}, []string{"LC_", "HOME", defaultPath}},
	} {
		if got := Environ(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
	}
}
