package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"pickerd/display"
)

// tabs is twice the number of connections that a browser opens to one host.
const tabs = 12

// TestTabs checks that a photo appears in many tabs of one browser, and the next one
// too: in a current browser, and in one without shared workers whose tabs are hidden
// but for the first.
func TestTabs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, script, hidden string }{
		{"current browser", "", ""},
		{"without shared workers", "delete window.SharedWorker;", `Object.defineProperty(document, "hidden", {get: () => true});`},
		{"without streams in shared workers", `window.SharedWorker = class { port = {postMessage() {}} };`, `Object.defineProperty(document, "hidden", {get: () => true});`},
		{"shared workers are forbidden", `window.SharedWorker = class { constructor() { throw new Error("forbidden") } };`, `Object.defineProperty(document, "hidden", {get: () => true});`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			chromium := newBrowser(t)
			board, url := pageServer(t, "")
			show := func(alt string) {
				board.Set(display.Page{State: "showing", Slide: &display.Slide{Media: []display.Media{{File: "good.png"}}, Alt: alt}})
			}
			show("the first")
			var all []*tab
			for i := range tabs {
				script := tt.script
				if i > 0 {
					script += tt.hidden
				}
				tb := chromium.open(t, 640, 360, "about:blank")
				tb.do("change the browser", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
					_, err := chromedp.Call(ctx, cdppage.AddScriptToEvaluateOnNewDocument, cdppage.AddScriptToEvaluateOnNewDocumentParams{Source: script})
					return err
				}), chromedp.Navigate(url))
				all = append(all, tb)
			}
			for _, tb := range all {
				tb.until(`document.querySelector(".slide.on img.front")?.naturalWidth > 0`)
			}
			began := time.Now()
			show("the next")
			for i, tb := range all {
				tb.until(`document.getElementById("alt").textContent === "the next"`)
				if i == 0 {
					t.Logf("the next photo came after %v", time.Since(began))
				}
			}
			t.Logf("in every tab after %v", time.Since(began))
			// The tab that remains has a stream.
			for _, tb := range all[1:] {
				tb.do("close a tab", chromedp.Navigate("about:blank"))
			}
			show("the last")
			all[0].until(fmt.Sprintf(`document.getElementById("alt").textContent === %q && document.getElementById("offline").hidden`, "the last"))
		})
	}
}
