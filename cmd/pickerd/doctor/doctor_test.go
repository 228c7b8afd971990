package doctor

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// A patient is a box that is well, to be made ill.
type patient struct {
	t        *testing.T
	cfg      Config
	text     string // of the configuration
	root     string
	status   *device.Status
	hangs    bool
	sessions []device.Session
	items    []device.Item
	programs map[string]string // what programs of the system say
	front    func(http.ResponseWriter, *http.Request) bool
	issuer   string // of the gateway's metadata; "" means the right one
}

// metadata returns the metadata of a gateway.
func (p *patient) metadata(host string) map[string]string {
	at := "https://" + host
	m := map[string]string{"issuer": at, "device_authorization_endpoint": at + "/auth/device/code", "token_endpoint": at + "/auth/token"}
	if p.issuer != "" {
		m["issuer"] = p.issuer
	}
	return m
}

// useGateway makes a server the box's gateway.
func (p *patient) useGateway() {
	_, url, _ := strings.Cut(p.text, "device_auth_url = \"")
	url, _, _ = strings.Cut(url, "/auth")
	p.text = strings.Replace(p.text, "[google]\n", fmt.Sprintf("[google]\ngateway = %q\n", url), 1)
}

func (p *patient) Status(ctx context.Context) (*device.Status, error) {
	if p.hangs {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if p.status == nil {
		return nil, errors.New("no pickerd is running there")
	}
	return p.status, nil
}

func (p *patient) Sessions(context.Context) ([]device.Session, error) { return p.sessions, nil }
func (p *patient) Items(context.Context) ([]device.Item, error)       { return p.items, nil }

func newPatient(t *testing.T) *patient {
	t.Helper()
	p := &patient{t: t, root: t.TempDir(), front: func(http.ResponseWriter, *http.Request) bool { return false },
		status:   &device.Status{State: device.Showing, Since: time.Now(), Account: &device.AccountStatus{Method: "device", Email: "person@example.org", PairedAt: time.Now()}, Library: device.Library{Items: 3}, Screen: &device.ScreenStatus{Width: 1920, Height: 1080}},
		programs: map[string]string{"systemctl": "LoadState=loaded\nActiveState=active\nSubState=running\nUnitFileState=enabled\nNRestarts=0\nStatusText=showing photos\n"}}
	auth := oauthtest.New(oauthtest.Options{})
	photos := pickertest.New(pickertest.Options{Check: auth.Check})
	mux := http.NewServeMux()
	mux.Handle("/auth/", http.StripPrefix("/auth", auth))
	mux.HandleFunc("/.well-known/oauth-authorization-server", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(p.metadata(r.Host))
	})
	mux.Handle("/photos/", http.StripPrefix("/photos", photos))
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "pickerd_alive 1") })
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.front(w, r) {
			mux.ServeHTTP(w, r)
		}
	})
	srv := httptest.NewUnstartedServer(handler)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0) // who only looks for a route says nothing
	srv.StartTLS()
	t.Cleanup(srv.Close)
	page := httptest.NewServer(mux)
	t.Cleanup(page.Close)
	p.cfg = Config{Version: "v1", Daemon: p, TLS: srv.Client().Transport.(*http.Transport).TLSClientConfig, Root: p.root,
		Command: func(_ context.Context, name string, args ...string) (string, error) { return p.programs[name], nil },
		Methods: []engine.Method{{Name: "device", ClientID: "id", Secret: "mark-client-secret"}},
		Ask:     func(context.Context) error { return nil }}
	p.text = fmt.Sprintf(`name = "Living room"
[google]
client_id = "id"
client_secret = "mark-client-secret"
device_auth_url = "%[1]s/auth/device/code"
token_url = "%[1]s/auth/token"
revoke_url = "%[1]s/auth/revoke"
picker_url = "%[1]s/photos"
[display]
outputs = ["http", "framebuffer"]
[http]
listen = %[2]q
[store]
dir = "/state"
`, srv.URL, strings.TrimPrefix(page.URL, "http://"))
	for _, d := range []string{"/run/systemd/system", "/dev/dri", "/sys/class/input/event0/device", "/sys/class/drm/card0-HDMI-A-1", "/etc"} {
		if err := os.MkdirAll(p.path(d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(p.path("/state"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.put("/state/pickerd.db", "mark-in-the-database", 0o600)
	p.put("/dev/dri/card0", "", 0o660)
	p.put("/sys/class/input/event0/device/name", "A remote control\n", 0o644)
	p.put("/sys/class/drm/card0-HDMI-A-1/status", "connected\n", 0o644)
	p.put("/etc/os-release", "ID=debian\n", 0o644)
	return p
}

func (p *patient) path(name string) string { return filepath.Join(p.root, name) }

func (p *patient) put(name, text string, mode os.FileMode) {
	p.t.Helper()
	if err := os.WriteFile(p.path(name), []byte(text), mode); err != nil {
		p.t.Fatal(err)
	}
}

func (p *patient) doctor() *Doctor {
	p.t.Helper()
	p.cfg.File = p.path("/etc/pickerd.toml")
	p.put("/etc/pickerd.toml", p.text, 0o600)
	p.cfg.Config, p.cfg.ConfigErr = configs.Load(p.cfg.File, func(string) string { return "" })
	return New(p.cfg)
}

func (p *patient) examine() *Report {
	p.t.Helper()
	return p.doctor().Examine(p.t.Context(), func(string) {})
}

func TestWell(t *testing.T) {
	r := newPatient(t).examine()
	var b bytes.Buffer
	r.Print(&b)
	if !r.OK {
		t.Error("it is said to be ill")
	}
	seen := map[string]bool{}
	for _, f := range r.Findings {
		seen[f.Check] = true
		if f.Result != OK && f.Check != "names" { // the servers here have none
			t.Errorf("%+v", f)
		}
	}
	if len(seen) != 19 {
		t.Errorf("%d checks", len(seen))
	}
	t.Log(b.String())
}

// A box with a gateway is examined at the gateway.
func TestWellGateway(t *testing.T) {
	p := newPatient(t)
	p.useGateway()
	r := p.examine()
	checked := false
	for _, f := range r.Findings {
		if f.Result != OK && f.Check != "names" {
			t.Errorf("%+v", f)
		}
		if f.Check == "endpoints" && strings.Contains(f.Detail, "token_url") {
			t.Errorf("an address that is not used: %+v", f)
		}
		checked = checked || f.Check == "gateway" && strings.Contains(f.Detail, "second code")
	}
	if !checked || !r.OK {
		t.Errorf("findings %+v", r.Findings)
	}
}

// Each illness is found by its check, and explained.
func TestIlls(t *testing.T) {
	shift := func(d time.Duration) func(p *patient) {
		return func(p *patient) {
			p.front = func(w http.ResponseWriter, _ *http.Request) bool {
				w.Header().Set("Date", time.Now().Add(d).UTC().Format(http.TimeFormat))
				w.WriteHeader(http.StatusBadRequest)
				fmt.Fprint(w, `{"error":"invalid_request"}`)
				return true
			}
		}
	}
	systemctl := func(text string) func(p *patient) {
		return func(p *patient) { p.programs["systemctl"] = text }
	}
	unpaired := func(p *patient) {
		p.status.Account, p.status.Library, p.status.State = nil, device.Library{}, device.Pairing
	}
	for name, tt := range map[string]struct {
		make           func(p *patient)
		check          string
		want           Result
		detail, remedy string
	}{
		"unknown key": {func(p *patient) { p.text = "colour = 1\n" }, "configuration", Fail, "unknown key", "config default"},
		"no client":   {func(p *patient) { p.cfg.ClientErr = errors.New("there is no OAuth client"); p.status = nil }, "client", Fail, "no OAuth client", "Google Cloud"},
		"not set up": {func(p *patient) {
			p.cfg.ClientErr = errors.New("there is no OAuth client")
			p.status.State, p.status.Problem = device.SetUp, &device.ProblemStatus{Code: device.NotSetUp, Remedy: "Copy a client file."}
		}, "client", Fail, "not set up yet", "Copy a client file."},
		"client not handed over": {func(p *patient) {
			p.status.State, p.status.Problem = device.SetUp, &device.ProblemStatus{Code: device.NotSetUp}
		}, "client", Fail, "has not got it", "restart"},
		"set-up daemon": {func(p *patient) {
			p.status.State, p.status.Problem = device.SetUp, &device.ProblemStatus{Code: device.BadConfiguration, Message: "A setting.", Remedy: "Correct it."}
		}, "daemon", Fail, "A setting.", "Correct it."},
		"sealed client":    {func(p *patient) { p.cfg.ClientErr = errors.New("there is no OAuth client") }, "client", Skip, "can't be checked", ""},
		"clock ahead":      {shift(-time.Hour), "clock", Fail, "1h0m0s ahead of", "timedatectl"},
		"clock behind":     {shift(40 * 365 * 24 * time.Hour), "clock", Fail, "behind", "timedatectl"},
		"clock slightly":   {shift(2 * time.Minute), "clock", Warn, "behind", "timedatectl"},
		"no names":         {func(p *patient) { p.text = strings.ReplaceAll(p.text, "https://127.0.0.1", "https://nowhere.invalid") }, "names", Fail, "nowhere.invalid", "name server"},
		"no route":         {func(p *patient) { p.text = toNowhere(p.text) }, "route", Fail, "refused", "default route"},
		"another's answer": {func(p *patient) { p.cfg.TLS = &tls.Config{} }, "tls", Fail, "certificate", "captive portal"},
		"not encrypted":    {func(p *patient) { p.text = strings.ReplaceAll(p.text, "https://", "http://") }, "tls", Warn, "not encrypted", "https"},
		"portal page": {func(p *patient) {
			p.front = func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, "<html>Welcome"); return true }
		}, "portal", Fail, "captive portal or a proxy answers", "Sign the box in"},
		"portal redirect": {func(p *patient) {
			p.front = func(w http.ResponseWriter, r *http.Request) bool {
				http.Redirect(w, r, "https://hotel.example/login?token=mark-in-an-address", http.StatusFound)
				return true
			}
		}, "portal", Fail, "redirects to hotel.example", "Sign the box in"},
		"portal with null": {func(p *patient) {
			p.front = func(w http.ResponseWriter, _ *http.Request) bool { fmt.Fprint(w, "null"); return true }
		}, "portal", Fail, "captive portal or a proxy answers", "Sign the box in"},
		"server in trouble": {func(p *patient) {
			p.front = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(503); return true }
		}, "endpoints", Warn, "HTTP 503", "retries"},
		"wrong address": {func(p *patient) { p.text = strings.ReplaceAll(p.text, "/auth/revoke", "/nothing") }, "endpoints", Fail, "revoke_url", "google.revoke_url"},
		"scope refused": {func(p *patient) {
			unpaired(p)
			p.status.Refused = []device.RefusedMethod{{Method: "device", Error: "invalid_scope"}}
		}, "scope", Fail, "invalid_scope", "another pairing method"},
		"scope refused, no daemon": {func(p *patient) {
			p.status = nil
			p.cfg.Ask = func(context.Context) error {
				return &oauthdevice.Error{Op: "device authorization", HTTPStatus: 400, Code: oauthdevice.InvalidScope}
			}
		}, "scope", Fail, "invalid_scope", "another pairing method"},
		"wrong client": {func(p *patient) {
			p.status = nil
			p.cfg.Ask = func(context.Context) error {
				return &oauthdevice.Error{Op: "device authorization", HTTPStatus: 401, Code: oauthdevice.InvalidClient}
			}
		}, "scope", Fail, "invalid_client", "TVs and Limited"},
		"gateway of another name": {func(p *patient) { p.useGateway(); p.issuer = "https://gate.test" }, "gateway", Fail, "https://gate.test", "letter for letter"},
		"gateway in trouble": {func(p *patient) {
			p.useGateway()
			p.front = func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasPrefix(r.URL.Path, "/.well-known/") {
					return false
				}
				w.WriteHeader(503)
				return true
			}
		}, "gateway", Warn, "HTTP 503", "operator of the gateway"},
		"gateway nowhere": {func(p *patient) { p.text = toNowhere(p.text); p.useGateway() }, "gateway", Skip, "can't be reached", ""},
		"gateway that is down": {func(p *patient) {
			p.text = strings.Replace(p.text, "[google]\n", "[google]\ngateway = \"http://127.0.0.1:1\"\n", 1)
		}, "route", Fail, "refused", "This is the gateway. It does not answer."},
		"gateway of guests": {func(p *patient) { p.useGateway(); p.text = "mode = \"guest\"\n" + p.text }, "gateway", OK, "issuer", "of their own"},
		"client unknown at the gateway": {func(p *patient) {
			p.useGateway()
			p.status = nil
			p.cfg.Ask = func(context.Context) error {
				return &oauthdevice.Error{Op: "device authorization", HTTPStatus: 401, Code: oauthdevice.InvalidClient}
			}
		}, "scope", Fail, "invalid_client", "operator of the gateway"},
		"deleted client": {func(p *patient) {
			unpaired(p)
			p.status.Refused = []device.RefusedMethod{{Method: "device", Error: oauthdevice.DeletedClient}}
		}, "scope", Fail, "deleted_client", "Create another one"},
		"disabled client, no daemon": {func(p *patient) {
			p.status = nil
			p.cfg.Ask = func(context.Context) error {
				return &oauthdevice.Error{Op: "device authorization", HTTPStatus: 401, Code: oauthdevice.DisabledClient}
			}
		}, "scope", Fail, "disabled_client", "Create another one"},
		"null for a code, no daemon": {func(p *patient) { p.status, p.cfg.Ask = nil, askNull }, "scope", Warn, "malformed response", "minute"},
		"token with a refused client": {func(p *patient) {
			p.status.Problem = &device.ProblemStatus{Code: "client_refused", Message: "Not accepted.", Remedy: "Check the client."}
		}, "token", Fail, "Not accepted", "Check the client"},
		"token revoked": {func(p *patient) {
			unpaired(p)
			p.status.Problem = &device.ProblemStatus{Code: "grant_revoked", Message: "Ended.", Remedy: "Link it again."}
		}, "token", Fail, "Ended", "Link it again"},
		"client gone": {func(p *patient) {
			unpaired(p)
			p.status.Problem = &device.ProblemStatus{Code: "client_gone", Message: "Gone.", Remedy: "Link it again."}
		}, "token", Fail, "Gone", "Link it again"},
		"reauth required": {func(p *patient) {
			unpaired(p)
			p.status.Problem = &device.ProblemStatus{Code: "reauth_required", Message: "Required.", Remedy: "Link it again."}
		}, "token", Fail, "Required", "Link it again"},
		"api off": {func(p *patient) {
			p.status.Problem = &device.ProblemStatus{Code: "api_disabled", Message: "The Photos Picker API is switched off.", Remedy: "Enable it."}
		}, "picker api", Fail, "switched off", "Enable it"},
		"key lost": {func(p *patient) {
			p.status.Problem = &device.ProblemStatus{Code: "key_lost", Message: "Pair again.", Remedy: "Bring the key back."}
		}, "token", Fail, "Pair again", "key back"},
		"unpaired with photos": {func(p *patient) { p.status.Account = nil }, "token", Warn, "No account is paired", "press OK"},
		"being revoked":        {func(p *patient) { p.status.Outstanding = &device.Outstanding{Revocation: true} }, "token", Warn, "revoked", "as soon as"},
		"open directory": {func(p *patient) {
			if err := os.Chmod(p.path("/state"), 0o755); err != nil {
				t.Error(err)
			}
		}, "state", Warn, "mode 0755", "chmod 700"},
		"open database": {func(p *patient) {
			if err := os.Chmod(p.path("/state/pickerd.db"), 0o644); err != nil {
				t.Error(err)
			}
		}, "state", Fail, "Other users may read", "chmod 600"},
		"damaged before": {func(p *patient) { p.put("/state/pickerd.db.damaged-20260102", "", 0o600) }, "state", Warn, "damaged", "Remove it"},
		"no graphics": {func(p *patient) {
			p.status = nil
			if err := os.RemoveAll(p.path("/dev/dri")); err != nil {
				t.Error(err)
			}
		}, "display", Fail, "Neither", "driver"},
		"unshowable": {func(p *patient) {
			p.status.Screen.Unshowable = &device.Lacking{Count: 5, Names: []string{"IMG_1.HEIC", "IMG_2.HEIC", "x.avif"}}
		}, "display", Warn, "5 photos and videos can't be shown on the screen: IMG_1.HEIC, IMG_2.HEIC, x.avif, …", "pickerd-media"},
		"no screen":      {func(p *patient) { p.status.Screen = &device.ScreenStatus{Error: "permission denied"} }, "display", Fail, "permission denied", "card0-HDMI-A-1 connected"},
		"page elsewhere": {func(p *patient) { p.text = pageNowhere(p.text) }, "display", Fail, "does not answer", "ss -ltnp"},
		"daemon hangs":   {func(p *patient) { p.hangs, p.cfg.Patience = true, 50*time.Millisecond }, "daemon", Fail, "does not answer within", "systemctl"},
		"closed device": {func(p *patient) {
			p.status = nil
			p.programs["systemctl"] += "User=nobody\n"
		}, "display", Fail, "nobody may not open /dev/dri/card0", "pickerd-framebuffer"},
		"somebody else's state": {func(p *patient) { p.programs["systemctl"] += "User=nobody\n" }, "state", Fail, "does not belong to nobody", "chown -R nobody:"},
		"no keys": {func(p *patient) {
			if err := os.RemoveAll(p.path("/sys/class/input")); err != nil {
				t.Error(err)
			}
		}, "input", Warn, "no input device", "remote control"},
		"closed adapter": {func(p *patient) {
			p.put("/dev/cec0", "", 0o660)
			p.programs["systemctl"] += "User=nobody\n"
		}, "cec", Fail, "nobody may not open /dev/cec0", "pickerd-framebuffer"},
		"broken adapter":        {func(p *patient) { p.put("/dev/cec0", "", 0o660) }, "cec", Warn, "/dev/cec0: ", "dmesg"},
		"misconfigured service": {systemctl("LoadState=loaded\nActiveState=failed\nExecMainStatus=78\n"), "service", Fail, "configuration is invalid", "automatically"},
		"torn credential":       {systemctl("LoadState=loaded\nActiveState=activating\nSubState=auto-restart\nExecMainStatus=243\n"), "service", Fail, "credential", "Seal it again"},
		"stopped service":       {systemctl("LoadState=loaded\nActiveState=inactive\nSubState=dead\n"), "service", Fail, "inactive", "systemctl start"},
		"broken unit":           {systemctl("LoadState=bad-setting\n"), "service", Fail, "bad-setting", "systemctl status"},
		"restarting service":    {systemctl("LoadState=loaded\nActiveState=active\nNRestarts=9\n"), "service", Warn, "9 times", "journalctl"},
		"not at boot":           {systemctl("LoadState=loaded\nActiveState=active\nUnitFileState=disabled\n"), "service", Warn, "does not start at boot", "enable"},
		"no broker": {func(p *patient) {
			p.text += "[mqtt]\nurl = \"mqtt://broker.test\"\n"
			p.status.Broker = &device.BrokerStatus{Address: "broker.test:1883", Error: "the broker refuses the user name or password"}
		}, "broker", Warn, "Not connected to broker.test:1883: the broker refuses the user name", "[mqtt]"},
		"broker": {func(p *patient) {
			p.text += "[mqtt]\nurl = \"mqtt://broker.test\"\n"
			p.status.Broker = &device.BrokerStatus{Address: "broker.test:1883", Since: time.Now()}
		}, "broker", OK, "Connected to broker.test:1883 since", ""},
		"no daemon": {func(p *patient) { p.status = nil }, "daemon", Fail, "no pickerd", "systemctl start"},
		"blocked": {func(p *patient) {
			p.status.State, p.status.Problem = device.Blocked, &device.ProblemStatus{Code: "disk", Message: "It does not work.", Remedy: "dmesg"}
		}, "daemon", Fail, "does not work", "dmesg"},
		"trouble": {func(p *patient) {
			p.status.Problem = &device.ProblemStatus{Code: "no_network", Message: "No internet."}
		}, "daemon", Warn, "no_network", ""},
		"leaked session": {func(p *patient) {
			p.sessions = []device.Session{{State: "pending_deletion", CreatedAt: time.Now().Add(-30 * time.Hour)}}
		}, "sessions", Fail, "more than a day", "pickerd sessions"},
		"session to go": {func(p *patient) {
			p.sessions = []device.Session{{State: "pending_deletion", CreatedAt: time.Now()}, {State: "open"}}
		}, "sessions", Warn, "1 picking", "confirms"},
		"open for an age": {func(p *patient) {
			p.sessions = []device.Session{{State: "open", CreatedAt: time.Now().Add(-30 * time.Hour)}}
		}, "sessions", OK, "none left over", ""},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			tt.make(p)
			r := p.examine()
			for _, f := range r.Findings {
				if f.Check == tt.check && f.Result == tt.want && strings.Contains(f.Detail, tt.detail) && strings.Contains(f.Remedy, tt.remedy) {
					if r.OK && tt.want == Fail {
						t.Error("the whole is said to be well")
					}
					return
				}
			}
			var b bytes.Buffer
			r.Print(&b)
			t.Errorf("it was not found:\n%s", b.String())
		})
	}
}

// askNull requests a code from a server that answers null.
func askNull(ctx context.Context) error {
	s := oauthtest.New(oauthtest.Options{})
	s.Fail(oauthtest.OpCode, oauthtest.SendJSON(200, "null"))
	c := oauthdevice.Client{ID: "id", DeviceAuthURL: "http://a.test/device/code", HTTP: &http.Client{Transport: oauthtest.InProcess(s)}}
	_, err := c.Authorize(ctx, "")
	return err
}

// closed is an address that nobody listens at.
func closed() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "127.0.0.1:1"
	}
	defer l.Close()
	return l.Addr().String()
}

// toNowhere leads every server's address to where nobody listens.
func toNowhere(config string) string { return moved(config, closed()) }

func pageNowhere(config string) string {
	before, after, _ := strings.Cut(config, "listen = ")
	_, rest, _ := strings.Cut(after, "\n")
	return before + fmt.Sprintf("listen = %q\n", closed()) + rest
}

// Nothing that is said or written holds a secret, and nothing is changed.
func TestNothingSecret(t *testing.T) {
	p := newPatient(t)
	p.text += "# ya29.mark-access\n"
	p.status.Pairing = &device.PairingStatus{UserCode: "MARK-CODE", VerificationURI: "http://192.168.1.2:8420/pair/marklink", QRURI: "http://192.168.1.2:8420/pair/marklink"}
	p.status.Pick = &device.PickStatus{PickerURI: "https://photos.google.com/picker/mark-link"}
	p.programs["journalctl"] = "token 1//mark-refresh-token GOCSPX-mark-secret AGE-SECRET-KEY-1MARK Authorization: Bearer mark-bearer\n" +
		`{"refresh_token":"mark-json","device_code": "mark-device"}` + "\nclient_secret = \"mark-toml\" code 4/mark-authorization-code\n" +
		"SetCredential=token:mark-credential of two words\nsystemd.set_credential=token:mark-kernel\nHTTPS_PROXY=http://user:mark-proxy@proxy.example:8080 wpa_psk=mark-psk --password=mark-pw\n" +
		"https://x.example/?code=4%2F0mark-code&state=mark-state&key=AIzamark https://lh3.googleusercontent.com/p/mark \"qr_uri\": \"https://as.example/?x=mark\" client_secret = \"mark two words\"\n" +
		"-----BEGIN PRIVATE KEY-----\nmark\n-----END PRIVATE KEY-----\n for person-mark@example.org\nstate from=pairing to=picking\n"
	p.programs["dmesg"] = p.programs["journalctl"]
	before := listing(t, p.root)
	d := p.doctor()
	before[p.cfg.File] = "written by the test"
	r := d.Examine(t.Context(), func(string) {})
	var said, bundle bytes.Buffer
	r.Print(&said)
	if err := json.NewEncoder(&said).Encode(r); err != nil {
		t.Fatal(err)
	}
	if err := d.Bundle(t.Context(), &bundle, r); err != nil {
		t.Fatal(err)
	}
	z, err := gzip.NewReader(&bundle)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		files[h.Name] = string(text)
	}
	for name, text := range files {
		for _, mark := range []string{"mark", "MARK", "person@"} {
			if strings.Contains(text, mark) {
				t.Errorf("%s holds %s: %s", name, mark, text)
			}
		}
	}
	if strings.Contains(said.String(), "mark") {
		t.Errorf("the report says: %s", said.String())
	}
	for name, want := range map[string]string{"journal.txt": "state from=pairing to=picking", "metrics.txt": "pickerd_alive 1", "kernel.txt": "proxy.example:8080", "pickerd.toml": `name = "Living room"`, "doctor.json": `"check": "clock"`, "os-release": "ID=debian", "status.json": `"state": "showing"`} {
		if !strings.Contains(files["pickerd/"+name], want) {
			t.Errorf("%s does not hold %s: %s", name, want, files["pickerd/"+name])
		}
	}
	var status device.Status
	if err := json.Unmarshal([]byte(files["pickerd/status.json"]), &status); err != nil {
		t.Errorf("status.json is no JSON any more: %v\n%s", err, files["pickerd/status.json"])
	}
	after := listing(t, p.root)
	after[p.cfg.File] = "written by the test"
	if len(before) != len(after) {
		t.Errorf("%d files became %d", len(before), len(after))
	}
	for name, text := range after {
		if before[name] != text {
			t.Errorf("%s was changed", name)
		}
	}
}

// listing is every file below a folder, with what is in it and when it changed.
func listing(t *testing.T, root string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		st, err := e.Info()
		if err != nil {
			return err
		}
		out[path] = fmt.Sprint(st.Mode(), st.ModTime(), string(text))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestBundleName(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for box, want := range map[string]string{"Lobby 1": "pickerd-Lobby-1-20260102-030405.tar.gz", "../../etc": "pickerd-etc-20260102-030405.tar.gz", "": "pickerd-box-20260102-030405.tar.gz", "寫真": "pickerd--20260102-030405.tar.gz"} {
		if got := BundleName(box, at); got != want {
			t.Errorf("%q: %s", box, got)
		}
	}
}

// Whatever stands around a secret, it goes.
func FuzzScrub(f *testing.F) {
	f.Add("token: ", " end")
	f.Add("\x00\xff", "\n")
	f.Add(`{"a":"`, `"}`)
	s := newScrubber(nil, []engine.Method{{Secret: "the-client-secret"}})
	f.Fuzz(func(t *testing.T, before, after string) {
		for _, secret := range []string{"the-client-secret", "ya29.a0Secret", "GOCSPX-abcdef", "AGE-SECRET-KEY-1QQQ"} {
			if got := s.Text(before + secret + after); strings.Contains(got, secret) {
				t.Errorf("%q still holds %s", got, secret)
			}
		}
	})
}
