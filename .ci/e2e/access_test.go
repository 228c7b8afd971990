package e2e

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"pickerd/display"
)

// axe returns the source of axe-core, which checks pages against WCAG; "" without
// it.
func axe(t *testing.T) string {
	t.Helper()
	path := os.Getenv("AXE")
	if path == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("AXE must name axe.min.js")
		}
		return ""
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// checkAccessibility checks the page against WCAG 2.2, levels A and AA, and against
// common practice.
func (tb *tab) checkAccessibility(what string) {
	tb.t.Helper()
	script := axe(tb.t)
	if script == "" {
		return
	}
	ctx, cancel := context.WithTimeout(tb.ctx, maxWait)
	defer cancel()
	// Buttons that fade are hard to read.
	const run = `;
		if (typeof away !== "undefined") clearTimeout(away);
		document.getAnimations().forEach(a => { if (a instanceof CSSTransition) a.finish(); });
		axe.run(document, {resultTypes: ["violations"]}).then(r => JSON.stringify(
		{passes: r.passes.length, violations: r.violations.map(v => ({id: v.id, help: v.help, nodes: v.nodes.map(n => n.html + " " + n.failureSummary)}))}))`
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](script+run, chromedp.EvalAwaitPromise))
	if err != nil {
		tb.t.Fatalf("axe-core: %v", err)
	}
	var result struct {
		Passes     int
		Violations []struct {
			ID, Help string
			Nodes    []string
		}
	}
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		tb.t.Fatal(err)
	}
	if result.Passes < 5 {
		tb.t.Errorf("%s: only %d rules applied", what, result.Passes)
	}
	for _, v := range result.Violations {
		tb.t.Errorf("%s: %s (%s):\n  %s", what, v.ID, v.Help, strings.Join(v.Nodes, "\n  "))
	}
}

// TestAccessibility checks every screen of the page.
func TestAccessibility(t *testing.T) {
	t.Parallel()
	if axe(t) == "" {
		t.Skip("set AXE to axe.min.js (npm pack axe-core)")
	}
	chromium := newBrowser(t)
	board, url := pageServer(t, "")
	soon := func(d time.Duration) time.Time { return time.Now().Add(d) }
	link := "https://www.google.com/device"
	slide := &display.Slide{Media: []display.Media{{File: "good.png"}}, Alt: "Photo 1 of 3", Caption: "9 March 2026"}
	code := display.Page{State: "pairing", Device: "Kitchen", Title: "Show your photos on Kitchen", Steps: []string{"Scan the code."}, Hint: "You can disconnect it.",
		QR: link + "?user_code=ABCD-EFGH", Link: link, Code: "ABCD-EFGH", Spoken: "The code is: A, B, C, D", Ends: display.Ends{Until: soon(20 * time.Minute)}, Offers: []display.Offer{{Wish: display.Wish{Verb: display.Renew}, Label: "New code"}}}
	board.Set(code)
	tb := chromium.open(t, 1920, 1080, url)
	tb.scan()
	menu := &display.Menu{Title: "Kitchen", Text: "Some words.", Facts: []display.Fact{{Name: "Address", Value: "http://192.0.2.7/"}},
		Items: []display.MenuItem{{ID: "pick", Label: "Choose photos"}, {ID: "back", Label: "Back"}}, QR: "http://192.0.2.7/remote/x", QRLabel: "Scan for a remote on your phone"}
	keypad := &display.Menu{Title: "Enter the PIN", Facts: []display.Fact{{Name: "PIN", Value: "• • •"}}, Columns: 3, Selected: 4}
	for _, key := range strings.Split("123456789C0O", "") {
		keypad.Items = append(keypad.Items, display.MenuItem{ID: key, Label: key})
	}
	for _, s := range []struct {
		name, seen string
		page       display.Page
	}{
		{"a code", "!document.getElementById('scan').hidden", code},
		{"one moment", "document.getElementById('title').textContent === 'One moment…'", display.Page{State: "opening", Title: "One moment…", Text: "Asking.", Offers: []display.Offer{{Wish: display.Wish{Verb: display.Cancel}, Label: "Cancel"}}}},
		{"trouble", "!document.getElementById('problem').hidden", func() display.Page {
			p := code
			p.Problem, p.Remedy, p.RetryAt = "No internet connection.", "Check the network.", soon(10*time.Minute)
			return p
		}()},
		{"nothing yet", "!document.getElementById('forget').hidden", display.Page{State: "idle", Title: "No photos yet", Account: "Linked to a@example.org", Offers: []display.Offer{{Wish: display.Wish{Verb: display.Pick}, Label: "Choose photos"}, {Wish: display.Wish{Verb: display.AskForget}, Label: "Forget this account"}}}},
		{"photos on their way", "!document.getElementById('progress').hidden", display.Page{State: "fetching", Title: "On their way", Progress: &display.Progress{Done: 3, Total: 12}, Offers: []display.Offer{{Wish: display.Wish{Verb: display.Cancel}, Label: "Stop"}}}},
		{"a photo", "document.querySelector('.slide.on')", display.Page{State: "showing", Slide: slide, TimeOfDay: display.TimeOfDay{Clock: "17:42", Date: "9 March"}, Offers: []display.Offer{{Wish: display.Wish{Verb: display.Pick}, Label: "Choose photos"}, {Wish: display.Wish{Verb: display.AskForget}, Label: "Forget this account"}}, Playing: display.Playing{Paused: "Paused"}}},
		{"a menu", "!document.getElementById('menuscan').hidden && document.activeElement.dataset.id === 'pick'", display.Page{State: "showing", Slide: slide, Offers: []display.Offer{{Wish: display.Wish{Verb: display.Pick}, Label: "Choose photos"}}, Menu: menu}},
		{"a keypad", "document.querySelector('#items.keypad')", display.Page{State: "showing", Slide: slide, Menu: keypad}},
		{"a guest who leaves", "!document.getElementById('stay').hidden", display.Page{State: "showing", Slide: slide, Offers: []display.Offer{{Wish: display.Wish{Verb: display.Pick}, Label: "Choose photos"}, {Wish: display.Wish{Verb: display.Stay}, Label: "I'm still here"}}, Ends: display.Ends{LeavesAt: soon(10 * time.Minute)}}},
	} {
		board.Set(s.page)
		tb.until(s.seen)
		tb.until("(near(), getComputedStyle(document.getElementById('buttons')).opacity === '1')") // as if the mouse moved
		tb.checkAccessibility(s.name)
	}

	// The focus is visible, arrows and OK reach everything, and nothing moves for a
	// person who wants no motion.
	board.Set(display.Page{State: "idle", Title: "No photos yet", Offers: []display.Offer{{Wish: display.Wish{Verb: display.Pick}, Label: "Choose photos"}, {Wish: display.Wish{Verb: display.AskForget}, Label: "Forget this account"}}})
	tb.until("!document.getElementById('forget').hidden && document.getElementById('menu').hidden && document.getElementById('stay').hidden && !document.getElementById('buttons').inert")
	seen := map[string]bool{}
	for range 4 {
		tb.do("right", press("\u0303"))
		id, err := chromedp.Run(tb.ctx, chromedp.Evaluate[string]("document.activeElement.id + ' ' + (parseFloat(getComputedStyle(document.activeElement).outlineWidth) > 2)"))
		if err != nil {
			t.Fatal(err)
		}
		seen[id] = true
	}
	for _, id := range []string{"more", "forget", "pick"} {
		if !seen[id+" true"] {
			t.Errorf("arrows do not reach %s, or its focus is invisible: %v", id, seen)
		}
	}
	if role := attribute(t, tb, "#words", "aria-live"); role != "polite" {
		t.Errorf("aria-live of #words is %q, want polite", role)
	}
	tb.do("no motion", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	}))
	tb.until("[...document.querySelectorAll('*')].every(e => getComputedStyle(e).transitionDuration.split(', ').every(d => d === '0s') && getComputedStyle(e).animationName === 'none')")
}
