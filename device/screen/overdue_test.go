package screen

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestOverdueGuestLog counts the lines of a day on which a guest can't be forgotten.
func TestOverdueGuestLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b bytes.Buffer
		r := newRig(func(c *Config) {
			c.ForgetAfter, c.Log = time.Hour, slog.New(slog.NewTextHandler(&b, nil))
			began := time.Now()
			c.LastActivity = func() time.Time { return began }
		})
		r.err = errors.New("input/output error")
		r.run(t, func() {
			time.Sleep(25 * time.Hour)
			synctest.Wait()
			if len(r.asked) < 1000 {
				t.Errorf("tried %d times", len(r.asked))
			}
		})
		if n := strings.Count(b.String(), "guest not forgotten"); n < 23 || n > 25 {
			t.Errorf("%d lines about it in a day", n)
		}
		if n := strings.Count(b.String(), "\n"); n > 26 {
			t.Errorf("%d lines in a day", n)
		}
	})
}
