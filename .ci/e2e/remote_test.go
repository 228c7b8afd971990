package e2e

import (
	"context"
	"fmt"
	"strings"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// remotePIN is the PIN of boxes whose remote asks for one.
const remotePIN = "480915"

// darken makes a tab prefer dark pages.
func (tb *tab) darken(on bool) {
	tb.t.Helper()
	scheme := map[bool]string{true: "dark", false: "light"}[on]
	tb.do("the "+scheme+" theme", chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		_, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	}))
}

// look checks a page of the remote in both themes.
func (tb *tab) look(what string) {
	tb.t.Helper()
	for _, dark := range []bool{true, false} {
		tb.darken(dark)
		tb.checkAccessibility(what)
		tb.save(fmt.Sprintf("%s-dark-%v", strings.ReplaceAll(what, " ", "-"), dark))
	}
	const small = `[...document.querySelectorAll("button, a, select, input:not([type=hidden])")].filter(e => e.getBoundingClientRect().height < 48).map(e => e.outerHTML).join("\n")`
	tb.until("document.readyState === 'complete'")
	if text, err := chromedp.Run(tb.ctx, chromedp.Evaluate[string](small)); err != nil || text != "" {
		tb.t.Errorf("%s: smaller than 48 px: %s %v", what, text, err)
	}
	if wide, err := chromedp.Run(tb.ctx, chromedp.Evaluate[bool]("document.documentElement.scrollWidth > innerWidth")); err != nil || wide {
		tb.t.Errorf("%s is wider than the phone: %v", what, err)
	}
}

// enterPIN enters a PIN on the page that asks for it.
func (tb *tab) enterPIN(pin string) {
	tb.t.Helper()
	tb.tap("pin")
	tb.do("the PIN", press(pin))
	tb.tap("enter")
}

// useRemotePages goes through the pages of a remote that shows one of three photos:
// thumbnail, PIN, settings, deleting and hiding.
func useRemotePages(phone *tab) {
	phone.t.Helper()
	phone.until("document.querySelector('.thumbnail')?.naturalWidth > 0 && document.querySelector('.thumbnail').naturalWidth <= 480")
	phone.look("the remote")

	phone.tapOn("#settings")
	phone.untilVisible("pin")
	phone.look("the PIN")
	phone.enterPIN("000000")
	phone.until("document.getElementById('said')?.textContent === 'That PIN is not correct.'")
	phone.enterPIN(remotePIN)
	phone.untilVisible("save")
	phone.until("document.getElementById('slideshow.interval').disabled") // the environment sets it
	phone.look("the settings")
	choose := func(setting, value string) {
		phone.t.Helper()
		phone.do(setting, chromedp.Evaluate[chromedp.Void](fmt.Sprintf("document.getElementById(%q).value = %q; undefined", setting, value)))
	}
	choose("slideshow.order", "newest")
	choose("slideshow.clock", "12")
	phone.tapOn("#save")
	phone.until("document.getElementById('said')?.textContent === 'Saved.' && document.getElementById('slideshow.order').value === 'newest'")

	phone.tapOn("#back")
	phone.tapOn("[data-delete]")
	phone.untilVisible("delete")
	phone.look("deleting")
	phone.tapOn("#back")
	phone.tapOn("button[data-wish=hide]")
	phone.until("document.getElementById('now').textContent.endsWith(' of 2')")
	phone.tapOn("button[data-wish=unhide]")
	phone.until("document.getElementById('now').textContent.endsWith(' of 3')")
	phone.tapOn("[data-delete]")
	phone.tapOn("#delete")
	phone.until("document.getElementById('now').textContent.endsWith(' of 2')")
}
