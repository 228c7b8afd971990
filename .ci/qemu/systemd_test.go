package qemu

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"pickerd/oauthdevice/oauthtest"
)

// settings is the configuration of a box with a page and a screen.
const settings = `name = "Lobby %m"
[display]
outputs = ["http", "framebuffer"]
[slideshow]
interval = "20m"
`

// clientFile returns an OAuth client as the console offers it for download.
func (in *installation) clientFile() string {
	return fmt.Sprintf(`{"installed":{"client_id":%q,"client_secret":%q}}`, in.Auth.ClientID(), in.Auth.ClientSecret())
}

// install installs pickerd as an integrator does: packages, a configuration file
// and a client.
func (in *installation) install(m *machine) {
	in.t.Helper()
	out := m.run("dpkg -i /packages/pickerd_*.deb /packages/pickerd-framebuffer_*.deb 2>&1")
	if !strings.Contains(out, "no OAuth client") || !strings.Contains(out, "continues automatically") {
		in.t.Errorf("dpkg -i printed: %s", out)
	}
	m.until("the box says that it is not set up", func() bool {
		s := m.run("pickerd status --json 2>/dev/null || echo {}")
		return strings.Contains(s, `"setup"`) && strings.Contains(s, `"not_set_up"`)
	})
	if active := m.property("ActiveState"); active != "active" {
		in.t.Errorf("without a client the service is %s", active)
	}
	pid := m.property("MainPID")
	m.put("/etc/pickerd/pickerd.toml", settings+in.Config()) // no restart: nothing is handed over
	// A forbidden system call ends the daemon here. As an error it might pass
	// unnoticed.
	m.run("mkdir -p /etc/systemd/system/pickerd.service.d")
	m.put("/etc/systemd/system/pickerd.service.d/strict.conf", "[Service]\nSystemCallErrorNumber=kill\n")
	m.run("systemctl daemon-reload")
	m.run("systemctl start pickerd-configured.service") // and wait for it
	if now := m.property("MainPID"); now != pid {
		in.t.Errorf("a change of the configuration restarted the service: process %s is %s now", pid, now)
	}
	m.put("/etc/pickerd/client_secret.json", in.clientFile()) // pickerd.path restarts the service
}

// put writes a file in the machine.
func (m *machine) put(path, text string) {
	m.t.Helper()
	escaped := strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\042`, "'", `\047`, "%", "%%").Replace(text)
	m.run("printf -- '" + escaped + "' > " + path)
}

// property returns a property of the service.
func (m *machine) property(name string) string {
	m.t.Helper()
	return m.run("systemctl show --value -p " + name + " pickerd.service")
}

// maxStop is how long the service may take to stop.
const maxStop = 5 * time.Second

// roundTrip returns how long the machine takes for a command that asks systemd
// something. It is a measure of how slow emulation is.
func (m *machine) roundTrip() time.Duration {
	m.t.Helper()
	began := time.Now()
	m.property("Result")
	return time.Since(began)
}

// status returns the box's status.
func (m *machine) status() (s struct {
	State, Name string
	Pick        struct {
		SessionID string `json:"session_id"`
	}
	Sessions struct {
		Open    int
		Pending int `json:"pending_deletion"`
	}
	Library struct{ Items int }
}) {
	m.t.Helper()
	if err := json.Unmarshal([]byte(m.run("pickerd status --json")), &s); err != nil {
		m.t.Fatal(err)
	}
	return s
}

// pairingLink waits until the status has the link of a pairing, and returns it.
func (m *machine) pairingLink(what string) (link string) {
	m.t.Helper()
	m.until(what, func() bool {
		var s struct {
			Pairing struct {
				QR string `json:"qr_uri"`
			}
		}
		if err := json.Unmarshal([]byte(m.run("pickerd status --json 2>/dev/null || echo {}")), &s); err != nil {
			m.t.Fatal(err)
		}
		link = s.Pairing.QR
		return link != ""
	})
	return link
}

// waitForCleanup waits until no session is open at Google.
func (in *installation) waitForCleanup(m *machine) {
	in.t.Helper()
	m.until("no session is open", func() bool { return len(in.Photos.Open()) == 0 })
}

// TestSystemd installs, uses, upgrades and removes a box under systemd, and cuts its
// power.
func TestSystemd(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	m := in.boot()
	in.install(m)
	m.waitForCode("the pairing code is on the screen", "user_code=")
	m.save("pairing")
	t.Logf("power-on, installation and code: %v", time.Since(m.started).Round(time.Second))

	t.Run("service", func(t *testing.T) {
		m.t = t
		m.until("the service is active", func() bool { return m.property("ActiveState") == "active" })
		for name, want := range map[string]string{"SubState": "running", "User": "pickerd", "NRestarts": "0"} {
			if got := m.property(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if line := m.property("StatusText"); line != "waiting for sign-in" {
			t.Errorf("the status line is %q", line)
		}
		id := m.run("cat /etc/machine-id")
		if s := m.status(); s.Name != "Lobby "+id[:8] {
			t.Errorf("name %q, machine ID %s", s.Name, id)
		}
		if failed := m.run("systemctl --failed --no-legend --plain"); failed != "" {
			t.Errorf("failed units: %s", failed)
		}
		// A panel's backlight is a file there, with an owner and a mode that allow it.
		if mount := m.run("grep ' /sys/devices ' /proc/$(systemctl show --value -p MainPID pickerd)/mountinfo"); !strings.Contains(mount, " rw,") {
			t.Errorf("/sys/devices is not writable: %s", mount)
		}
		t.Log(m.run("systemd-analyze security pickerd.service | grep Overall"))
		t.Log("rss kB:", m.run("grep -h VmRSS /proc/$(systemctl show --value -p MainPID pickerd)/status"))
	})
	m.t = t

	if err := in.Approve(); err != nil {
		t.Fatal(err)
	}
	m.waitForCode("the picker link is on the screen", "/photos/picker/")
	t.Run("restart during a pick", func(t *testing.T) {
		m.t = t
		before := m.status().Pick.SessionID
		took := m.run("s=$(date +%s%N); systemctl stop pickerd.service 2>/dev/null; e=$(date +%s%N); echo $(( (e-s)/1000000 ))")
		ms, err := strconv.Atoi(took)
		if limit := max(maxStop, 20*m.roundTrip()); err != nil || time.Duration(ms)*time.Millisecond > limit {
			t.Errorf("stopping took %s ms, limit %v", took, limit)
		}
		t.Logf("stopping took %s ms", took)
		m.run("systemctl start pickerd.service")
		m.waitForCode("the picker link is on the screen again", "/photos/picker/")
		if after := m.status().Pick.SessionID; after != before || after == "" {
			t.Errorf("session %q became %q", before, after)
		}
		if err := in.Choose("picture-0"); err != nil {
			t.Fatal(err)
		}
		m.waitForPicture(0)
		in.waitForCleanup(m)
		m.save("photo")
	})
	m.t = t

	t.Run("watchdog", func(t *testing.T) {
		m.t = t
		pid := m.property("MainPID")
		m.run("kill -STOP " + pid)
		m.until("the watchdog has restarted the service", func() bool {
			p := m.property("MainPID")
			return p != pid && p != "0" && m.property("ActiveState") == "active"
		})
		if why := m.run("journalctl -b -u pickerd.service -g Watchdog --no-pager -o cat | head -n 1"); !strings.Contains(why, "Watchdog timeout") {
			t.Errorf("no watchdog timeout in the journal: %q", why)
		}
		m.waitForPicture(0)
	})
	m.t = t

	t.Run("socket activation", func(t *testing.T) {
		m.t = t
		m.run("systemctl stop pickerd.service 2>&1; systemctl start pickerd.socket")
		const get = `exec 3<>/dev/tcp/127.0.0.1/8420; printf "GET /healthz HTTP/1.0\r\n\r\n" >&3; head -n 1 <&3`
		if line := m.run("bash -c '" + get + "'"); !strings.Contains(line, "200") { // the request starts the service
			t.Errorf("GET /healthz: %q", line)
		}
		if state := m.property("ActiveState"); state != "active" && state != "activating" {
			t.Errorf("the service is %s", state)
		}
		m.run("systemctl stop pickerd.service pickerd.socket 2>&1; systemctl start pickerd.service")
		m.waitForPicture(0)
	})
	m.t = t

	t.Run("sealed credentials", func(t *testing.T) {
		m.t = t
		m.run("systemd-creds encrypt --name=client_secret.json /etc/pickerd/client_secret.json /etc/credstore.encrypted/client_secret.json 2>&1")
		m.run("head -c 32 /dev/urandom | systemd-creds encrypt --name=state.key - /etc/credstore.encrypted/state.key 2>&1")
		m.run("mv /etc/pickerd/client_secret.json /root/")
		m.put("/etc/systemd/system/pickerd.service.d/client.conf", "[Service]\nLoadCredentialEncrypted=client_secret.json:/etc/credstore.encrypted/client_secret.json\n")
		m.run("systemctl daemon-reload; systemctl restart pickerd.service")
		m.until("the service is active", func() bool { return m.property("ActiveState") == "active" })
		if left := m.run("ls /var/lib/pickerd/state.key 2>/dev/null || true"); left != "" {
			t.Errorf("the key is still beside the database: %s", left)
		}
		if s := m.run("pickerd status --json"); !strings.Contains(s, "paired_at") {
			t.Errorf("the token was not sealed again with the new key: %s", s)
		}
	})
	m.t = t

	t.Run("upgrade during a pick", func(t *testing.T) {
		m.t = t
		m.run("pickerd pick")
		m.waitForCode("the picker link is on the screen", "/photos/picker/")
		before := m.status().Pick.SessionID
		pid := m.property("MainPID")
		m.run("dpkg -i /packages/next/pickerd_*.deb /packages/next/pickerd-framebuffer_*.deb 2>&1")
		if p := m.property("MainPID"); p == pid {
			t.Error("the old version still runs")
		}
		if v := m.run("pickerd version"); !strings.Contains(v, "99.0.0") {
			t.Errorf("version %s after the upgrade", v)
		}
		m.waitForCode("the picker link is on the screen again", "/photos/picker/")
		if after := m.status().Pick.SessionID; after != before || after == "" {
			t.Errorf("session %q became %q", before, after)
		}
		if err := in.Choose("picture-1"); err != nil {
			t.Fatal(err)
		}
		m.waitForPicture(1)
		in.waitForCleanup(m)
		m.run("mv /root/client_secret.json /etc/pickerd/; rm /etc/systemd/system/pickerd.service.d/client.conf; systemctl daemon-reload; sync; systemctl restart pickerd.service")
		m.waitForPicture(1)
	})
	m.t = t

	t.Run("doctor", func(t *testing.T) {
		m.t = t
		out := m.run("pickerd doctor 2>&1; echo code $?")
		if !strings.HasSuffix(out, "code 0") {
			t.Errorf("%s", out)
		}
		t.Log(out)
	})
	m.t = t

	t.Run("outside decoder", func(t *testing.T) {
		m.t = t
		in.checkDecoder(m)
		m.waitForPicture(1)
	})
	m.t = t

	t.Run("power cut", func(t *testing.T) {
		m.t = t
		m.run("pickerd pick")
		m.until("a session is open", func() bool { return len(in.Photos.Open()) == 1 })
		if err := in.Choose("picture-0"); err != nil {
			t.Fatal(err)
		}
		if err := m.cutPower(); err != nil {
			t.Fatal(err)
		}
		m = in.boot()
		m.t = t
		m.until("the service is active", func() bool { return m.property("ActiveState") == "active" })
		m.until("a photo is on the screen", func() bool {
			img := m.picture()
			return shows(img, 0, false) || shows(img, 1, false)
		})
		t.Logf("photo %v after power-on", time.Since(m.started).Round(time.Second))
		m.until("the pick is over", func() bool {
			s := m.status()
			return s.State == "showing" && s.Sessions.Open+s.Sessions.Pending == 0
		})
		in.waitForCleanup(m)
	})
	m.t = t

	t.Run("remove, purge", func(t *testing.T) {
		m.t = t
		items := m.status().Library.Items
		m.run("dpkg -r pickerd-framebuffer pickerd 2>&1")
		if left := m.run("ls /var/lib/pickerd /etc/pickerd; systemctl is-active pickerd.service pickerd.path || true"); !strings.Contains(left, "pickerd.db") ||
			!strings.Contains(left, "client_secret.json") || strings.Contains(left, "\nactive") {
			t.Errorf("after dpkg -r: %s", left)
		}
		m.run("dpkg -i /packages/next/pickerd_*.deb 2>&1")
		m.until("the service is active", func() bool { return m.property("ActiveState") == "active" })
		if n := m.status().Library.Items; n != items || n == 0 {
			t.Errorf("%d photos after reinstalling, want %d", n, items)
		}
		in.checkPageAlone(m)
		m.run("dpkg -P pickerd-framebuffer pickerd 2>&1")
		if left := m.run("ls -d /var/lib/pickerd /etc/pickerd /var/cache/pickerd /etc/systemd/system/multi-user.target.wants/pickerd* 2>/dev/null || true"); left != "" {
			t.Errorf("left after dpkg -P: %s", left)
		}
	})
}

// checkPageAlone checks the service without the framebuffer's rights, and the page
// for phones, under the same strict filter.
func (in *installation) checkPageAlone(m *machine) {
	t := m.t
	t.Helper()
	m.put("/etc/pickerd/pickerd.toml", strings.Replace(settings, `, "framebuffer"`, "", 1)+"[pairing]\nmethods = [\"paste\"]\n"+in.Config())
	id, secret := in.Auth.Client(oauthtest.Desktop)
	m.put("/etc/credstore/desktop_client_secret.json", fmt.Sprintf(`{"installed":{"client_id":%q,"client_secret":%q}}`, id, secret))
	m.run("pickerd unpair; systemctl restart pickerd.service")
	link := m.pairingLink("the box offers a link for phones")
	path, ok := strings.CutPrefix(link, "http://10.0.2.15:8420/")
	if !ok {
		t.Errorf("link for phones: %s", link)
	}
	if line := m.run(`bash -c 'exec 3<>/dev/tcp/10.0.2.15/8420; printf "GET /` + path + ` HTTP/1.0\r\n\r\n" >&3; head -n 1 <&3'`); !strings.Contains(line, "200") {
		t.Errorf("page for phones: %q", line)
	}
	if n := m.property("NRestarts"); n != "0" {
		t.Errorf("restarted %s times", n)
	}
	t.Log(m.run("systemd-analyze security pickerd.service | grep Overall"))
}
