package configs_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pickerd/configs"
)

// TestPIN checks which PINs are accepted, and that an error does not quote one.
func TestPIN(t *testing.T) {
	for pin, good := range map[string]bool{
		"": true, "480915": true, "000000000000": true,
		"48091": false, "0000000000000": false, "48091a": false, "48 0915": false, "٤٨٠٩١٥": false, "-48091": false, "480915\\n": false,
	} {
		file := filepath.Join(t.TempDir(), "pickerd.toml")
		if err := os.WriteFile(file, []byte("[remote]\npin = \""+pin+"\"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := configs.Load(file, func(string) string { return "" })
		switch {
		case good && err != nil:
			t.Errorf("%q: %v", pin, err)
		case !good && (err == nil || !strings.Contains(err.Error(), "remote.pin") || strings.Contains(err.Error(), pin)):
			t.Errorf("%q: %v", pin, err)
		}
	}
}
