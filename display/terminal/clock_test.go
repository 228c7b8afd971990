package terminal_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"testing/synctest"

	"pickerd/display"
	"pickerd/display/terminal"
	"pickerd/display/words"
)

// TestClock checks that a terminal shows the clock of a page, but not beside a code,
// and its own texts in the language of the page.
func TestClock(t *testing.T) {
	de, err := words.For("de")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		var pages display.Board[display.Page]
		var out bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		pages.Set(display.Page{Device: "Kitchen"})
		go func() {
			ended <- terminal.New(terminal.Config{Pages: &pages, Out: &out, Size: func() (int, int) { return 100, 40 }}).Run(ctx)
		}()
		defer func() { cancel(); <-ended }()
		// shown returns what is written for a page.
		shown := func(p display.Page) string {
			synctest.Wait()
			out.Reset()
			pages.Set(p)
			synctest.Wait()
			return out.String()
		}
		clock := display.TimeOfDay{Clock: "3:42 PM", Date: "Monday 9 March"}
		if got := shown(display.Page{TimeOfDay: clock}); !strings.Contains(got, "3:42 PM Monday 9 March") {
			t.Errorf("no clock: %q", got)
		}
		if got := shown(display.Page{TimeOfDay: clock, QR: "https://g.test/device", Code: "ABCD"}); strings.Contains(got, "3:42") || !strings.Contains(got, words.English().Say("screen.and_enter")) {
			t.Errorf("beside a code: %q", got)
		}
		if got := shown(display.Page{Code: "ABCD", Style: display.Style{Words: de}}); !strings.Contains(got, de.Say("screen.and_enter")) {
			t.Errorf("in German: %q", got)
		}
	})
}
