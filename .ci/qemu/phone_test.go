package qemu

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// A phone is a browser tab of the size of a phone. It reaches what the laboratory's
// phone reaches through its radio.
type phone struct {
	t   *testing.T
	ctx context.Context
}

// newPhone starts Chromium behind the proxy of a laboratory's phone.
func (l *laboratory) newPhone() *phone {
	l.t.Helper()
	opts := append(slices.Clone(chromedp.DefaultExecAllocatorOptions[:]), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("proxy-server", "http://"+l.proxy),
		chromedp.Flag("proxy-bypass-list", "<-loopback>"),
		chromedp.Flag("ignore-certificate-errors", true), // the gateway's is the test's
		chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
		chromedp.Flag("disable-features", "HttpsUpgrades,HttpsFirstBalancedModeAutoEnable"),
	)
	alloc, cancel := chromedp.NewExecAllocator(l.t.Context(), opts...)
	l.t.Cleanup(cancel)
	ctx, cancel := chromedp.NewContext(alloc)
	l.t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(360, 740)); err != nil {
		l.t.Fatalf("Chromium does not start (apt-get install chromium): %v", err)
	}
	return &phone{l.t, ctx}
}

// maxOpen bounds one attempt to open an address.
const maxOpen = 30 * time.Second

// open opens an address until there is an answer: networks change.
func (p *phone) open(address string) {
	p.t.Helper()
	p.poll("opening "+address, func(ctx context.Context) bool {
		ctx, cancel := context.WithTimeout(ctx, maxOpen)
		defer cancel()
		return chromedp.Do(ctx, chromedp.Navigate(address)) == nil && p.holds(ctx, "!document.body.innerText.includes('proxy') && document.body.innerText.length > 0")
	})
}

// until waits for a JavaScript condition.
func (p *phone) until(condition string) {
	p.t.Helper()
	p.poll("waiting for "+condition, func(ctx context.Context) bool { return p.holds(ctx, condition) })
}

func (p *phone) holds(ctx context.Context, condition string) bool {
	ok, err := chromedp.Run(ctx, chromedp.Evaluate[bool]("!!("+condition+")"))
	return ok && err == nil
}

func (p *phone) poll(what string, ok func(ctx context.Context) bool) {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.ctx, maxWait)
	defer cancel()
	tick := time.NewTicker(maxPoll)
	defer tick.Stop()
	for !ok(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.save("failed")
			text, _ := chromedp.Run(p.ctx, chromedp.Evaluate[string]("location.href + ': ' + document.body.innerText"))
			p.t.Fatalf("timed out %s; the phone shows %s", what, text)
		}
	}
}

// fill gives a field a value, once it is there.
func (p *phone) fill(id, value string) {
	p.t.Helper()
	field := fmt.Sprintf("document.getElementById(%q)", id)
	p.until(field)
	p.until(fmt.Sprintf("(%[1]s.value = %[2]q, %[1]s.value === %[2]q)", field, value))
}

// tap taps an element, once it is there.
func (p *phone) tap(selector string) {
	p.t.Helper()
	element := fmt.Sprintf("document.querySelector(%q)", selector)
	p.until(element)
	p.save(strings.Trim(strings.NewReplacer("#", "", "[", "-", "]", "", "=", "-", `"`, "").Replace(selector), "-"))
	p.until("(" + element + ".click(), true)")
}

// save writes what the phone shows into the folder named by PICTURES, if set.
func (p *phone) save(name string) {
	p.t.Helper()
	dir := os.Getenv("PICTURES")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(p.ctx, chromedp.FullScreenshot(100))
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "phone_"+name+".png"), png, 0o644)
	}
	if err != nil {
		p.t.Log(err)
	}
}
