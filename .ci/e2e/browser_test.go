// Package e2e tests the pickerd binary end to end: in Chromium, on bad networks and
// disks, and killed at any moment.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// maxWait bounds every wait for an event. It only has to end a test that hangs.
const maxWait = 4 * time.Minute

// A browser is a Chromium process. Its tabs are screens and phones.
type browser struct{ ctx context.Context }

func newBrowser(t *testing.T, more ...chromedp.ExecAllocatorOption) *browser {
	t.Helper()
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]),
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true),
		// Names of a local network, and one from outside.
		chromedp.Flag("host-resolver-rules", "MAP box.local 127.0.0.1, MAP evil.example 127.0.0.1, MAP lobby.example 127.0.0.1"),
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"),
	)
	alloc, cancel := chromedp.NewExecAllocator(t.Context(), append(opts, more...)...)
	t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium does not start (apt-get install chromium): %v", err)
	}
	return &browser{ctx}
}

// A tab is a page that a person looks at.
type tab struct {
	t   *testing.T
	ctx context.Context
}

func (b *browser) open(t *testing.T, width, height int64, url string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(b.ctx)
	t.Cleanup(cancel)
	tb := &tab{t, ctx}
	// The first run ties the tab to its context.
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(width, height)); err != nil {
		t.Fatal(err)
	}
	tb.do("open "+url, chromedp.Navigate(url))
	return tb
}

func (tb *tab) do(what string, steps ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, maxWait)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		tb.save("failed")
		tb.t.Fatalf("%s: %v", what, err)
	}
}

// press presses keys. A key goes down in one event with its text: between two events
// the focus could move, and the text would press another button.
func press(keys string) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		for _, r := range keys {
			events := kb.Encode(r)
			text := ""
			for _, e := range events {
				if e.Type == kb.KeyChar {
					text = e.Text
				}
			}
			for _, e := range events {
				switch e.Type {
				case kb.KeyChar:
					continue
				case kb.KeyDown, input.DispatchKeyEventTypeRawKeyDown:
					if text != "" {
						e.Type, e.Text = input.DispatchKeyEventTypeKeyDown, text
					}
				}
				if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, *e); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// until waits for a JavaScript condition. It polls, because a page that navigates
// ends an evaluation.
func (tb *tab) until(condition string) {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, maxWait)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			tb.save("failed")
			tb.t.Fatalf("timed out waiting for %s: %v; the page says %q", condition, err, tb.says())
		}
	}
}

// says returns the address of the page and the beginning of its text.
func (tb *tab) says() string {
	ctx, cancel := context.WithTimeout(tb.ctx, 10*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string]("location.pathname + ' ' + document.readyState + ' ' + document.body.innerText.slice(0, 500)"))
	if err != nil {
		return err.Error()
	}
	return text
}

// untilVisible waits for an element by its ID, also over a page that leads on to
// another: a wait inside the browser would end with the page it began on.
func (tb *tab) untilVisible(id string) {
	tb.t.Helper()
	tb.until(fmt.Sprintf("document.getElementById(%q) && document.getElementById(%q).checkVisibility()", id, id))
}

func (tb *tab) untilState(s string) {
	tb.t.Helper()
	tb.until(fmt.Sprintf("document.body && document.body.dataset.state === %q", s))
}

func (tb *tab) text(id string) string {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, maxWait)
	defer cancel()
	s, err := chromedp.Run(ctx, chromedp.Evaluate[string](fmt.Sprintf("document.getElementById(%q).textContent", id)))
	if err != nil {
		tb.t.Fatalf("the text of %s: %v", id, err)
	}
	return s
}

func (tb *tab) picture() image.Image {
	tb.t.Helper()
	ctx, cancel := context.WithTimeout(tb.ctx, maxWait)
	defer cancel()
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		tb.t.Fatalf("screenshot: %v", err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		tb.t.Fatalf("screenshot: %v", err)
	}
	return img
}

// save writes a screenshot into the folder named by E2E_OUT, if set.
func (tb *tab) save(name string) {
	dir := os.Getenv("E2E_OUT")
	if dir == "" {
		return
	}
	ctx, cancel := context.WithTimeout(tb.ctx, maxWait)
	defer cancel()
	data, err := chromedp.Run(ctx, chromedp.CaptureScreenshot())
	if err != nil {
		return
	}
	if err := os.MkdirAll(dir, 0o755); err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".png"), data, 0o644)
		if err != nil {
			tb.t.Log(err)
		}
	}
}

// scan decodes the QR code on a screenshot. It returns the text and the code's share
// of the screen's height. It retries while the page changes, as a phone's camera does.
func (tb *tab) scan() (text string, share float64) {
	tb.t.Helper()
	tb.until("!document.getElementById('scan').hidden && document.getElementById('qr').complete && document.getElementById('qr').naturalWidth > 0")
	share, err := chromedp.Run(tb.ctx, chromedp.Evaluate[float64]("document.getElementById('qr').getBoundingClientRect().height / innerHeight"))
	if err != nil {
		tb.t.Fatal(err)
	}
	for deadline := time.Now().Add(maxWait); ; {
		text, err := decode(tb.ctx, tb.picture())
		if err == nil {
			return text, share
		}
		if time.Now().After(deadline) {
			tb.save("undecodable")
			tb.t.Fatalf("the QR code on the screenshot can't be decoded: %v", err)
		}
	}
}

// decode reads a QR code with zbar.
func decode(ctx context.Context, img image.Image) (string, error) {
	var in, out, stderr bytes.Buffer
	if err := png.Encode(&in, img); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, "zbarimg", "--quiet", "--raw", "--nodbus", "-Sdisable", "-Sqrcode.enable", "-")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &in, &out, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("zbarimg (apt-get install zbar-tools): %w: %s", err, stderr.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// mean returns the mean colour of the middle part of a picture.
func mean(img image.Image, part float64) [3]float64 {
	b := img.Bounds()
	dx, dy := int(float64(b.Dx())*(1-part)/2), int(float64(b.Dy())*(1-part)/2)
	var sum [3]float64
	n := 0.0
	for y := b.Min.Y + dy; y < b.Max.Y-dy; y += 3 {
		for x := b.Min.X + dx; x < b.Max.X-dx; x += 3 {
			r, g, bl, _ := img.At(x, y).RGBA()
			sum[0] += float64(r >> 8)
			sum[1] += float64(g >> 8)
			sum[2] += float64(bl >> 8)
			n++
		}
	}
	for i := range sum {
		sum[i] /= n
	}
	return sum
}
