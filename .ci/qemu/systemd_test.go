package qemu

import (
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"pickerd/oauthdevice/oauthtest"
)

var cuts = flag.Int("cuts", 3, "how often the plug of the machine with systemd is pulled")

// settings make a box use the simulators and the screen.
const settings = `name = "Lobby %m"
[display]
outputs = ["http", "framebuffer"]
[slideshow]
interval = "20m"
`

// clientFile is a client as the console gives it.
func (h *house) clientFile() string {
	return fmt.Sprintf(`{"installed":{"client_id":%q,"client_secret":%q}}`, h.Auth.ClientID(), h.Auth.ClientSecret())
}

// install does what an integrator does: packages, one file, one credential.
func (h *house) install(m *machine) {
	h.t.Helper()
	said := m.run("dpkg -i /packages/pickerd_*.deb /packages/pickerd-framebuffer_*.deb 2>&1")
	if !strings.Contains(said, "no OAuth client") || !strings.Contains(said, "starts by itself") {
		h.t.Errorf("installing says: %s", said)
	}
	if state := m.run("systemctl is-active pickerd.service || true"); state != "inactive" {
		h.t.Errorf("without a client it is %s", state)
	}
	m.put("/etc/pickerd/pickerd.toml", settings+h.Config())
	// Whatever the seccomp filter forbids ends the daemon here, instead of being
	// an error that may go unseen.
	m.run("mkdir -p /etc/systemd/system/pickerd.service.d")
	m.put("/etc/systemd/system/pickerd.service.d/strict.conf", "[Service]\nSystemCallErrorNumber=kill\n")
	m.run("systemctl daemon-reload")
	m.put("/etc/pickerd/client_secret.json", h.clientFile()) // which starts it
}

// put writes a file in the machine.
func (m *machine) put(path, text string) {
	m.t.Helper()
	escaped := strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\042`, "'", `\047`, "%", "%%").Replace(text)
	m.run("printf '" + escaped + "' > " + path)
}

// property is what systemd says of the service.
func (m *machine) property(name string) string {
	m.t.Helper()
	return m.run("systemctl show --value -p " + name + " pickerd.service")
}

// status is what pickerd says of itself.
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

func (m *machine) shows(what, in string) {
	m.t.Helper()
	m.until(what, func() bool { return strings.Contains(m.code(), in) })
}

func (m *machine) showsPicture(which int) {
	m.t.Helper()
	m.until("the photo is on the screen", func() bool { img, _ := m.picture(); return shows(img, which, false) })
}

// clean waits until no session is left at Google.
func (h *house) clean(m *machine) {
	h.t.Helper()
	m.until("no session is left", func() bool { return len(h.Photos.Open()) == 0 })
}

// TestSystemd lives through a box's life under a real systemd.
func TestSystemd(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	m := h.boot()
	h.install(m)
	m.shows("the pairing code is there", "user_code=")
	m.keep("pairing")
	t.Logf("from power-on over installing to the code: %v", time.Since(m.made).Round(time.Second))

	t.Run("service", func(t *testing.T) {
		m.t = t
		m.until("it is active", func() bool { return m.property("ActiveState") == "active" })
		for name, want := range map[string]string{"SubState": "running", "User": "pickerd", "NRestarts": "0"} {
			if got := m.property(name); got != want {
				t.Errorf("%s is %s, not %s", name, got, want)
			}
		}
		if line := m.property("StatusText"); line != "waiting for somebody to sign in" {
			t.Errorf("the status line is %q", line)
		}
		id := m.run("cat /etc/machine-id")
		if s := m.status(); s.Name != "Lobby "+id[:8] {
			t.Errorf("the box is called %q; its machine ID is %s", s.Name, id)
		}
		if failed := m.run("systemctl --failed --no-legend --plain"); failed != "" {
			t.Errorf("failed units: %s", failed)
		}
		// For a panel's backlight; the group and mode of each file say who may.
		if said := m.run("grep ' /sys/devices ' /proc/$(systemctl show --value -p MainPID pickerd)/mountinfo"); !strings.Contains(said, " rw,") {
			t.Errorf("devices can't be written to: %s", said)
		}
		t.Log(m.run("systemd-analyze security pickerd.service | grep Overall"))
		t.Log("rss kB:", m.run("grep -h VmRSS /proc/$(systemctl show --value -p MainPID pickerd)/status"))
	})
	m.t = t

	if err := h.Approve(); err != nil {
		t.Fatal(err)
	}
	m.shows("the link to choose is there", "/photos/picker/")
	t.Run("restart in the middle of a pick", func(t *testing.T) {
		m.t = t
		before := m.status().Pick.SessionID
		took := m.run("s=$(date +%s%N); systemctl stop pickerd.service 2>/dev/null; e=$(date +%s%N); echo $(( (e-s)/1000000 ))")
		if ms, err := strconv.Atoi(took); err != nil || ms > 5000 {
			t.Errorf("stopping took %s ms", took)
		}
		t.Logf("stopping took %s ms", took)
		m.run("systemctl start pickerd.service")
		m.shows("the link to choose is there again", "/photos/picker/")
		if after := m.status().Pick.SessionID; after != before || after == "" {
			t.Errorf("session %q became %q", before, after)
		}
		if err := h.Choose("picture-0"); err != nil {
			t.Fatal(err)
		}
		m.showsPicture(0)
		h.clean(m)
		m.keep("photo")
	})
	m.t = t

	t.Run("watchdog", func(t *testing.T) {
		m.t = t
		pid := m.property("MainPID")
		m.run("kill -STOP " + pid)
		m.until("the watchdog has started it anew", func() bool {
			p := m.property("MainPID")
			return p != pid && p != "0" && m.property("ActiveState") == "active"
		})
		if why := m.run("journalctl -b -u pickerd.service -g Watchdog --no-pager -o cat | head -n 1"); !strings.Contains(why, "Watchdog timeout") {
			t.Errorf("the journal says %q", why)
		}
		m.showsPicture(0)
	})
	m.t = t

	t.Run("socket activation", func(t *testing.T) {
		m.t = t
		m.run("systemctl stop pickerd.service 2>&1; systemctl start pickerd.socket")
		const get = `exec 3<>/dev/tcp/127.0.0.1/8420; printf "GET /healthz HTTP/1.0\r\n\r\n" >&3; head -n 1 <&3`
		if said := m.run("bash -c '" + get + "'"); !strings.Contains(said, "200") { // which starts the service
			t.Errorf("the page answers %q", said)
		}
		if state := m.property("ActiveState"); state != "active" && state != "activating" {
			t.Errorf("the service is %s", state)
		}
		m.run("systemctl stop pickerd.service pickerd.socket 2>&1; systemctl start pickerd.service")
		m.showsPicture(0)
	})
	m.t = t

	t.Run("sealed credentials", func(t *testing.T) {
		m.t = t
		m.run("systemd-creds encrypt --name=client_secret.json /etc/pickerd/client_secret.json /etc/credstore.encrypted/client_secret.json 2>&1")
		m.run("head -c 32 /dev/urandom | systemd-creds encrypt --name=state.key - /etc/credstore.encrypted/state.key 2>&1")
		m.run("mv /etc/pickerd/client_secret.json /root/")
		m.put("/etc/systemd/system/pickerd.service.d/client.conf", "[Service]\nLoadCredentialEncrypted=client_secret.json:/etc/credstore.encrypted/client_secret.json\n")
		m.run("systemctl daemon-reload; systemctl restart pickerd.service")
		m.until("it is active", func() bool { return m.property("ActiveState") == "active" })
		if left := m.run("ls /var/lib/pickerd/state.key 2>/dev/null || true"); left != "" {
			t.Errorf("the key is still beside the database: %s", left)
		}
		if s := m.run("pickerd status --json"); !strings.Contains(s, "paired_at") {
			t.Errorf("the token did not go over to the other key: %s", s)
		}
	})
	m.t = t

	t.Run("upgrade in the middle of a pick", func(t *testing.T) {
		m.t = t
		m.run("pickerd pick")
		m.shows("the link to choose is there", "/photos/picker/")
		before := m.status().Pick.SessionID
		pid := m.property("MainPID")
		m.run("dpkg -i /packages/next/pickerd_*.deb /packages/next/pickerd-framebuffer_*.deb 2>&1")
		if p := m.property("MainPID"); p == pid {
			t.Error("the old version runs on")
		}
		if v := m.run("pickerd version"); !strings.Contains(v, "99.0.0") {
			t.Errorf("it is version %s", v)
		}
		m.shows("the link to choose is there again", "/photos/picker/")
		if after := m.status().Pick.SessionID; after != before || after == "" {
			t.Errorf("session %q became %q", before, after)
		}
		if err := h.Choose("picture-1"); err != nil {
			t.Fatal(err)
		}
		m.showsPicture(1)
		h.clean(m)
		m.run("mv /root/client_secret.json /etc/pickerd/; rm /etc/systemd/system/pickerd.service.d/client.conf; systemctl daemon-reload; sync; systemctl restart pickerd.service")
		m.showsPicture(1)
	})
	m.t = t

	t.Run("doctor", func(t *testing.T) {
		m.t = t
		said := m.run("pickerd doctor 2>&1; echo code $?")
		if !strings.HasSuffix(said, "code 0") {
			t.Errorf("%s", said)
		}
		t.Log(said)
	})
	m.t = t

	t.Run("power cuts", func(t *testing.T) {
		m.t = t
		for i := range *cuts {
			if err := h.powerCut(m, i); err != nil {
				t.Fatal(err)
			}
			m = h.boot()
			m.t = t
			m.until("it is active", func() bool { return m.property("ActiveState") == "active" })
			s := m.status()
			if !slices.Contains([]string{"showing", "opening", "picking", "fetching"}, s.State) {
				t.Errorf("after a power cut it is %s", s.State)
			}
			m.until("the right screen is there", func() bool {
				if m.status().State == "picking" {
					return strings.Contains(m.code(), "/photos/picker/")
				}
				img, _ := m.picture()
				return shows(img, 0, false) || shows(img, 1, false)
			})
			t.Logf("cut %d: %s, the right screen %v after power-on", i, s.State, time.Since(m.made).Round(time.Second))
			m.until("the pick is over", func() bool {
				s := m.status()
				if s.State == "picking" {
					_ = h.Choose("picture-1") // perhaps it was before the cut
				}
				return s.State == "showing" && s.Sessions.Open+s.Sessions.Pending == 0
			})
			h.clean(m)
		}
	})
	m.t = t

	t.Run("remove, purge", func(t *testing.T) {
		m.t = t
		items := m.status().Library.Items
		m.run("dpkg -r pickerd-framebuffer pickerd 2>&1")
		if left := m.run("ls /var/lib/pickerd /etc/pickerd; systemctl is-active pickerd.service pickerd.path || true"); !strings.Contains(left, "pickerd.db") ||
			!strings.Contains(left, "client_secret.json") || strings.Contains(left, "\nactive") {
			t.Errorf("after removing: %s", left)
		}
		m.run("dpkg -i /packages/next/pickerd_*.deb 2>&1")
		m.until("it is active", func() bool { return m.property("ActiveState") == "active" })
		if n := m.status().Library.Items; n != items || n == 0 {
			t.Errorf("%d photos became %d by removing and installing", items, n)
		}
		h.pageAlone(m)
		m.run("dpkg -P pickerd-framebuffer pickerd 2>&1")
		if left := m.run("ls -d /var/lib/pickerd /etc/pickerd /var/cache/pickerd /etc/systemd/system/multi-user.target.wants/pickerd* 2>/dev/null || true"); left != "" {
			t.Errorf("after purging there is: %s", left)
		}
	})
}

// pageAlone tries the service as it is without the framebuffer's rights, and what
// phones on the local network reach, under the same strict filter.
func (h *house) pageAlone(m *machine) {
	t := m.t
	t.Helper()
	m.put("/etc/pickerd/pickerd.toml", strings.Replace(settings, `, "framebuffer"`, "", 1)+"[pairing]\nmethods = [\"paste\"]\n"+h.Config())
	id, secret := h.Auth.Client(oauthtest.Desktop)
	m.put("/etc/credstore/desktop_client_secret.json", fmt.Sprintf(`{"installed":{"client_id":%q,"client_secret":%q}}`, id, secret))
	m.run("pickerd unpair; systemctl restart pickerd.service")
	link := ""
	m.until("there is a link for phones", func() bool {
		var s struct {
			Pairing struct {
				QR string `json:"qr_uri"`
			}
		}
		if err := json.Unmarshal([]byte(m.run("pickerd status --json")), &s); err != nil {
			t.Fatal(err)
		}
		link = s.Pairing.QR
		return link != ""
	})
	path, ok := strings.CutPrefix(link, "http://10.0.2.15:8420/")
	if !ok {
		t.Errorf("the link is %s", link)
	}
	if said := m.run(`bash -c 'exec 3<>/dev/tcp/10.0.2.15/8420; printf "GET /` + path + ` HTTP/1.0\r\n\r\n" >&3; head -n 1 <&3'`); !strings.Contains(said, "200") {
		t.Errorf("the page for phones answers %q", said)
	}
	if n := m.property("NRestarts"); n != "0" {
		t.Errorf("it was started anew %s times", n)
	}
	t.Log(m.run("systemd-analyze security pickerd.service | grep Overall"))
}

// powerCut pulls the plug at a random moment of a new pick.
func (h *house) powerCut(m *machine, i int) error {
	m.run("pickerd pick")
	if i%2 == 1 { // some of them after Done
		m.until("a session is open", func() bool { return len(h.Photos.Open()) == 1 })
		if err := h.Choose("picture-" + strconv.Itoa(i/2%2)); err != nil {
			return err
		}
	}
	wait := time.NewTimer(rand.N(2 * time.Second))
	defer wait.Stop()
	<-wait.C
	return m.cut()
}
