package e2e

import (
	"image"
	_ "image/jpeg"
	"net/http"
	"net/url"
	"testing"

	"pickerd/device"
)

// TestPicture follows a box by pictures of its screen alone, as a program does: from the
// code, which a phone reads, to a photo.
func TestPicture(t *testing.T) {
	g := newGoogle(t)
	b := configured(t, g, t.TempDir())
	b.env = []string{"PICKERD_MODE=guest"}
	b.start()
	s := b.untilStatus("a code", func(s *device.Status) bool { return s.Pairing != nil })
	m, etag := b.picture("")
	if text, err := decode(t.Context(), m); err != nil || text != s.Pairing.QRURI {
		t.Fatalf("the picture has the code %q, %v; want %q", text, err, s.Pairing.QRURI)
	}
	g.auth.Approve(s.Pairing.UserCode)
	text := ""
	for text == "" || text == s.Pairing.QRURI {
		m, etag = b.picture(etag)
		text, _ = decode(t.Context(), m) // between two codes there is none
	}
	s = b.untilStatus("a session", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.PickerURI != "" })
	if text != s.Pick.PickerURI {
		t.Fatalf("the picture has the code %q, want %q", text, s.Pick.PickerURI)
	}
	if err := g.photos.Choose(s.Pick.SessionID, "sample-sunset"); err != nil {
		t.Fatal(err)
	}
	for mean(m, 0.5)[0] < 2*mean(m, 0.5)[2] { // red is the sunset's color
		m, etag = b.picture(etag)
	}
}

// picture waits for a picture of the screen that is not the one with an ETag.
func (b *box) picture(after string) (m image.Image, etag string) {
	b.t.Helper()
	for {
		resp, err := http.Get(b.screen + "screen.jpg?w=800&h=480&after=" + url.QueryEscape(after))
		if err != nil {
			b.t.Fatal(err)
		}
		defer resp.Body.Close()
		if cache := resp.Header.Get("Cache-Control"); cache != "no-store" {
			b.t.Fatalf("Cache-Control: %s", cache)
		}
		if resp.StatusCode == http.StatusNotModified {
			continue
		}
		if m, _, err = image.Decode(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			b.t.Fatalf("%d, %v", resp.StatusCode, err)
		}
		return m, resp.Header.Get("ETag")
	}
}
