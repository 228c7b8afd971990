package web

import (
	"encoding/json"
	"image/png"
	"regexp"
	"strings"
	"testing"

	"pickerd/display"
)

// TestManifest checks that a browser can install the page: the manifest has what it
// needs, and its icon is what it says.
func TestManifest(t *testing.T) {
	r := newRig(t)
	for device, name := range map[string]string{"": "pickerd", "Living room": "Living room"} {
		r.pages.Set(display.Page{Style: look, Device: device})
		resp, body := r.get(t, "/manifest.webmanifest")
		if got := resp.Header.Get("Content-Type"); got != "application/manifest+json" {
			t.Errorf("the content type is %q", got)
		}
		var m struct {
			Name, Display, Lang, Dir string
			StartURL                 string `json:"start_url"`
			Icons                    []struct{ Src, Type, Sizes string }
		}
		if err := json.Unmarshal([]byte(body), &m); err != nil {
			t.Fatal(err)
		}
		if m.Name != name || m.Display != "fullscreen" || m.StartURL != "/" || m.Lang != "en" || m.Dir != "ltr" || len(m.Icons) != 1 {
			t.Fatalf("the manifest is %s", body)
		}
		_, file := r.get(t, "/"+m.Icons[0].Src)
		icon, err := png.DecodeConfig(strings.NewReader(file))
		if err != nil || icon.Width != 512 || icon.Height != 512 || m.Icons[0].Sizes != "512x512" || m.Icons[0].Type != "image/png" {
			t.Errorf("the icon is %+v and said to be %+v: %v", icon, m.Icons[0], err)
		}
	}
}

// TestParts checks that every file that the page refers to is served, and that its
// policy lets a browser have them.
func TestParts(t *testing.T) {
	r := newRig(t)
	resp, page := r.get(t, "/")
	if p := resp.Header.Get("Content-Security-Policy"); !strings.Contains(p, "manifest-src 'self'") || !strings.Contains(p, "img-src 'self'") {
		t.Errorf("the policy is %s", p)
	}
	parts := regexp.MustCompile(`(?:src|href)="([^"?]+)`).FindAllStringSubmatch(page, -1)
	if len(parts) < 8 {
		t.Fatalf("the page has the parts %q", parts)
	}
	for _, part := range parts {
		if part[1] == "screen.jpg" {
			continue // Config.Picture
		}
		if resp, _ := r.get(t, "/"+part[1]); resp.StatusCode != 200 {
			t.Errorf("%s: %s", part[1], resp.Status)
		}
	}
}
