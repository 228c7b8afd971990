package control

import (
	"strings"
	"syscall"
	"testing"

	"pickerd/device"
)

func TestReset(t *testing.T) {
	r := newRig(t)
	r.board.Set(device.Status{State: device.Showing})
	if s, err := r.client.Reset(t.Context()); err != nil || s.State != device.Showing || r.dev.resets != 1 {
		t.Errorf("%+v, %v, %d orders", s, err, r.dev.resets)
	}
	r.dev.err = &device.StoreError{Err: syscall.EROFS}
	if _, err := r.client.Reset(t.Context()); err == nil || !strings.Contains(err.Error(), "write") {
		t.Errorf("on a read-only disk: %v", err)
	}
	if resp, _ := r.raw(t, "GET", "/v1/reset"); resp.StatusCode != 404 {
		t.Errorf("GET: %d", resp.StatusCode)
	}
}
