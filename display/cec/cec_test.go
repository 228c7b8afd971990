package cec_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"pickerd/display"
	"pickerd/display/cec"
)

// A bus is a television with its cable, and the screen of the box.
type bus struct {
	events   chan cec.Event
	lost     chan struct{} // closed when the adapter is gone
	state    cec.State
	name     string
	mu       sync.Mutex
	said     []string // what was sent, keys and switches, in order
	err      error    // of Transmit
	claimErr error
	opened   int
	pages    display.Board[display.Page]
	log      bytes.Buffer
}

func newBus() *bus {
	b := &bus{events: make(chan cec.Event), state: cec.State{Physical: 0x1000, Logical: 4}}
	b.pages.Set(display.Page{Device: "Kitchen"})
	return b
}

func (b *bus) open(path string) (cec.Device, error) {
	if path != "/dev/cec0" {
		return nil, &os.PathError{Op: "open", Path: path, Err: unix.ENOENT}
	}
	b.opened++
	b.lost = make(chan struct{})
	return &adapter{bus: b, lost: b.lost, interrupted: make(chan struct{})}, nil
}

// An adapter is an open device of a bus.
type adapter struct {
	*bus
	lost, interrupted chan struct{}
}

func (b *bus) String() string { return "fake" }
func (b *bus) Close()         {}
func (a *adapter) Interrupt() { close(a.interrupted) }

func (b *bus) Claim(_ cec.Type, name string) error {
	b.name = name
	return b.claimErr
}

func (b *bus) State() (cec.State, error) { return b.state, nil }

func (b *bus) Transmit(m cec.Message) error {
	b.say("%x", []byte(m))
	return b.err
}

func (a *adapter) Receive() (cec.Event, error) {
	select {
	case e := <-a.events:
		return e, nil
	case <-a.lost:
		return cec.Event{}, unix.ENODEV
	case <-a.interrupted:
		return cec.Event{}, cec.ErrClosed
	}
}

// hear sends messages to the box.
func (b *bus) hear(messages ...string) {
	for _, text := range messages {
		var m cec.Message
		if _, err := fmt.Sscanf(text, "%x", (*[]byte)(&m)); err != nil {
			panic(err)
		}
		b.events <- cec.Event{Message: m}
		synctest.Wait()
	}
}

// screen makes the screen of the box black, or not.
func (b *bus) screen(on bool) {
	p := b.pages.Get()
	p.Night = !on
	b.pages.Set(p)
	synctest.Wait()
}

// say notes what the box says or does.
func (b *bus) say(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, fmt.Sprintf(format, args...))
}

// told returns what the box has said since the last call.
func (b *bus) told() string {
	synctest.Wait()
	b.mu.Lock()
	defer b.mu.Unlock()
	said := strings.Join(b.said, " ")
	b.said = nil
	return said
}

// run has the box speak on the bus until f returns.
func (b *bus) run(t *testing.T, change func(*cec.Config), f func()) {
	t.Helper()
	cfg := cec.Config{Dir: "/dev", Device: "/dev/cec0", Open: b.open, Pages: &b.pages, Log: slog.New(slog.NewTextHandler(&b.log, nil)),
		Key: func(_ context.Context, code uint16, value int32) { b.say("key%d:%d", code, value) },
		Switch: func(_ context.Context, on bool) {
			b.say("screen:%t", on)
			p := b.pages.Get()
			p.Night = !on
			b.pages.Set(p)
		}}
	if change != nil {
		change(&cfg)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- cec.Run(ctx, cfg) }()
	synctest.Wait()
	f()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func standby(c *cec.Config) { c.Standby = true }

// TestConversation checks what the box answers, and what messages do to the screen.
// Messages are a header of initiator and destination (the box is 4, the television 0,
// all are f), an opcode and operands. The box is at 1.0.0.0.
func TestConversation(t *testing.T) {
	for _, tt := range []struct {
		name string
		hear string
		dark bool // at first
		want string
	}{
		{"power status", "048f", false, "409000"},
		{"power status of a dark screen", "048f", true, "409001"},
		{"menu", "048d00", false, "408e00"},
		{"deck", "041a01", false, "401b1f"},
		{"deck, no more", "041a02", false, ""},
		{"unknown", "0499", false, "40009900"},
		{"unknown to all", "0f99", false, ""},
		{"unknown from an unregistered device", "f499", false, ""},
		{"an abort is not answered", "04003600", false, ""},
		{"poll", "04", false, ""},
		{"nothing to select", "0f86", false, ""},
		{"half an address", "0f8610", false, ""},
		{"selected", "0f861000", false, "4f821000"},
		{"selected while dark", "0f861000", true, "screen:true 4f821000"},
		{"another is selected", "0f862000", true, ""},
		{"routed here", "0f8020001000", true, "screen:true 4f821000"},
		{"routed away", "0f8010002000", false, ""},
		{"routed by a switch", "5f811000", false, "4f821000"},
		{"asked while not shown", "0f85", false, ""},
		{"television is switched off", "0f36", false, "screen:false"},
		{"off while the screen is dark", "0f36", true, "screen:false"},
		{"television is switched on", "0f85", true, "screen:true"},
		{"it says so to all", "0f9000", true, "screen:true"},
		{"it answers", "049000", true, ""},
		{"key", "044401 0445", false, "key103:1 key103:0"},
		{"key repeated", "044402 044402 0445", false, "key108:1 key108:2 key108:0"},
		{"another key without a release", "044402 044403 0445", false, "key108:1 key108:0 key105:1 key105:0"},
		{"release alone", "0445", false, ""},
		{"unknown key", "0444fe 0445", false, ""},
		{"no key", "0444", false, ""},
		{"OK", "044400 0445", false, "key352:1 key352:0"},
		{"menu keys", "044409 0445 04440a 0445", false, "key139:1 key139:0 key139:1 key139:0"},
		{"play", "044124", false, "key164:1 key164:0"},
		{"skip", "044201 044202 044203", false, "key407:1 key407:0 key412:1 key412:0"},
		{"power off", "04446c 0445", false, "screen:false"},
		{"power on", "04446d 0445", true, "screen:true"},
		{"power", "044440 0445", false, "screen:false"},
		{"volume", "044441 0445 044442 0445 044443 0445", false, "key115:1 key115:0 key114:1 key114:0 key113:1 key113:0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBus()
				if tt.dark {
					b.screen(false)
				}
				b.run(t, nil, func() {
					if b.name != "Kitchen" || b.told() != "" {
						t.Errorf("it is %q and said something", b.name)
					}
					b.hear(strings.Fields(tt.hear)...)
					if got := b.told(); got != tt.want {
						t.Errorf("%q, want %q", got, tt.want)
					}
				})
			})
		})
	}
}

// TestKeyLeftDown checks that a key counts as released that is not repeated.
func TestKeyLeftDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBus()
		b.run(t, nil, func() {
			b.hear("044401")
			for range 4 {
				time.Sleep(500 * time.Millisecond)
				b.hear("044401")
			}
			if got := b.told(); got != "key103:1 key103:2 key103:2 key103:2 key103:2" {
				t.Error(got)
			}
			time.Sleep(600 * time.Millisecond)
			synctest.Wait()
			if got := b.told(); got != "key103:0" {
				t.Errorf("afterwards: %q", got)
			}
			b.hear("044401")
			close(b.lost)
			synctest.Wait()
			if got := b.told(); got != "key103:1 key103:0" {
				t.Errorf("unplugged: %q", got)
			}
		})
	})
}

// TestPowerKey checks that the key that switches the screen off and on does so once
// while it is held down.
func TestPowerKey(t *testing.T) {
	for _, key := range []string{"044440", "04446b"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBus()
			b.run(t, nil, func() {
				for _, want := range []string{"screen:false", "screen:true"} {
					for range 5 {
						b.hear(key)
						time.Sleep(450 * time.Millisecond)
					}
					b.hear("0445")
					if got := b.told(); got != want {
						t.Errorf("%s: %q, want %q", key, got, want)
					}
					time.Sleep(time.Second)
				}
			})
		})
	}
}

// TestStandby checks when the television is switched off and on with the screen.
func TestStandby(t *testing.T) {
	const wake, off = "4004 4f821000", "4036"
	for _, tt := range []struct {
		name string
		f    func(b *bus)
		want string
	}{
		{"off and on", func(b *bus) { b.screen(false); b.screen(true) }, off + " " + wake},
		{"its own answer to that", func(b *bus) { b.screen(false); b.hear("0f36"); b.screen(true) }, off + " " + wake},
		{"shows another device", func(b *bus) { b.hear("5f822000"); b.screen(false); b.screen(true) }, ""},
		{"shows itself", func(b *bus) { b.hear("0f820000"); b.screen(false); b.screen(true) }, ""},
		{"is back", func(b *bus) { b.hear("5f822000", "0f861000"); b.screen(false) }, "4f821000 " + off},
		{"the other device ends", func(b *bus) { b.hear("5f822000", "509d2000"); b.screen(false); b.screen(true) }, wake},
		{"switched off by its remote", func(b *bus) { b.hear("0f36") }, "screen:false"},
		{"a key of the box wakes it", func(b *bus) { b.hear("0f36"); b.screen(true) }, "screen:false " + wake},
		{"switched on by its remote", func(b *bus) { b.hear("0f36", "0f85") }, "screen:false screen:true"},
		{"off and on by its remote, then off with the screen", func(b *bus) {
			b.hear("0f36", "0f85")
			time.Sleep(5 * time.Second)
			b.screen(false)
		}, "screen:false screen:true 4f821000 " + off},
		{"off and on by its remote, another device answers", func(b *bus) {
			b.hear("0f36", "0f85", "5f822000")
			time.Sleep(5 * time.Second)
			b.screen(false)
		}, "screen:false screen:true"},
		{"switched off by its remote while the screen is dark", func(b *bus) { b.hear("5f822000"); b.screen(false); b.hear("0f36") }, "screen:false"},
		{"later, to its own tuner and off", func(b *bus) { b.screen(false); b.hear("0f36", "0f820000", "0f36") }, off + " screen:false"},
		{"to its own tuner", func(b *bus) { b.hear("0f36", "0f820000") }, "screen:false"},
		{"asked while shown", func(b *bus) { b.hear("0f85") }, "4f821000"},
		{"the same again", func(b *bus) { b.screen(true); b.screen(true) }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBus()
				b.run(t, standby, func() {
					time.Sleep(5 * time.Second)
					synctest.Wait()
					if got := b.told(); got != "408f 4f85 4f821000" {
						t.Errorf("at first %q", got)
					}
					tt.f(b)
					if got := b.told(); got != tt.want {
						t.Errorf("%q, want %q", got, tt.want)
					}
				})
			})
		})
	}
}

// TestModest checks that the box does not switch a television to itself that shows
// something else or is off when the box starts, and none at all unless it may.
func TestModest(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*cec.Config)
		hear   string
		dark   bool
		want   string
	}{
		"shows another":    {standby, "4f822000", false, "408f 4f85"},
		"is off":           {standby, "049001", false, "408f 4f85"},
		"is on":            {standby, "049000", false, "408f 4f85 4f821000"},
		"screen is black":  {standby, "049000", true, "408f 4f85"},
		"keys only":        {nil, "049000", false, ""},
		"keys only, black": {nil, "049000", true, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBus()
				b.screen(!tt.dark)
				b.run(t, tt.change, func() {
					b.hear(tt.hear)
					time.Sleep(time.Minute)
					if got := b.told(); got != tt.want {
						t.Errorf("%q, want %q", got, tt.want)
					}
					if tt.change == nil {
						b.screen(tt.dark)
						b.screen(!tt.dark)
						if got := b.told(); got != "" {
							t.Errorf("with the screen: %q", got)
						}
					}
				})
			})
		})
	}
}

// TestTrouble checks that an adapter that can't be used is tried again, but not often,
// and named once.
func TestTrouble(t *testing.T) {
	count := func(b *bus, text string) int { return strings.Count(b.log.String(), text) }
	for _, tt := range []struct {
		name string
		f    func(t *testing.T, b *bus)
	}{
		{"busy", func(t *testing.T, b *bus) {
			b.claimErr = unix.EBUSY
			b.run(t, nil, func() { time.Sleep(time.Hour) })
			if b.opened < 300 || b.opened > 361 || count(b, "not usable") != 1 {
				t.Errorf("opened %d times\n%s", b.opened, &b.log)
			}
		}},
		{"not there", func(t *testing.T, b *bus) {
			b.run(t, func(c *cec.Config) { c.Device = "/dev/cec7" }, func() { time.Sleep(time.Hour) })
			if count(b, "not usable") != 1 || count(b, "/dev/cec7") != 1 {
				t.Errorf("%s", &b.log)
			}
		}},
		{"unplugged and back", func(t *testing.T, b *bus) {
			b.run(t, nil, func() {
				close(b.lost)
				time.Sleep(time.Minute)
				synctest.Wait()
				b.hear("048f")
				if got := b.told(); got != "409000" || b.opened != 2 || count(b, "not usable") != 1 {
					t.Errorf("%q, opened %d times\n%s", got, b.opened, &b.log)
				}
			})
		}},
		{"nobody there", func(t *testing.T, b *bus) {
			b.err = cec.ErrNotAcknowledged
			b.run(t, standby, func() {
				for range 10 {
					b.screen(false)
					b.screen(true)
				}
				b.hear("048f")
			})
			if count(b, "not delivered") != 1 || b.opened != 1 {
				t.Errorf("opened %d times\n%s", b.opened, &b.log)
			}
		}},
		{"gone while sending", func(t *testing.T, b *bus) {
			b.run(t, nil, func() {
				b.err = unix.ENODEV
				b.hear("048f")
				b.err = nil
				time.Sleep(time.Minute)
				if synctest.Wait(); b.opened != 2 {
					t.Errorf("opened %d times", b.opened)
				}
			})
		}},
		{"no address yet", func(t *testing.T, b *bus) {
			b.state = cec.State{Physical: cec.NoPhysicalAddress, Logical: 0xff}
			b.run(t, standby, func() {
				b.screen(false)
				b.screen(true)
				if got := b.told(); got != "f004" {
					t.Errorf("without an address: %q", got)
				}
				b.events <- cec.Event{State: &cec.State{Physical: 0x2000, Logical: 8}}
				time.Sleep(time.Minute)
				if got := b.told(); got != "808f 8f85 8f822000" || b.opened != 1 {
					t.Errorf("%q, opened %d times", got, b.opened)
				}
			})
		}},
		{"renamed", func(t *testing.T, b *bus) {
			b.run(t, nil, func() {
				b.pages.Set(display.Page{Device: "Wohnzimmer"})
				if synctest.Wait(); b.name != "Wohnzimmer" {
					t.Errorf("it is %q", b.name)
				}
			})
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { tt.f(t, newBus()) }) })
	}
}

// TestAuto checks which adapter is taken: the first one with a television.
func TestAuto(t *testing.T) {
	dir := t.TempDir()
	for _, n := range []string{"cec0", "cec1", "cec2", "cec3"} {
		if err := os.WriteFile(filepath.Join(dir, n), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		b := newBus()
		var opened []string
		at := map[string]cec.PhysicalAddress{"cec1": 0, "cec2": cec.NoPhysicalAddress, "cec3": 0x1000} // cec1 is of a television
		auto := func(c *cec.Config) {
			c.Dir, c.Device = dir, cec.Auto
			c.Open = func(path string) (cec.Device, error) {
				name := filepath.Base(path)
				opened = append(opened, name)
				if name == "cec0" {
					return nil, cec.ErrUnsuitable
				}
				b.state = cec.State{Physical: at[name], Logical: 4}
				return b.open("/dev/cec0")
			}
		}
		b.run(t, auto, func() {
			if b.hear("048f"); b.told() != "409000" || !slices.Equal(opened, []string{"cec0", "cec1", "cec2", "cec3"}) {
				t.Errorf("%v", opened)
			}
			at["cec3"], at["cec2"], opened = cec.NoPhysicalAddress, 0x2000, nil
			b.events <- cec.Event{State: &cec.State{Physical: cec.NoPhysicalAddress, Logical: 0xff}}
			time.Sleep(time.Minute)
			synctest.Wait()
			if b.hear("048f"); b.told() != "409000" || !slices.Equal(opened, []string{"cec0", "cec1", "cec2", "cec0", "cec1", "cec2"}) { // seen, then taken
				t.Errorf("after it was plugged elsewhere: %v", opened)
			}
			if text := b.log.String(); strings.Contains(text, "not usable") {
				t.Error(text)
			}
		})
	})
}

// TestAddressLostInStandby checks that a television that takes the address away in
// standby is switched on with the screen, and the screen with it.
func TestAddressLostInStandby(t *testing.T) {
	const found = "408f 4f85"
	lose, regain := cec.State{Physical: cec.NoPhysicalAddress, Logical: 0xff}, cec.State{Physical: 0x1000, Logical: 4}
	for _, tt := range []struct {
		name   string
		change func(*cec.Config)
		f      func(b *bus, move func(cec.State))
		want   string
	}{
		{"the box slept and wakes", standby, func(b *bus, move func(cec.State)) {
			b.screen(false)
			move(lose)
			b.screen(true)
			move(regain)
			b.hear("049002") // switching on
		}, "4036 f004 " + found + " 4f821000"},
		{"the box slept, its remote wakes it", standby, func(b *bus, move func(cec.State)) {
			b.screen(false)
			move(lose)
			move(regain)
			b.hear("049000")
		}, "4036 " + found + " screen:true 4f821000"},
		{"its remote switches it off and on", nil, func(b *bus, move func(cec.State)) {
			b.hear("0f36")
			move(lose)
			move(regain)
			b.hear("049000")
		}, "screen:false 408f screen:true"},
		{"it shows its address and stays in standby", nil, func(b *bus, move func(cec.State)) {
			b.hear("0f36")
			move(lose)
			move(regain)
			b.hear("049001")
		}, "screen:false 408f"},
		{"plugged in again at night", nil, func(b *bus, move func(cec.State)) {
			b.screen(false)
			move(lose)
			move(regain)
			b.hear("049000")
		}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "cec0"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) {
				b := newBus()
				auto := func(c *cec.Config) {
					c.Dir, c.Device, c.Open = dir, cec.Auto, func(string) (cec.Device, error) { return b.open("/dev/cec0") }
					if tt.change != nil {
						tt.change(c)
					}
				}
				b.run(t, auto, func() {
					time.Sleep(5 * time.Second)
					b.told()
					tt.f(b, func(s cec.State) {
						b.events <- cec.Event{State: &s}
						if synctest.Wait(); s == lose {
							time.Sleep(time.Minute)
						}
					})
					time.Sleep(5 * time.Second)
					if got := b.told(); got != tt.want || b.opened != 1 {
						t.Errorf("%q, want %q; opened %d times", got, tt.want, b.opened)
					}
				})
			})
		})
	}
}

// FuzzMessage checks that no message does harm: the box sends at most two for each.
func FuzzMessage(f *testing.F) {
	f.Add([]byte{0x04, 0x44, 0x01}, true)
	f.Add([]byte{0x0f, 0x80, 0x20, 0x00, 0x10, 0x00}, false)
	f.Fuzz(func(t *testing.T, m []byte, lit bool) {
		if len(m) > 16 {
			return
		}
		synctest.Test(t, func(t *testing.T) {
			b := newBus()
			b.screen(lit)
			b.run(t, nil, func() {
				b.events <- cec.Event{Message: m}
				synctest.Wait()
				time.Sleep(time.Second)
				if said := b.told(); strings.Count(said, " ") > 2 {
					t.Errorf("%x: %q", m, said)
				}
			})
		})
	})
}
