package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"pickerd/display"
)

// TestReducedMotion checks that a slide does not move for a viewer who has asked
// the browser for less motion.
func TestReducedMotion(t *testing.T) {
	board, url := pageServer(t, "")
	board.Set(display.Page{State: "showing", Slide: &display.Slide{Media: []display.Media{{File: "good.png"}}}, Style: display.Style{Look: display.Look{Zoom: true, Interval: 10 * time.Second}}})
	tb := newBrowser(t).open(t, 1280, 720, url)
	tb.until("document.querySelector('.slide.on .front')")
	tb.until("document.getAnimations().some(a => a.animationName === 'closer')")
	tb.do("ask for less motion", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	}))
	tb.until("matchMedia('(prefers-reduced-motion: reduce)').matches")
	tb.until("document.getAnimations().length === 0")
}

// TestNoEmptyButton checks that no button is shown before it has a label: the page
// loads again when a guest has gone.
func TestNoEmptyButton(t *testing.T) {
	board, url := pageServer(t, "")
	board.Set(lookPages()["idle"])
	tb := newBrowser(t).open(t, 1280, 720, "about:blank")
	tb.do("watch the buttons", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: `
			addEventListener("DOMContentLoaded", () => {
				window.empty = [...document.querySelectorAll("button")].filter(b => b.checkVisibility() && !b.textContent.trim()).map(b => b.id).join(" ");
			});`})
		return err
	}))
	tb.do("open the page", chromedp.Navigate(url))
	tb.untilState("idle")
	tb.untilVisible("more")
	if empty := evaluated(tb, "window.empty"); empty != "" {
		t.Errorf("shown without a label: %s", empty)
	}
	p := lookPages()["pairing"]
	p.Visit = "another"
	tb.do("mark the page", chromedp.Evaluate[chromedp.Void]("window.before = true"))
	board.Set(p)
	tb.until("!window.before && document.body.dataset.state === 'pairing'")
	if empty := evaluated(tb, "window.empty"); empty != "" {
		t.Errorf("shown without a label after a guest: %s", empty)
	}
}

// evaluated returns the value of a JavaScript expression.
func evaluated(tb *tab, script string) string {
	tb.t.Helper()
	s, err := chromedp.Run(tb.ctx, chromedp.Evaluate[string](script))
	if err != nil {
		tb.t.Fatalf("%s: %v", script, err)
	}
	return s
}
