package main

import (
	"encoding/json"
	"os"
	"testing"
	"time"

	"pickerd/device/inet"
)

// TestRenewalSilences checks that the next process knows which protocol is silent: a
// guest does not wait for that again.
func TestRenewalSilences(t *testing.T) {
	data, err := json.Marshal(renewalState{PID: os.Getpid(), Silent: []inet.Silence{{Network: "192.168.1.0", Family: "tcp6", Since: time.Now()}}})
	if err != nil {
		t.Fatal(err)
	}
	r := newRenewal(func(name string) string { return map[string]string{renewalVar: string(data)}[name] }, nil)
	if known := r.dialer.Silences(); len(known) != 1 || known[0].Network != "192.168.1.0" || known[0].Family != "tcp6" {
		t.Errorf("%+v of %s", known, data)
	}
}
