package wifi_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/wifi"
)

// A fakeRadio is a radio that does what its test says.
type fakeRadio struct {
	mu        sync.Mutex
	state     wifi.State
	networks  []device.WiFiNetwork
	phones    int
	joinErr   error
	openErr   error
	stateErr  error
	forgetErr error
	open      *device.AccessPoint
	did       []string
	opened    []device.AccessPoint
	changes   chan struct{}
}

func (r *fakeRadio) State(context.Context) (wifi.State, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.state
	s.Access = r.open != nil
	return s, r.stateErr
}

func (r *fakeRadio) Changes() <-chan struct{} { return r.changes }

func (r *fakeRadio) Networks(context.Context, bool) ([]device.WiFiNetwork, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open != nil {
		return nil, errors.New("an access point can't scan")
	}
	return r.networks, nil
}

func (r *fakeRadio) Join(ctx context.Context, n device.WiFiNetwork, _ string) error {
	time.Sleep(10 * time.Second)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.did = append(r.did, "join "+n.SSID)
	if r.joinErr == nil {
		r.state.Connected, r.state.Online, r.state.Known = n.SSID, true, true
	}
	return r.joinErr
}

func (r *fakeRadio) Open(_ context.Context, a device.AccessPoint) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.openErr != nil {
		return r.openErr
	}
	r.open, r.did, r.opened = &a, append(r.did, "open"), append(r.opened, a)
	return nil
}

func (r *fakeRadio) Shut(context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open, r.did = nil, append(r.did, "shut")
	return nil
}

func (r *fakeRadio) Phones(context.Context) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.phones, nil
}

func (r *fakeRadio) Forget(context.Context) error { return r.forgetErr }
func (r *fakeRadio) Close()                       {}

// set changes what the radio knows.
func (r *fakeRadio) set(change func(*fakeRadio)) {
	r.mu.Lock()
	change(r)
	r.mu.Unlock()
	r.changes <- struct{}{}
	synctest.Wait()
}

// A scene is a controller with a fake radio, in a bubble.
type scene struct {
	t *testing.T
	*wifi.Controller
	radio  *fakeRadio
	routed atomic.Bool
	closed atomic.Bool  // the access point may not open
	page   atomic.Value // that a captive portal leads to
	looks  atomic.Int32
}

// run runs a test of a controller in a bubble.
func run(t *testing.T, state wifi.State, test func(*scene)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := &scene{t: t, radio: &fakeRadio{state: state, changes: make(chan struct{}), networks: []device.WiFiNetwork{{SSID: "Home", Security: device.WPA2, Strength: 70}}}}
		s.page.Store("")
		s.Controller = wifi.New(wifi.Config{
			Name:    func() string { return "Living room" },
			Connect: func(context.Context) (wifi.Radio, error) { return s.radio, nil },
			MayOpen: func() bool { return !s.closed.Load() },
			Routed:  s.routed.Load,
			Portal:  func(context.Context) string { s.looks.Add(1); return s.page.Load().(string) },
			Log:     slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- s.Run(ctx) }()
		synctest.Wait()
		test(s)
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
	})
}

// after lets time pass.
func (s *scene) after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// expect checks what the box says, in the words of summary, and what the radio did.
func (s *scene) expect(when, want string, did ...string) {
	s.t.Helper()
	if got := summary(s.WiFi().Get()); got != want {
		s.t.Errorf("%s: %q, want %q", when, got, want)
	}
	s.radio.mu.Lock()
	defer s.radio.mu.Unlock()
	if !slices.Equal(s.radio.did, did) {
		s.t.Errorf("%s: the radio did %q, want %q", when, s.radio.did, did)
	}
}

func summary(w device.WiFi) string {
	text := "offline"
	switch {
	case !w.Usable:
		text = "unusable"
	case w.Online:
		text = "online"
	}
	if w.Connected != "" {
		text += " in " + w.Connected
	}
	if w.Joining != "" {
		text += ", joining " + w.Joining
	}
	if w.Access != nil {
		text += ", access point " + w.Access.SSID
	}
	if w.Joined {
		text += " with a phone"
	}
	if w.Problem != "" {
		text += ", " + w.Problem
	}
	if w.Portal != "" {
		text += " " + w.Portal
	}
	return text
}

// A new box without any network opens an access point, and one that has known networks
// does not: they may come.
func TestAccessPoint(t *testing.T) {
	fresh := wifi.State{Usable: true, Shares: true}
	t.Run("new box", func(t *testing.T) {
		run(t, fresh, func(s *scene) {
			s.after(19 * time.Second)
			s.expect("at boot", "offline")
			s.after(2 * time.Second)
			s.expect("later", "offline, access point Living room setup", "open")
			list, err := s.Networks(s.t.Context())
			if err != nil || len(list) != 1 {
				t.Errorf("networks: %v, %v", list, err)
			}
			s.after(9*time.Minute + 30*time.Second)
			s.Use()
			s.after(9*time.Minute + 30*time.Second)
			s.expect("a phone asked for a page", "offline, access point Living room setup", "open")
			s.radio.set(func(r *fakeRadio) { r.phones = 1 })
			s.after(time.Minute)
			s.expect("it is counted", "offline, access point Living room setup with a phone", "open")
			s.radio.set(func(r *fakeRadio) { r.phones = 0 })
			s.after(11 * time.Minute)
			s.expect("no phone for ten minutes", "offline", "open", "shut")
			s.after(30 * time.Minute)
			s.expect("half an hour later", "offline", "open", "shut")
			s.Press()
			s.after(time.Second)
			s.expect("a key", "offline, access point Living room setup", "open", "shut", "open")
			if a := s.radio.opened; a[0].Passphrase == a[1].Passphrase {
				t.Error("the passphrase is the same")
			}
			s.radio.set(func(r *fakeRadio) { r.phones = 1 })
			s.after(3 * time.Hour)
			s.expect("a phone is there", "offline, access point Living room setup with a phone", "open", "shut", "open")
			s.radio.set(func(r *fakeRadio) { r.phones = 0 })
			s.after(11 * time.Minute)
			s.expect("the phone left", "offline", "open", "shut", "open", "shut")
			s.after(3 * time.Hour)
			s.expect("hours later", "offline", "open", "shut", "open", "shut")
			s.Press()
			s.after(time.Second)
			s.radio.set(func(r *fakeRadio) { r.state.Online = true })
			s.expect("a cable", "online", "open", "shut", "open", "shut", "open", "shut")
		})
	})
	for _, tt := range []struct {
		name   string
		change func(*scene)
		want   string
	}{
		{"radio off", func(s *scene) { s.radio.state.Usable = false }, "unusable"},
		{"radio can't", func(s *scene) { s.radio.state.Shares = false }, "offline"},
		{"still joining", func(s *scene) { s.radio.state.Starting = true }, "offline"},
		{"another route", func(s *scene) { s.routed.Store(true) }, "online"},
		{"cable", func(s *scene) { s.radio.state.Online = true }, "online"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run(t, fresh, func(s *scene) {
				s.radio.set(func(*fakeRadio) { tt.change(s) })
				s.after(5 * time.Minute)
				s.expect("after five minutes", tt.want)
			})
		})
	}
}

// A network that is lost is told at once. The access point opens after a key press or
// an hour.
func TestLost(t *testing.T) {
	home := wifi.State{Usable: true, Shares: true, Online: true, Connected: "Home"}
	lose := func(r *fakeRadio) { r.state.Online, r.state.Connected, r.state.Known = false, "", true }
	t.Run("hour", func(t *testing.T) {
		run(t, home, func(s *scene) {
			s.after(time.Hour)
			s.expect("at home", "online in Home")
			s.radio.set(lose)
			s.expect("lost", "offline, wifi_lost")
			s.after(59 * time.Minute)
			s.expect("before an hour", "offline, wifi_lost")
			s.after(2 * time.Minute)
			s.expect("after an hour", "offline, access point Living room setup, wifi_lost", "open")
			s.after(5 * time.Hour)
			s.expect("nobody came", "offline, wifi_lost", "open", "shut")
			s.radio.set(func(r *fakeRadio) { r.state = home })
			s.expect("back", "online in Home", "open", "shut")
			s.radio.set(lose)
			s.after(61 * time.Minute)
			s.expect("lost again", "offline, access point Living room setup, wifi_lost", "open", "shut", "open")
		})
	})
	t.Run("key", func(t *testing.T) {
		run(t, home, func(s *scene) {
			s.Press() // of no consequence while there is a network
			s.after(time.Second)
			s.radio.set(lose)
			s.after(time.Minute)
			s.expect("lost", "offline, wifi_lost")
			s.Press()
			s.after(time.Second)
			s.expect("a key", "offline, access point Living room setup, wifi_lost", "open")
		})
	})
	t.Run("may not open", func(t *testing.T) {
		run(t, home, func(s *scene) {
			s.closed.Store(true)
			s.radio.set(lose)
			s.Press()
			s.after(2 * time.Hour)
			s.expect("lost", "offline, wifi_lost")
			s.closed.Store(false)
			s.Press()
			s.after(time.Second)
			s.expect("a key later", "offline, access point Living room setup, wifi_lost", "open")
		})
	})
	t.Run("not there at boot", func(t *testing.T) {
		run(t, wifi.State{Usable: true, Shares: true, Known: true, Starting: true}, func(s *scene) {
			s.after(time.Minute)
			s.expect("still looking", "offline")
			s.radio.set(func(r *fakeRadio) { r.state.Starting = false })
			s.expect("not found", "offline, wifi_lost")
		})
	})
	t.Run("access point ended by the system", func(t *testing.T) {
		run(t, wifi.State{Usable: true, Shares: true}, func(s *scene) {
			s.after(40 * time.Second)
			s.radio.set(func(r *fakeRadio) { r.open = nil })
			s.after(30 * time.Second)
			s.expect("ended", "offline", "open")
			s.after(time.Minute)
			s.expect("opens again", "offline, access point Living room setup", "open", "open")
		})
	})
	t.Run("access point fails", func(t *testing.T) {
		run(t, wifi.State{Usable: true, Shares: true}, func(s *scene) {
			s.radio.set(func(r *fakeRadio) { r.openErr = errors.New("no dnsmasq") })
			s.after(50 * time.Second)
			s.expect("failed", "offline")
			s.radio.set(func(r *fakeRadio) { r.openErr = nil })
			s.after(50 * time.Second)
			s.expect("tried again", "offline, access point Living room setup", "open")
		})
	})
}

// Joining ends the access point, which comes back if it fails, for the phone with the
// same passphrase.
func TestJoin(t *testing.T) {
	home := device.WiFiNetwork{SSID: "Home", Security: device.WPA2}
	for _, tt := range []struct {
		err     error
		problem string
	}{
		{fmt.Errorf("wrapped: %w", device.ErrWiFiPassword), "wifi_password"},
		{device.ErrWiFiGone, "wifi_lost"},
		{device.ErrWiFiFailed, "wifi_lost"},
		{nil, ""},
	} {
		t.Run(fmt.Sprint(tt.err), func(t *testing.T) {
			run(t, wifi.State{Usable: true, Shares: true}, func(s *scene) {
				s.radio.joinErr = tt.err
				s.after(time.Minute)
				ctx, phoneGone := context.WithCancel(s.t.Context())
				result := make(chan error, 1)
				go func() { result <- s.Join(ctx, home, "correct horse") }()
				s.after(5 * time.Second)
				s.expect("joining", "offline, joining Home", "open", "shut")
				if errors.Is(tt.err, device.ErrWiFiGone) {
					phoneGone() // it lost the box's network
				}
				s.after(10 * time.Second)
				phoneGone()
				if err := <-result; !errors.Is(err, tt.err) && !errors.Is(err, context.Canceled) {
					t.Errorf("%v, want %v", err, tt.err)
				}
				if tt.err == nil {
					s.expect("joined", "online in Home", "open", "shut", "join Home")
					return
				}
				s.expect("failed", "offline, access point Living room setup, "+tt.problem, "open", "shut", "join Home", "open")
				if a := s.radio.opened; a[0] != a[1] {
					t.Errorf("the phone does not find %v again: it is %v", a[0], a[1])
				}
				s.after(5 * time.Minute)
				s.expect("later", "offline, access point Living room setup, "+tt.problem, "open", "shut", "join Home", "open")
			})
		})
	}
}

// A failure is told for a while where the box has another network.
func TestJoinOnline(t *testing.T) {
	run(t, wifi.State{Usable: true, Shares: true, Online: true}, func(s *scene) {
		s.radio.joinErr = device.ErrWiFiPassword
		if err := s.Join(s.t.Context(), device.WiFiNetwork{SSID: "Home", Security: device.WPA2}, "correct horse"); !errors.Is(err, device.ErrWiFiPassword) {
			t.Error(err)
		}
		s.after(50 * time.Second)
		s.expect("failed", "online, wifi_password", "join Home")
		s.after(11 * time.Second)
		s.expect("later", "online", "join Home")
	})
}

// What can't work is refused before the phone loses its network.
func TestJoinRefused(t *testing.T) {
	hex := "0123456789abcdef0123456789abcdef0123456789ABCDEF0123456789abcdef"
	for _, tt := range []struct {
		network  device.WiFiNetwork
		password string
		want     error
	}{
		{device.WiFiNetwork{SSID: "Home", Security: device.WPA2}, "short", device.ErrWiFiPassword},
		{device.WiFiNetwork{SSID: "Home", Security: device.WPA2}, hex[:63] + "g", device.ErrWiFiPassword},
		{device.WiFiNetwork{SSID: "Home", Security: device.WPA2}, hex + "0", device.ErrWiFiPassword},
		{device.WiFiNetwork{SSID: "Home", Security: device.WPA3}, "", device.ErrWiFiPassword},
		{device.WiFiNetwork{SSID: "Office", Security: device.Unsupported}, "", device.ErrWiFiFailed},
		{device.WiFiNetwork{Security: device.Open}, "", device.ErrWiFiGone},
		{device.WiFiNetwork{SSID: "Home", Security: device.WPA2}, hex, nil},
		{device.WiFiNetwork{SSID: "Home", Security: device.WPA3}, "x", nil},
		{device.WiFiNetwork{SSID: "Café", Security: device.Open}, "", nil},
	} {
		run(t, wifi.State{Usable: true, Shares: true}, func(s *scene) {
			s.after(time.Minute)
			err := s.Join(s.t.Context(), tt.network, tt.password)
			if !errors.Is(err, tt.want) {
				t.Errorf("%v: %v, want %v", tt.network, err, tt.want)
			}
			if tt.want != nil {
				s.expect("refused", "offline, access point Living room setup", "open")
			}
		})
	}
	c := wifi.New(wifi.Config{})
	if _, err := c.Networks(t.Context()); !errors.Is(err, wifi.ErrNone) {
		t.Errorf("without a radio: %v", err)
	}
	if err := c.Join(t.Context(), device.WiFiNetwork{SSID: "Home", Security: device.Open}, ""); !errors.Is(err, wifi.ErrNone) {
		t.Errorf("without a radio: %v", err)
	}
}

// While the radio is looked for there may be networks to forget; without a system bus
// there are none.
func TestForget(t *testing.T) {
	for _, tt := range []struct {
		name     string
		outcomes []error // of looking for a radio; nil finds one
		want     error
	}{
		{"found", []error{nil}, errForgets},
		{"no bus", []error{errors.New("no bus")}, nil},
		{"looking", nil, wifi.ErrNone},
		{"lost", []error{nil, errors.New("no bus")}, wifi.ErrNone},
	} {
		synctest.Test(t, func(t *testing.T) {
			radio := &fakeRadio{changes: make(chan struct{}), forgetErr: errForgets}
			c := wifi.New(wifi.Config{Log: slog.New(slog.DiscardHandler), Connect: func(ctx context.Context) (wifi.Radio, error) {
				if len(tt.outcomes) == 0 {
					<-ctx.Done()
					return nil, ctx.Err()
				}
				err := tt.outcomes[0]
				tt.outcomes = tt.outcomes[1:]
				return radio, err
			}})
			if err := c.Forget(t.Context()); !errors.Is(err, wifi.ErrNone) {
				t.Errorf("%s, before Run: %v", tt.name, err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error)
			go func() { ended <- c.Run(ctx) }()
			synctest.Wait()
			if tt.name == "lost" {
				close(radio.changes)
				synctest.Wait()
			}
			go func() {
				time.Sleep(time.Minute)
				cancel()
			}()
			if err := c.Forget(ctx); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
			}
			<-ended
			<-ctx.Done()
		})
	}
}

var errForgets = errors.New("the radio forgets")

// A captive portal is found by the box where NetworkManager does not look, and looked
// at until it lets the box in.
func TestCaptivePortal(t *testing.T) {
	const page = "http://portal.test/login"
	run(t, wifi.State{Usable: true, Shares: true, Unproven: true, Online: true, Connected: "Hotel"}, func(s *scene) {
		s.after(time.Hour)
		s.expect("no portal", "online in Hotel")
		if n := s.looks.Load(); n != 1 {
			t.Errorf("looked %d times", n)
		}
		s.page.Store(page)
		s.radio.set(func(r *fakeRadio) { r.state.Connected = "Café" })
		s.expect("portal", "online in Café, portal "+page)
		s.after(10 * time.Minute)
		if n := s.looks.Load(); n < 8 || n > 14 {
			t.Errorf("looked %d times in ten minutes", n)
		}
		s.page.Store("")
		s.after(2 * time.Minute)
		s.expect("let in", "online in Café")
		s.radio.set(func(r *fakeRadio) { r.state.Unproven, r.state.Portal = false, true })
		s.expect("NetworkManager says so", "online in Café, portal")
		before := s.looks.Load()
		s.after(10 * time.Minute)
		if n := s.looks.Load() - before; n > 12 {
			t.Errorf("looked %d times in ten minutes", n)
		}
		s.radio.set(func(r *fakeRadio) { r.state.Portal = false })
		s.expect("NetworkManager says it is open", "online in Café")
	})
}

// A box without Wi-Fi ends quietly. One whose radio or NetworkManager goes waits for
// another.
func TestNoRadio(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := wifi.New(wifi.Config{Log: slog.New(slog.DiscardHandler), Connect: func(context.Context) (wifi.Radio, error) {
			return nil, errors.New("no bus")
		}})
		if err := c.Run(t.Context()); err != nil || c.WiFi().Get() != (device.WiFi{}) {
			t.Errorf("%v, %v", err, c.WiFi().Get())
		}
	})
	run(t, wifi.State{Usable: true, Online: true, Connected: "Home"}, func(s *scene) {
		s.radio.set(func(r *fakeRadio) { r.stateErr = errors.New("stopped") })
		s.expect("gone", "unusable")
		s.radio.mu.Lock()
		s.radio.stateErr = nil
		s.radio.mu.Unlock()
		s.after(20 * time.Second)
		s.expect("back", "online in Home")
	})
}
