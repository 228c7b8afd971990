package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"

	"pickerd/device"
	"pickerd/device/wifi"
)

// joinErrors are the errors of joining, by the words that the test gets.
var joinErrors = map[string]error{"password": device.ErrWiFiPassword, "gone": device.ErrWiFiGone, "failed": device.ErrWiFiFailed}

// radio works with the radio of this machine as pickerd does, and returns what came of
// it: "list", "join SSID SECURITY PASSWORD", where SECURITY may be followed by
// ",hidden", or "open SSID PASSWORD", which lasts until the process is interrupted.
func radio(words []string) (string, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	within, cancel := context.WithTimeout(ctx, maxWait)
	defer cancel()
	r, err := wifi.Connect(within, wifi.SystemBus, slog.Default())
	if err != nil {
		return "", err
	}
	defer r.Close()
	switch {
	case words[0] == "list":
		list, err := r.Networks(within, true)
		var out strings.Builder
		for _, n := range list {
			fmt.Fprintf(&out, "%s %s\n", n.SSID, n.Security)
		}
		return out.String(), err
	case words[0] == "join" && len(words) == 4:
		security, hidden := strings.CutSuffix(words[2], ",hidden")
		err := r.Join(within, device.WiFiNetwork{SSID: words[1], Security: device.Security(security), Hidden: hidden}, words[3])
		for word, e := range joinErrors {
			if errors.Is(err, e) {
				return word, nil
			}
		}
		return "joined", err
	case words[0] == "open" && len(words) == 3:
		if err := r.Open(within, device.AccessPoint{SSID: words[1], Passphrase: words[2]}); err != nil {
			return "", err
		}
		fmt.Println("open")
		<-ctx.Done()
		return "", nil
	}
	return "", fmt.Errorf("unknown command %q", words)
}
