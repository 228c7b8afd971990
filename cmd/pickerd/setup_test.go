package main

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"pickerd/cmd/command"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
)

// TestSetUp starts the whole program with a mistake in its configuration and without a
// client, and corrects one after the other while it runs.
func TestSetUp(t *testing.T) {
	before := setUpInterval
	setUpInterval = 50 * time.Millisecond
	defer func() { setUpInterval = before }()
	auth := oauthtest.New(oauthtest.Options{})
	google := httptest.NewServer(auth)
	defer google.Close()
	dir := t.TempDir()
	notify := listenNotify(t, dir)
	env := map[string]string{
		"PICKERD_GOOGLE_DEVICE_AUTH_URL": google.URL + "/device/code", "PICKERD_GOOGLE_TOKEN_URL": google.URL + "/token",
		"PICKERD_HTTP_LISTEN": "127.0.0.1:0", "CREDENTIALS_DIRECTORY": dir, "NOTIFY_SOCKET": notify.path,
		"STATE_DIRECTORY": filepath.Join(dir, "state"), "RUNTIME_DIRECTORY": dir,
	}
	file := writeFile(t, "pickerd.toml", "name = 'Hall'\n[pairing]\nmethod = ['paste']\n[display]\noutputs = ['http']\n")
	client := filepath.Join(dir, "client_secret.json")
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(client, "{}") // as the unit does
	log, stop := daemon(t, env, "run", "--config", file)
	defer stop()
	<-notify.ready
	// status waits until the box has a state and a problem.
	status := func(state, code string) device.Status {
		t.Helper()
		return untilStatus(t, env, log, state+" "+code, func(s device.Status) bool {
			return string(s.State) == state && (code == "" || s.Problem != nil && s.Problem.Code == code)
		})
	}
	if s := status("setup", "configuration"); s.Name != "Hall" || s.Problem.File != file || s.Problem.Line != 3 || s.Problem.Key != "pairing.method" || !strings.Contains(s.Problem.Message, "pairing.methods?") {
		t.Errorf("%s: %+v", s.Name, s.Problem)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"pick"}, 1, "not set up"},
		{[]string{"items"}, 1, "not set up"},
		{[]string{"run"}, 1, "control"},
		{[]string{"run", "--check", "--config", file}, exitConfig, "pairing.method"},
	} {
		if code, out, errs := try(t, env, tt.args...); code != tt.code || !strings.Contains(out+errs, tt.want) {
			t.Errorf("%v: %d %s%s", tt.args, code, out, errs)
		}
	}
	put(file, "name = 'Hall'\n")
	if s := status("setup", "not_set_up"); !strings.Contains(s.Problem.Remedy, "Desktop app") || !strings.Contains(s.Problem.Remedy, filepath.Join(dir, "desktop_client_secret.json")) {
		t.Errorf("%+v", s.Problem)
	}
	put(client, `{"installed":`) // half of it
	if s := status("setup", "configuration"); s.Problem.File != client || s.Problem.Key != "google.client_file" {
		t.Errorf("%+v", s.Problem)
	}
	if _, err := os.Stat(filepath.Join(dir, "state", "pickerd.db")); err == nil {
		t.Error("there is a database, with which a box counts as set up")
	}
	put(client, fmt.Sprintf(`{"installed":{"client_id":%q,"client_secret":%q}}`, auth.ClientID(), auth.ClientSecret()))
	status("pairing", "")
	// It stays, whatever becomes of the files.
	put(client, "{}")
	put(file, "naem = ")
	time.Sleep(4 * setUpInterval)
	status("pairing", "")
	if code := stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, log)
	}
	if strings.Contains(log.String(), oauthtest.Mark) {
		t.Errorf("a secret is in the log:\n%s", log)
	}
	said := strings.Join(notify.until("STOPPING=1"), "; ")
	if !strings.Contains(said, "STATUS=not set up; This screen is not set up yet.") || !strings.Contains(said, "READY=1; ") {
		t.Errorf("the service manager heard: %s", said)
	}
}

// TestSetUpStops checks that a box that is not set up ends when it is told to.
func TestSetUpStops(t *testing.T) {
	dir := t.TempDir()
	notify := listenNotify(t, dir)
	env := map[string]string{"PICKERD_HTTP_LISTEN": "127.0.0.1:0", "CREDENTIALS_DIRECTORY": dir, "STATE_DIRECTORY": dir, "RUNTIME_DIRECTORY": dir, "NOTIFY_SOCKET": notify.path}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-notify.ready; cancel() }()
	var log syncBuffer
	if code := run(ctx, []string{"run", "--config", writeFile(t, "c.toml", "")}, func(k string) string { return env[k] }, strings.NewReader(""), &log, &log); code != 0 {
		t.Errorf("exit code %d\n%s", code, &log)
	}
	notify.until("STOPPING=1")
}

// TestUsable checks what keeps a box from running, and what the screen says of it.
func TestUsable(t *testing.T) {
	const id = "[google]\nclient_id = 'i'\nclient_secret = 's'\n"
	creds := t.TempDir()
	if err := os.WriteFile(filepath.Join(creds, "state.key"), []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	taken := writeFile(t, "file", "")
	web := writeFile(t, "web.json", `{"web":{"client_id":"i","client_secret":"s"}}`)
	for name, tt := range map[string]struct {
		text, env string
		code, key string // of the problem; "" means usable
		says      string
	}{
		"usable":            {id, "", "", "", ""},
		"no client":         {"", "", device.NotSetUp, "", "not set up"},
		"torn":              {"name = 'x", "", device.BadConfiguration, "", "c.toml:1"},
		"unknown key":       {"mod = 'guest'\n", "", device.BadConfiguration, "mod", "c.toml:1: mod: unknown key"},
		"wrong client":      {"google.client_file = '" + web + "'\n", "", device.BadConfiguration, "google.client_file", "Web application"},
		"page elsewhere":    {id + "[http]\nlisten = '192.0.2.254:1'\n", "", device.BadConfiguration, "http.listen", "cannot assign requested address"},
		"no certificate":    {id + "[http]\ncert_file = '/none.pem'\nkey_file = '/none.pem'\n", "", device.BadConfiguration, "http.cert_file", "none.pem"},
		"state in a file":   {id + "[store]\ndir = '" + taken + "'\n", "", device.BadConfiguration, "store.dir", "not a directory"},
		"state below files": {id + "[store]\ndir = '" + taken + "/x/y'\n", "", device.BadConfiguration, "store.dir", "not a directory"},
		"short key":         {id, creds, device.BadConfiguration, "state.key", "fewer than 32 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			e := env{getenv: func(k string) string {
				return map[string]string{"STATE_DIRECTORY": t.TempDir(), "CREDENTIALS_DIRECTORY": tt.env, "PICKERD_HTTP_LISTEN": map[bool]string{true: "127.0.0.1:0"}[!strings.Contains(tt.text, "listen")]}[k]
			}}
			file := writeFile(t, "c.toml", tt.text)
			_, _, err := e.usable(file)
			if (err != nil) != (tt.code != "") || err != nil && !isConfigError(err) {
				t.Fatalf("%v", err)
			}
			if err == nil {
				return
			}
			p, info := setUpProblem(err, file)
			s := p.Status()
			if s.Code != tt.code || s.Key != tt.key || !strings.Contains(s.Message, tt.says) || strings.Contains(s.Message+s.Remedy, "{") || !p.Operator {
				t.Errorf("%+v", s)
			}
			if info.Client == "" || info.ClientType == "" || info.Config == "" || info.Document == "" {
				t.Errorf("the next step: %+v", info)
			}
		})
	}
}

// TestSetUpProblem checks that errors of no known kind are told, too.
func TestSetUpProblem(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want device.Place
		says string
	}{
		{errors.New("odd"), device.Place{File: defaultConfig}, "/etc/pickerd/pickerd.toml: odd"},
		{command.Hint(errors.Join(&configs.Error{Key: "PICKERD_MODE", Msg: "bad"}, &configs.Error{Key: "x"}), "", exitConfig), device.Place{Key: "PICKERD_MODE"}, "PICKERD_MODE: bad"},
		{&keyError{"http.listen", syscall.EACCES}, device.Place{File: defaultConfig, Key: "http.listen"}, "http.listen: permission denied"},
	} {
		p, info := setUpProblem(tt.err, "")
		if *p.Where != tt.want || !strings.Contains(p.Status().Message, tt.says) || info.Config != defaultConfig {
			t.Errorf("%v: %+v, %s", tt.err, p.Where, p.Status().Message)
		}
	}
}
