package main

import (
	"encoding/hex"
	"fmt"
	"strings"
	"sync"

	"pickerd/display/cec"
)

// A television is the other end of the HDMI cable of the driver vivid, an adapter at
// 0.0.0.0.
type television struct {
	adapter *cec.Adapter
	mu      sync.Mutex
	heard   []string
}

// do executes a command: open, heard (since the last time), or send and a message in hex.
func (tv *television) do(words []string) (string, error) {
	switch words[0] {
	case "open":
		return "ok", tv.open()
	case "heard":
		tv.mu.Lock()
		defer tv.mu.Unlock()
		heard := strings.Join(tv.heard, " ")
		tv.heard = nil
		return heard, nil
	case "send":
		m, err := hex.DecodeString(words[1])
		if err != nil {
			return "", err
		}
		return "ok", tv.adapter.Transmit(m)
	}
	return "", fmt.Errorf("unknown command %q", words)
}

func (tv *television) open() error {
	for _, path := range []string{"/dev/cec0", "/dev/cec1"} {
		a, err := cec.Open(path)
		if err != nil {
			return err
		}
		if s, err := a.State(); err != nil || s.Physical != 0 {
			a.Close()
			continue
		}
		if err := a.Claim(cec.TypeTV, "Television"); err != nil {
			return err
		}
		tv.adapter = a
		go tv.listen()
		return nil
	}
	return fmt.Errorf("no adapter is at 0.0.0.0")
}

// listen keeps what is said, and answers whether the television is on.
func (tv *television) listen() {
	for {
		e, err := tv.adapter.Receive()
		if err != nil {
			must(err)
			return
		}
		if len(e.Message) < 2 {
			continue
		}
		tv.mu.Lock()
		tv.heard = append(tv.heard, hex.EncodeToString(e.Message))
		tv.mu.Unlock()
		if e.Message.Op() == cec.GiveDevicePowerStatus {
			must(tv.adapter.Transmit(cec.NewMessage(cec.TV, e.Message.From(), cec.ReportPowerStatus, cec.PowerOn)))
		}
	}
}
