package e2e

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"

	"pickerd/device"
	"pickerd/device/setup"
	"pickerd/display/words"
)

// A quietRadio is the Wi-Fi of a box that hears one network of each kind. It refuses
// the first password.
type quietRadio struct {
	mu      sync.Mutex
	joined  []device.WiFiNetwork
	proceed chan struct{} // received from before each answer
}

func (r *quietRadio) State() device.WiFi {
	r.mu.Lock()
	defer r.mu.Unlock()
	return device.WiFi{Usable: true, Online: len(r.joined) > 1}
}

func (r *quietRadio) Networks(context.Context) ([]device.WiFiNetwork, error) {
	return []device.WiFiNetwork{{SSID: "Home", Security: device.WPA2, Strength: 90}, {SSID: "Café", Security: device.Open, Strength: 60},
		{SSID: "Office", Security: device.Unsupported, Strength: 30}}, nil
}

func (r *quietRadio) Join(ctx context.Context, n device.WiFiNetwork, _ string) error {
	select {
	case <-r.proceed:
	case <-ctx.Done():
		return ctx.Err()
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.joined = append(r.joined, n); len(r.joined) == 1 {
		return device.ErrWiFiPassword
	}
	return nil
}

// TestSetUpWiFi joins a hidden network from a phone, after a wrong password. It drives
// the pages themselves: TestWiFi in the module qemu has the whole box.
func TestSetUpWiFi(t *testing.T) {
	t.Parallel()
	r := &quietRadio{proceed: make(chan struct{})}
	pages := setup.New(setup.Config{Name: "Hall", Words: words.English(), WiFi: r, Log: slog.New(slog.DiscardHandler)})
	server := httptest.NewServer(pages.Handler())
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- pages.Run(ctx) }()
	defer func() { cancel(); <-ended }()

	phone := newBrowser(t).open(t, phoneWidth, phoneHeight, server.URL+pages.Invitations().Get().Path)
	look := func(what string) {
		t.Helper()
		phone.until("document.documentElement.scrollWidth <= innerWidth")
		phone.save("setup-wifi-" + what)
		phone.checkAccessibility("the Wi-Fi page " + what)
	}
	phone.tap("start")
	phone.until("document.getElementById('zone')")
	phone.tap("go-on")
	for range 2 {
		// The page with the list comes when the box has given up.
		phone.until("document.readyState === 'complete' && (document.querySelectorAll('input[type=radio]').length === 4 || document.getElementById('zone') === null && (window.again ??= setTimeout(() => location.assign('wifi'), 500), false))")
		look("list")
		phone.do("choose another network", chromedp.Evaluate[chromedp.Void](`
			document.querySelector("label.choice:last-child input").click();
			document.getElementById("hidden").value = "Attic";
			document.getElementById("password").value = "a password";`))
		phone.tap("go-on")
		phone.until("document.getElementById('join')")
		look("leave")
		phone.tap("join")
		phone.until("document.getElementById('title').textContent.includes('Joining Attic')")
		look("joining")
		r.proceed <- struct{}{}
	}
	for i := range pages.Invitations().Watch(t.Context()) {
		if !i.Claimed { // the phone comes back with another address, and scans a new code
			break
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, n := range r.joined {
		if !n.Hidden || n.SSID != "Attic" {
			t.Errorf("joined %d: %+v", i, n)
		}
	}
	if len(r.joined) != 2 {
		t.Errorf("joined %d times", len(r.joined))
	}
}
