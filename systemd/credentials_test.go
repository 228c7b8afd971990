package systemd_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"pickerd/systemd"
)

func TestCredential(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "token")
	if err := os.WriteFile(path, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		dir, name, path, data string
		fails                 bool
	}{
		{dir, "token", path, "secret", false},
		{dir, "other", "", "", false},
		{"", "token", "", "", false},
		{dir, "folder", filepath.Join(dir, "folder"), "", true},
	} {
		getenv := func(key string) string {
			if key == "CREDENTIALS_DIRECTORY" {
				return tt.dir
			}
			return ""
		}
		if got := systemd.CredentialPath(getenv, tt.name); got != tt.path {
			t.Errorf("CredentialPath(%q) = %q, want %q", tt.name, got, tt.path)
		}
		data, err := systemd.Credential(getenv, tt.name)
		if string(data) != tt.data || (err != nil) != tt.fails {
			t.Errorf("Credential(%q) = %q, %v", tt.name, data, err)
		}
		if _, ok := errors.AsType[*fs.PathError](err); tt.fails && !ok {
			t.Errorf("Credential(%q): %v does not wrap the error of reading", tt.name, err)
		}
	}
}

func TestUnderJournal(t *testing.T) {
	for stream, want := range map[string]bool{"": false, "8:1234": true} {
		if got := systemd.UnderJournal(func(string) string { return stream }); got != want {
			t.Errorf("JOURNAL_STREAM=%q: %v, want %v", stream, got, want)
		}
	}
}
