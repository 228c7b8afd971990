package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func try(t *testing.T, env map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = run(t.Context(), args, func(k string) string { return env[k] }, &out, &errs)
	return code, out.String(), errs.String()
}

func writeFile(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// minimal is a complete configuration, except for the client.
const minimal = "issuer = 'https://photos.example'\nclients = [{id = 'pickerd'}]\n"

// upstreamClient is a client of minimal.
const upstreamClient = `{"web":{"client_id":"i","client_secret":"top-s3cr3t","redirect_uris":["https://photos.example/callback"]}}`

func TestExitCodes(t *testing.T) {
	client := writeFile(t, "client.json", upstreamClient)
	with := func(file string) string { return minimal + "[upstream]\nclient_file = '" + file + "'\n" }
	for _, tt := range []struct {
		name  string
		args  []string
		code  int
		wants []string // on stderr, or on stdout for code 0
	}{
		{"nothing", nil, 64, []string{"Usage:"}},
		{"help", []string{"help"}, 0, []string{"doctor", "Exit codes"}},
		{"help of a command", []string{"help", "run"}, 0, []string{"Usage: pickerd-gateway run", "--config"}},
		{"typo", []string{"docotr"}, 64, []string{`did you mean "doctor"?`}},
		{"no such flag", []string{"run", "--confg", "x"}, 64, []string{"did you mean --config? See pickerd-gateway run --help"}},
		{"version", []string{"version"}, 0, []string{"pickerd-gateway "}},
		{"default", []string{"config", "default"}, 0, []string{"[upstream]"}},
		{"config alone", []string{"config"}, 64, []string{"check [FILE]"}},
		{"good", []string{"config", "check", writeFile(t, "good.toml", with(client))}, 0, []string{"is valid"}},
		{"no file", []string{"run", "--config", "/none.toml"}, 78, []string{"/none.toml", "hint:"}},
		{"unknown key", []string{"config", "check", writeFile(t, "a.toml", "\nisuer = 'x'\n")}, 78, []string{"a.toml:2", "did you mean issuer?"}},
		{"no client", []string{"run", "--config", writeFile(t, "b.toml", with("/none.json"))}, 78, []string{"no OAuth client", "README"}},
		{"empty client", []string{"run", "--config", writeFile(t, "f.toml", with(writeFile(t, "empty.json", "")))}, 78, []string{"empty.json is empty"}},
		{"placeholder", []string{"run", "--config", writeFile(t, "c.toml", with(writeFile(t, "e.json", "{}")))}, 78, []string{"no OAuth client"}},
		{"client of another type", []string{"run", "--config", writeFile(t, "d.toml", with(writeFile(t, "tv.json", `{"installed":{"client_id":"i","client_secret":"top-s3cr3t"}}`)))}, 78, []string{"Web application"}},
		{"another redirect URI", []string{"run", "--config", writeFile(t, "f.toml", with(writeFile(t, "r.json", strings.Replace(upstreamClient, "/callback", "/other", 1))))}, 78, []string{"https://photos.example/callback is not among"}},
		{"no certificate", []string{"run", "--config", writeFile(t, "g.toml", with(client)+"[store]\nurl = 'bbolt://"+t.TempDir()+"/g.db'\n[tls]\ncert_file = '/none.pem'\nkey_file = '/none.pem'\n")}, 78, []string{"tls.cert_file", "readable"}},
		{"address in use", []string{"run", "--config", writeFile(t, "h.toml", "listen = '192.0.2.1:1'\n"+with(client)+"[store]\nurl = 'bbolt://"+t.TempDir()+"/g.db'\n")}, 1, []string{"the gateway's address"}},
		{"store in a file", []string{"run", "--config", writeFile(t, "i.toml", with(client)+"[store]\nurl = 'bbolt://"+client+"/g.db'\n")}, 78, []string{"store.url", "can write"}},
		{"too long an issuer", []string{"config", "check", writeFile(t, "j.toml", strings.Replace(with(writeFile(t, "w.json", `{"web":{"client_id":"i","client_secret":"top-s3cr3t"}}`)), "photos.example", strings.Repeat("a", 63)+".example", 1))}, 78, []string{"Issuer"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, stdout, stderr := try(t, nil, tt.args...)
			text := stderr
			if tt.code == 0 {
				text = stdout
			}
			if code != tt.code {
				t.Errorf("exit code %d, want %d; %s", code, tt.code, stderr)
			}
			for _, want := range tt.wants {
				if !strings.Contains(text, want) {
					t.Errorf("%q is not in:\n%s", want, text)
				}
			}
			if strings.Contains(stdout+stderr, "top-s3cr3t") {
				t.Errorf("a secret is in the output:\n%s%s", stdout, stderr)
			}
		})
	}
}
