package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"pickerd/oauthdevice/oauthtest"
	"pickerd/oauthdevice/tokenfile"
)

// running starts a whole daemon that pairs by import, and returns its
// environment and the authorization server.
func running(t *testing.T) (env map[string]string, auth *oauthtest.Server) {
	t.Helper()
	auth = oauthtest.New(oauthtest.Options{})
	google := httptest.NewServer(auth)
	t.Cleanup(google.Close)
	dir := t.TempDir()
	id, secret := auth.Client(oauthtest.Desktop)
	env = map[string]string{
		"PICKERD_PAIRING_METHODS":            "import",
		"PICKERD_GOOGLE_AUTH_URL":            google.URL + "/auth",
		"PICKERD_GOOGLE_TOKEN_URL":           google.URL + "/token",
		"PICKERD_GOOGLE_REVOKE_URL":          google.URL + "/revoke",
		"PICKERD_GOOGLE_PICKER_URL":          google.URL,
		"PICKERD_GOOGLE_DESKTOP_CLIENT_FILE": writeFile(t, "desktop.json", `{"installed":{"client_id":"`+id+`","client_secret":"`+secret+`"}}`),
		"PICKERD_HTTP_LISTEN":                "127.0.0.1:0",
		"STATE_DIRECTORY":                    filepath.Join(dir, "state"),
		"RUNTIME_DIRECTORY":                  dir,
	}
	notify := listenNotify(t, dir)
	env["NOTIFY_SOCKET"] = notify.path
	ctx, cancel := context.WithCancel(t.Context())
	var log syncBuffer
	ended := make(chan int, 1)
	config := writeFile(t, "empty.toml", "")
	go func() {
		ended <- run(ctx, []string{"run", "--config", config}, func(k string) string { return env[k] }, strings.NewReader(""), &log, &log)
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("exit code %d", code)
		}
		if strings.Contains(log.String(), oauthtest.Mark) {
			t.Errorf("a secret is in the log:\n%s", &log)
		}
	})
	<-notify.ready
	return env, auth
}

var printedURL = regexp.MustCompile(`http://\S+/auth\?\S+`)

// authorize runs pickerd authorize, with a person who decides at once.
func authorize(t *testing.T, env map[string]string, auth *oauthtest.Server, decide func(authURL string) (string, error), args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs syncBuffer
	ended := make(chan int, 1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		ended <- run(ctx, append([]string{"authorize", "--no-browser"}, args...), func(k string) string { return env[k] }, strings.NewReader(""), &out, &errs)
	}()
	asked := false
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for {
		select {
		case code := <-ended:
			return code, out.String(), errs.String()
		case <-look.C:
		}
		address := printedURL.FindString(errs.String())
		if address == "" || asked {
			continue
		}
		asked = true
		back, err := decide(address)
		if err != nil {
			t.Fatal(err)
		}
		if back == "" {
			cancel()
			continue
		}
		resp, err := http.Get(back)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
}

func TestAuthorizeAndImport(t *testing.T) {
	env, auth := running(t)
	allow := func(address string) (string, error) { return auth.Allow(address, "person") }
	_, out, _ := try(t, env, "status", "--json")
	var s struct{ Recipient string }
	if err := json.Unmarshal([]byte(out), &s); err != nil || !strings.HasPrefix(s.Recipient, "age1") {
		t.Fatalf("%v %s", err, out)
	}
	file := filepath.Join(t.TempDir(), "token.age")
	code, _, errs := authorize(t, env, auth, allow, "--to", s.Recipient, "--output", file)
	if code != 0 || !strings.Contains(errs, "pickerd import-token "+file) {
		t.Fatalf("%d %s", code, errs)
	}
	st, err := os.Stat(file)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", st, err)
	}
	data, err := os.ReadFile(file)
	if err != nil || bytes.Contains(data, []byte(oauthtest.Mark)) || !tokenfile.Sealed(data) {
		t.Errorf("%v\n%s", err, data)
	}
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"import-token", file}, 0, "Google accepts the token"},
		{[]string{"status"}, 0, "by import"},
		{[]string{"import-token", file}, 1, "pickerd unpair"},
		{[]string{"unpair", "--here", "--everywhere"}, 64, "--here and --everywhere are mutually exclusive"},
		{[]string{"unpair", "--account="}, 64, "--account is empty"},
		{[]string{"unpair", "--account", "nobody"}, 1, "no account is called"},
		{[]string{"pick", "--account="}, 64, "--account is empty"},
		{[]string{"unpair", "--everywhere"}, 0, "Permission revoked at Google."},
		{[]string{"unpair"}, 1, "No account is paired."},
		{[]string{"import-token", file}, 1, "Google does not accept this token"},
		{[]string{"import-token", "/none"}, 1, "/none"},
		{[]string{"import-token"}, 64, "an argument is missing"},
		{[]string{"import-token", writeFile(t, "x", "hello")}, 1, "not a token file"},
		{[]string{"authorize", "--to", s.Recipient, "--output", file}, 1, "already exists"},
		{[]string{"authorize", "--to", "age1nonsense"}, 64, "not a box's recipient"},
		{[]string{"relay-page"}, 0, "Content-Security-Policy"},
	} {
		if code, out, errs := try(t, env, tt.args...); code != tt.code || !strings.Contains(out+errs, tt.want) {
			t.Errorf("%v: %d %s%s", tt.args, code, out, errs)
		}
	}
}

// A token file that is not sealed is taken where nobody else could have read it.
func TestImportPlain(t *testing.T) {
	env, auth := running(t)
	id, secret := auth.Client(oauthtest.Desktop)
	plain := writeFile(t, "token.json", `{"type":"authorized_user","client_id":"`+id+`","client_secret":"`+secret+`","refresh_token":"1//dead-`+oauthtest.Mark+`"}`)
	if err := os.Chmod(plain, 0o644); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := try(t, env, "import-token", plain); code != 1 || !strings.Contains(errs, "others may read it") {
		t.Errorf("%d %s", code, errs)
	}
	if err := os.Chmod(plain, 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := try(t, env, "import-token", plain)
	if code != 1 || !strings.Contains(errs, "invalid_grant") || strings.Contains(out+errs, oauthtest.Mark) {
		t.Errorf("%d %s%s", code, out, errs)
	}
}

func TestAuthorizeRefusals(t *testing.T) {
	env, auth := running(t)
	_, to, err := newRecipient()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "token.age")
	for name, tt := range map[string]struct {
		decide func(string) (string, error)
		want   string
	}{
		"declined": {auth.Decline, "access_denied"},
		"unticked": {func(a string) (string, error) { return auth.Allow(a, "person", oauthtest.PickerScope) }, "was not given"},
		"given up": {func(string) (string, error) { return "", nil }, "nothing was done"},
		"a code of somebody else": {func(a string) (string, error) {
			back, err := auth.Allow(a, "person")
			u, _ := url.Parse(back)
			q := u.Query()
			q.Set("code", "4/another")
			u.RawQuery = q.Encode()
			return u.String(), err
		}, "invalid_grant"},
	} {
		t.Run(name, func(t *testing.T) {
			code, out, errs := authorize(t, env, auth, tt.decide, "--to", to, "--output", file)
			if code != 1 || !strings.Contains(errs, tt.want) || out != "" || strings.Contains(errs, oauthtest.Mark) {
				t.Errorf("%d %s%s", code, out, errs)
			}
			if _, err := os.Stat(file); err == nil {
				t.Error("half a token file is left")
			}
		})
	}
	delete(env, "PICKERD_GOOGLE_DESKTOP_CLIENT_FILE")
	if code, _, errs := try(t, env, "authorize"); code != 64 || !strings.Contains(errs, "Desktop app") {
		t.Errorf("without a client: %d %s", code, errs)
	}
}

func newRecipient() (secret, to string, err error) {
	if secret, err = tokenfile.NewIdentity(); err != nil {
		return "", "", err
	}
	to, err = tokenfile.Recipient(secret)
	return secret, to, err
}
