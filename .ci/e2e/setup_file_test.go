package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSetUpByFile starts a box without a client, with a page that is open all the time:
// an operator makes a mistake, corrects it, and copies the client file.
func TestSetUpByFile(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	dir := t.TempDir()
	b := configured(t, g, dir)
	config, client := filepath.Join(dir, "pickerd.toml"), filepath.Join(dir, "client_secret.json")
	text, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "client_") {
			lines = append(lines, line)
		}
	}
	good := strings.Join(lines, "") + "[setup]\nphone = false\n"
	put := func(path, text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put(config, good)
	put(client, "{}") // as the unit does
	b.env = append(b.env, "CREDENTIALS_DIRECTORY="+dir)
	b.start()
	screen := newBrowser(t).open(t, 1920, 1080, b.screen)
	screen.untilState("setup")
	look := func(name, title string, wants ...string) {
		t.Helper()
		screen.until(fmt.Sprintf("document.getElementById('title').textContent === %q", title))
		words := screen.text("words")
		for _, want := range wants {
			if !strings.Contains(words, want) {
				t.Errorf("%s: %q is not in %q", name, want, words)
			}
		}
		screen.save("setup-" + name)
		screen.checkAccessibility("the page " + name)
	}
	look("operator", "This box is not set up yet", "Desktop app", "desktop_client_secret.json", config, "README.md")
	screen.until("document.getElementById('scan').hidden")
	put(config, "mod = 'guest'\n"+good)
	look("mistake", "This screen needs attention", config+":1: mod: unknown key (did you mean mode?)")
	put(config, good)
	look("corrected", "This box is not set up yet")
	put(client, fmt.Sprintf(`{"installed":{"client_id":%q,"client_secret":%q}}`, g.auth.ClientID(), g.auth.ClientSecret()))
	screen.untilState("pairing")
	if link, _ := screen.scan(); !strings.Contains(link, "user_code=") {
		t.Errorf("QR code %q", link)
	}
	screen.save("setup-pairing")
	b.stop()
}
