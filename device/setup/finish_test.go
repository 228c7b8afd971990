package setup_test

import (
	"context"
	"net/http/httptest"
	"testing"

	"pickerd/device/setup"
)

// A phone that goes away as it taps Finish does not leave the box half set up.
func TestFinishAlone(t *testing.T) {
	b := newBench(t, func(c *setup.Config) {
		store := c.Commit
		c.Commit = func(ctx context.Context, p setup.Plan) error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return store(ctx, p)
		}
	})
	p, key := b.phone("192.168.1.5"), b.path()
	p.post(key)
	p.post(key+"/box", "name", "x", "language", "en")
	p.post(key+"/signin", "gateway", "photos.test")
	gone, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(gone, "POST", key+"/finish", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.AddCookie(p.cookie)
	b.handle.ServeHTTP(httptest.NewRecorder(), r)
	select {
	case <-b.Finished():
	default:
		t.Error("not finished")
	}
	if len(b.plans) != 1 {
		t.Errorf("%+v", b.plans)
	}
}
