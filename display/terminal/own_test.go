package terminal_test

import (
	"bytes"
	"testing"
	"testing/synctest"

	"context"

	"pickerd/display"
	"pickerd/display/terminal"
)

// TestOwn checks that a terminal, which is an output of the box, shows what only such
// outputs may.
func TestOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var pages display.Board[display.Page]
		pages.Set(display.Page{Title: "This box is not set up yet", Viewers: display.Viewers{Own: &display.Own{QR: "http://192.0.2.7/setup/k", Link: "http://192.0.2.7/setup/k", Steps: []string{"Scan"}}}})
		var out bytes.Buffer
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() {
			ended <- terminal.New(terminal.Config{Pages: &pages, Out: &out}).Run(ctx)
		}()
		synctest.Wait()
		cancel()
		<-ended
		for _, want := range []string{"http://192.0.2.7/setup/k", "1. Scan", "█"} {
			if !bytes.Contains(out.Bytes(), []byte(want)) {
				t.Errorf("%q is not on the terminal", want)
			}
		}
	})
}
