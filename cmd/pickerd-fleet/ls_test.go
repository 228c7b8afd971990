package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/cmd/command"
	"pickerd/device/mqtt"
)

func TestList(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBroker()
		b.box("0a", "Hall", "online", nil)
		b.box("0c", "Attic \u0085", "offline", nil)
		s := newShell(b)
		s.now = func() time.Time { return afternoon }
		if code := s.run(t.Context(), []string{"ls"}); code != command.Done {
			t.Errorf("exit code %d: %s", code, s.errs.take())
		}
		want := "ID  NAME     LABELS      STATE    SINCE  VERSION  PROBLEM  SESSIONS  SEEN\n" +
			"0c  Attic ?  site=lobby  showing  3h                       0         offline\n" +
			"0a  Hall     site=lobby  showing  3h                       0         online\n"
		if got := s.out.take(); got != want {
			t.Errorf("%s\nwant\n%s", got, want)
		}
		s.run(t.Context(), []string{"ls", "online", "--json"})
		var list []box
		if text := s.out.take(); json.Unmarshal([]byte(text), &list) != nil || len(list) != 1 || list[0].ID != "0a" || list[0].Status.Name != "Hall" {
			t.Errorf("%s", text)
		}
		if s.run(t.Context(), []string{"ls", "site=roof", "--json"}); s.out.take() != "[]\n" {
			t.Error("no list")
		}
		for args, want := range map[string]string{"ls stat=showing": "none of the 2 boxes matches", "ls --base foo": "no box under foo"} {
			if code := s.run(t.Context(), strings.Fields(args)); code != command.Done || !strings.Contains(s.errs.take(), want) {
				t.Errorf("%s does not say %q", args, want)
			}
		}
	})
}

// All messages are read where they come slowly, and where the broker's rules forbid a marker.
func TestReadSlowly(t *testing.T) {
	for _, tt := range []struct {
		name           string
		readOnly, deaf bool
		gap, most      time.Duration
	}{
		{"with markers", false, false, 9 * time.Second, time.Minute + 20*time.Second},
		{"publishing forbidden", true, false, time.Second, 8 * time.Second},
		{"reading forbidden", false, true, time.Second, 20 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newFakeBroker()
				b.readOnly = tt.readOnly
				b.box("0a", "Hall", "online", nil)
				inner, err := b.dial(t.Context(), access{url: "mqtt://broker.test"})
				if err != nil {
					t.Fatal(err)
				}
				l := &slowLink{link: inner, messages: make(chan message), deaf: tt.deaf}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				go l.deliver(ctx, tt.gap)
				began := time.Now()
				f, err := read(ctx, l, "pickerd", topics("pickerd", "+", availability, status, health)...)
				if err != nil || f["0a"] == nil || f["0a"].Status == nil || !f["0a"].Online {
					t.Errorf("%v, %v", f, err)
				}
				if took := time.Since(began); took > tt.most {
					t.Errorf("it took %v", took)
				}
			})
		})
	}
}

// A slowLink passes a message on now and then.
type slowLink struct {
	link
	messages chan message
	deaf     bool // to markers
}

func (l *slowLink) deliver(ctx context.Context, gap time.Duration) {
	for mqtt.Pause(ctx, gap) {
		select {
		case m := <-l.link.received():
			if l.deaf && strings.HasPrefix(m.topic, "pickerd/fleet/") {
				continue
			}
			select {
			case l.messages <- m:
			case <-ctx.Done():
			}
		case <-ctx.Done():
		}
	}
}

func (l *slowLink) received() <-chan message { return l.messages }

// A broker that does not answer is given up.
func TestReadNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBroker()
		inner, err := b.dial(t.Context(), access{url: "mqtt://broker.test"})
		if err != nil {
			t.Fatal(err)
		}
		l := &muteLink{link: inner}
		if _, err := read(t.Context(), l, "pickerd", "pickerd/+/status"); err == nil || !strings.Contains(err.Error(), "does not answer") {
			t.Errorf("%v", err)
		}
	})
}

// A muteLink never ends to publish.
type muteLink struct{ link }

func (l *muteLink) publish(ctx context.Context, _ message) error { <-ctx.Done(); return ctx.Err() }

// watching runs the program beside the test. The returned function ends it.
func (s *shell) watching(t *testing.T, args ...string) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan int, 1)
	go func() { ended <- s.run(ctx, args) }()
	return func() {
		cancel()
		if code := <-ended; code != command.Done {
			t.Errorf("exit code %d", code)
		}
	}
}

// Each change is a line, also over a lost connection.
func TestListWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBroker()
		b.box("0a", "Hall", "online", nil)
		b.box("0c", "Attic", "offline", nil)
		s := newShell(b)
		s.now = func() time.Time { return afternoon }
		stop := s.watching(t, "ls", "--watch", "site=lobby")
		pass := func(d time.Duration) string { time.Sleep(d); synctest.Wait(); return s.out.take() }
		const at = "2026-11-29T13:00:00Z  "
		expect := func(d time.Duration, want string) {
			t.Helper()
			if got := pass(d); got != want {
				t.Errorf("%s\nwant\n%s", got, want)
			}
		}
		expect(time.Second, at+"0c  Attic  site=lobby  showing  3h  -  -  0  offline\n"+at+"0a  Hall  site=lobby  showing  3h  -  -  0  online\n")
		b.put("pickerd/0a/availability", "online", true)
		b.put("pickerd/0a/health", `{"at":"2026-11-29T12:55:00Z"}`, true)
		b.put("pickerd/0a/event", `{}`, false)
		expect(time.Hour, "")
		b.put("pickerd/0a/availability", "offline", true)
		expect(time.Second, at+"0a  Hall  site=lobby  showing  3h  -  -  0  5m ago\n")
		b.put("pickerd/0c/status", `{"state":"blocked","name":"Attic"}`, true)
		expect(time.Second, at+"0c  removed\n")
		b.cut(true)
		expect(time.Hour, "")
		b.put("pickerd/0a/availability", "", true)
		b.put("pickerd/0a/status", "", true)
		b.put("pickerd/0a/health", "", true)
		b.cut(false)
		expect(5*time.Minute, at+"0a  removed\n")
		if text := s.errs.take(); !strings.Contains(text, "connection lost: cut; trying again in") || strings.Count(text, ": connected again\n") != 1 {
			t.Errorf("%s", text)
		}
		if b.dials < 20 || b.dials > 80 { // once in one to two minutes
			t.Errorf("%d tries to connect", b.dials)
		}
		stop()
	})
}

// With --json each change is an object.
func TestListWatchJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBroker()
		b.box("0a", "Hall", "online", nil)
		b.put("pickerd/0a/status", `{"state":"showing","since":"1999-12-31T10:00:00Z"}`, true) // before the bubble's time
		s := newShell(b)
		stop := s.watching(t, "ls", "--watch", "--json")
		time.Sleep(time.Hour)
		b.put("pickerd/0a/availability", "online", true) // ages alone are no change
		time.Sleep(time.Second)
		b.put("pickerd/0a/availability", "", true)
		b.put("pickerd/0a/status", "", true)
		time.Sleep(time.Second)
		stop()
		lines := strings.Split(strings.TrimSpace(s.out.take()), "\n")
		if len(lines) != 3 || !strings.HasPrefix(lines[0], `{"id":"0a","online":true,"status":{`) || lines[2] != `{"id":"0a","removed":true}` {
			t.Errorf("%q", lines)
		}
	})
}

// The first connection must succeed.
func TestListWatchUnreachable(t *testing.T) {
	b := newFakeBroker()
	b.down = true
	s := newShell(b)
	if code := s.run(t.Context(), []string{"ls", "--watch"}); code != command.Unreachable {
		t.Errorf("exit code %d", code)
	}
}

// A terminal has as many lines as fit, and is drawn again after a change or a while.
func TestLiveTable(t *testing.T) {
	var out bytes.Buffer
	now := afternoon
	f := fleet{}
	for i := range 30 {
		f.take("pickerd", message{topic: fmt.Sprintf("pickerd/%02d/availability", i), payload: []byte("online")})
	}
	table := &liveTable{out: &out, now: func() time.Time { return now }, size: func() (int, int) { return 20, 12 }}
	table.tick()
	if out.Len() > 0 {
		t.Error("drawn without a fleet")
	}
	table.snapshot(f)
	lines := strings.Split(out.String(), "\n")
	if len(lines) != 12 || lines[10] != "30 boxes, 21 of them" || !strings.HasPrefix(lines[0], "\x1b[H\x1b[2JID  NAME") {
		t.Errorf("%q", lines)
	}
	drawn := func() bool { defer out.Reset(); return out.Len() > 0 }
	drawn()
	for _, tt := range []struct {
		name string
		do   func()
		want bool
	}{
		{"nothing", func() {}, false},
		{"change", func() { table.changed(f, f["00"]) }, true},
		{"drawn already", func() { now = now.Add(9 * time.Second) }, false},
		{"a while", func() { now = now.Add(time.Second) }, true},
		{"lost", table.lost, true},
	} {
		tt.do()
		if table.tick(); drawn() != tt.want {
			t.Errorf("%s: drawn %v", tt.name, !tt.want)
		}
	}
}

func TestShow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBroker()
		b.put("pickerd/0a/availability", "online", true)
		b.put("pickerd/0a/status", `{"state":"blocked","since":"2026-11-29T10:00:00Z","name":"Hall","version":"1.2.3","problem":{"code":"disk_full","message":"The disk is full \u001b[2J."},"sessions":{"open":1,"oldest":"2026-11-29T12:00:00Z"},"screen_on":true,"library":{"items":7,"bytes":2500000}}`, true)
		b.put("pickerd/0a/health", `{"at":"2026-11-29T12:55:00Z","uptime":7200,"temperature":61.4,"undervoltage":true,"disk_free":12000000000,"wifi_signal":-61}`, true)
		b.put("pickerd/0a/settings", `{"slideshow.interval":{"value":"20s","origin":"fleet"},"slideshow.zoom":{"value":true,"origin":"phone"},"name":{"value":"","origin":"default"}}`, true)
		s := newShell(b)
		s.now = func() time.Time { return afternoon }
		if code := s.run(t.Context(), []string{"show", "Hall"}); code != command.Done {
			t.Errorf("exit code %d: %s", code, s.errs.take())
		}
		got := s.out.take()
		for _, want := range []string{"state", "blocked for 3h", "The disk is full ?[2J. (disk_full)", "1 open, 0 to be deleted", "1h\n", "7, 2 MB", "61 °C", "undervoltage", "12.0 GB", "-61 dBm", "2h\n", "20s    fleet", "true   phone"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is missing in\n%s", want, got)
			}
		}
		if strings.Contains(got, "default") {
			t.Errorf("a default is shown:\n%s", got)
		}
		s.run(t.Context(), []string{"show", "0a", "--json"})
		var shown box
		if text := s.out.take(); json.Unmarshal([]byte(text), &shown) != nil || shown.Settings["slideshow.interval"].Origin != "fleet" || *shown.Health.Temperature != 61.4 {
			t.Errorf("%s", text)
		}
	})
}

// Boxes that go on to tell what is new don't keep a list from ending.
func TestReadLive(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newFakeBroker()
			b.box("0a", "Hall", "online", nil)
			b.readOnly = readOnly
			ctx, cancel := context.WithCancel(t.Context())
			var boxes sync.WaitGroup
			boxes.Go(func() {
				for mqtt.Pause(ctx, 50*time.Millisecond) {
					b.put("pickerd/0b/health", `{"at":"2026-11-29T10:00:00Z","uptime":5}`, true)
				}
			})
			began := time.Now()
			s := newShell(b)
			if code := s.run(ctx, []string{"ls"}); code != command.Done || !strings.Contains(s.out.take(), "Hall") {
				t.Errorf("exit code %d", code)
			}
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("the list took %v", took)
			}
			cancel()
			boxes.Wait()
		})
	}
}
