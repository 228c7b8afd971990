package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/health"
)

// Settings are published when they are others, with the value that menus show.
func TestSettings(t *testing.T) {
	interval := "20s"
	config := func(c *Config) {
		c.Settings = func() map[string]device.Setting {
			return map[string]device.Setting{"slideshow.interval": {Value: interval, Origin: device.FromFleet}, "slideshow.zoom": {Value: true, Origin: device.FromDefault}}
		}
	}
	inBubble(t, config, func(r *rig) {
		r.b.connected()
		if got, want := r.published("settings"), `{"slideshow.interval":{"value":"20s","origin":"fleet"},"slideshow.zoom":{"value":true,"origin":"default"}}`; got != want {
			t.Errorf("%s, want %s", got, want)
		}
		r.b.SettingsChanged()
		if got := r.published("settings"); got != "" {
			t.Errorf("the same again: %s", got)
		}
		interval = "1m0s"
		r.b.SettingsChanged()
		if got := r.published("settings"); !strings.Contains(got, `"1m"`) {
			t.Errorf("another interval: %s", got)
		}
	})
}

// How the machine is, is told every five minutes.
func TestHealth(t *testing.T) {
	n := 0
	config := func(c *Config) {
		c.Health = func() health.Health { n++; return health.Health{Uptime: int64(n)} }
	}
	inBubble(t, config, func(r *rig) {
		r.b.connected()
		for want := 1; want < 4; want++ {
			if got := r.published("health"); !strings.HasSuffix(got, fmt.Sprintf(`Z","uptime":%d}`, want)) {
				t.Errorf("%s, want number %d", got, want)
			}
			r.board.Set(device.Status{State: device.Idle})
			if got := r.published("health"); got != "" {
				t.Errorf("another status: %s", got)
			}
			time.Sleep(healthEvery)
		}
	})
}

// What the broker refuses is left out, and the rest is told.
func TestRefusedTopic(t *testing.T) {
	for _, denied := range []string{"homeassistant/", "/event", "/reply", "old/"} {
		inBubble(t, func(c *Config) {
			c.Discovery = "homeassistant"
			c.Orders.(*memory).topics = []string{"old/status"}
		}, func(r *rig) {
			r.broker.denied = denied
			r.b.connected()
			if got := r.published("status"); !strings.Contains(got, "Hall") {
				t.Errorf("%s is refused: status %q", denied, got)
			}
			r.b.received(message{topic: r.b.topic("command"), payload: []byte(`{"command":"next","id":"1"}`)})
			r.board.Set(device.Status{State: device.Idle})
			if got := r.published("status"); !strings.Contains(got, "idle") {
				t.Errorf("%s is refused: status %q", denied, got)
			}
		})
	}
}

// A message without an answer is sent again, also if the connection stays.
func TestUnanswered(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.broker.set(true)
		r.b.connected()
		r.published("")
		r.broker.set(false)
		time.Sleep(publishRetry)
		if got := r.published("status"); !strings.Contains(got, "Hall") {
			t.Errorf("status %q", got)
		}
	})
}

// What the broker kept of an earlier configuration is cleared once.
func TestStaleTopics(t *testing.T) {
	inBubble(t, func(c *Config) {
		c.Discovery = "ha"
		c.Orders.(*memory).topics = []string{"old/status", "homeassistant/device/x/config", c.Base + "/status"}
	}, func(r *rig) {
		var cleared []string
		for range 2 {
			r.b.connected()
			r.published("")
			for _, m := range r.all {
				if len(m.payload) == 0 && m.retain {
					cleared = append(cleared, m.topic)
				}
			}
			r.all = nil
		}
		if want := []string{"old/status", "homeassistant/device/x/config"}; !slices.Equal(cleared, want) {
			t.Errorf("cleared %v, want %v", cleared, want)
		}
		if !slices.Equal(r.orders.topics, r.b.topics()) || len(r.orders.topics) != 3 {
			t.Errorf("stored %v", r.orders.topics)
		}
	})
}

// A box that is cut off before all is cleared goes on with the next start.
func TestStaleTopicsCut(t *testing.T) {
	kept := []string{"old/status", "old/health"}
	for i := range 3 {
		inBubble(t, func(c *Config) { c.Orders.(*memory).topics = kept }, func(r *rig) {
			r.broker.set(i < 2)
			r.b.connected()
			r.published("")
			if i == 2 {
				r.board.Set(device.Status{State: device.Idle})
				r.published("")
			}
			kept = r.orders.topics
			if old := slices.Contains(kept, "old/health"); old != (i < 2) {
				t.Errorf("start %d: stored %v", i, kept)
			}
		})
	}
}

// A box that stops says so, one that starts anew does not, and of one that is erased
// nothing is left.
func TestParting(t *testing.T) {
	for parting, want := range map[Parting]string{
		Offline:   "pickerd/0123456789abcdef/availability=offline",
		Returning: "",
		Gone:      "homeassistant/device/0123456789abcdef/config= pickerd/0123456789abcdef/status= pickerd/0123456789abcdef/availability=",
	} {
		var r *rig
		inBubble(t, func(c *Config) {
			c.Discovery = "homeassistant"
			c.Parting = func(cause error) Parting {
				if !errors.Is(cause, context.Canceled) {
					t.Errorf("the cause is %v", cause)
				}
				return parting
			}
		}, func(running *rig) {
			r = running
			r.b.connected()
			r.published("")
		})
		var got []string
		for _, m := range r.broker.got {
			got = append(got, m.topic+"="+string(m.payload))
		}
		if strings.Join(got, " ") != want || r.broker.how != parting {
			t.Errorf("%d: %q, parting %d, want %q", parting, got, r.broker.how, want)
		}
	}
}

// A box whose storage can't be used tells its status and its log, and takes nothing.
func TestUnready(t *testing.T) {
	inBubble(t, func(c *Config) {
		c.Orders, c.Groups, c.Lines = nil, []string{"site=lobby"}, func() []string { return []string{"why"} }
	}, func(r *rig) {
		r.b.connected()
		if got := r.published("status"); !strings.Contains(got, "Hall") {
			t.Errorf("status %q", got)
		}
		order := Order{Target: r.b.cfg.ID, Serial: 1, NotAfter: time.Now().Add(time.Hour), ID: "2", Command: "next"}
		signed, err := order.Sign(operator)
		if err != nil {
			t.Fatal(err)
		}
		for _, payload := range [][]byte{[]byte(`{"command":"next","id":"1"}`), signed} {
			if got := r.ask(payload); got.OK || got.Problem.Code != "unready" || len(r.calls) > 0 {
				t.Errorf("%+v %+v", got, got.Problem)
			}
		}
		r.b.received(message{topic: groupTopic("site=lobby"), payload: signed})
		synctest.Wait()
		r.checkLogs("why")
	})
}

// The log of a box that can't write to its storage is told too.
func TestLogsWithoutDisk(t *testing.T) {
	inBubble(t, func(c *Config) {
		c.Orders.(*memory).err = errors.New("disk")
		c.Lines = func() []string { return []string{"why"} }
	}, func(r *rig) {
		r.b.connected()
		r.checkLogs("why")
	})
}

// checkLogs checks that a box tells its log to its operator, until the order expires.
func (r *rig) checkLogs(want ...string) {
	r.t.Helper()
	order := Order{Target: r.b.cfg.ID, Serial: 9, NotAfter: time.Now().Add(time.Hour), ID: "3", Command: "logs"}
	for _, expired := range []bool{false, true} {
		if expired {
			order.NotAfter = time.Now()
		}
		signed, err := order.Sign(operator)
		if err != nil {
			r.t.Fatal(err)
		}
		switch got := r.ask(signed); {
		case expired && (got.OK || got.Problem.Code != expiredOrder), !expired && (!got.OK || !slices.Equal(got.Data.Lines, want)):
			r.t.Errorf("logs, expired %v: %+v %+v", expired, got, got.Problem)
		}
	}
}

// Only an operator gets the log, and as much of it as fits.
func TestLogs(t *testing.T) {
	lines := []string{"first", "second", strings.Repeat("x", 40_000), strings.Repeat("y", 20_000), "last"}
	inBubble(t, func(c *Config) { c.Lines = func() []string { return lines } }, func(r *rig) {
		r.b.connected()
		serial := uint64(0)
		ask := func(args string) reply {
			serial++
			o := Order{Target: r.b.cfg.ID, Serial: serial, NotAfter: time.Now().Add(time.Hour), ID: "1", Command: "logs"}
			if args != "" {
				o.Args = []byte(args)
			}
			payload, err := o.Sign(operator)
			if err != nil {
				t.Fatal(err)
			}
			return r.ask(payload)
		}
		if got := ask(`{"lines":2}`); !got.OK || !slices.Equal(got.Data.Lines, lines[3:]) {
			t.Errorf("two lines: %v", got.Problem)
		}
		if got := ask(""); !got.OK || !slices.Equal(got.Data.Lines, lines[:]) {
			t.Errorf("all lines: %d", len(got.Data.Lines))
		}
		lines[1] = strings.Repeat("z", 10_000)
		if got := ask(`{"lines":1000}`); !got.OK || !slices.Equal(got.Data.Lines, lines[2:]) {
			t.Errorf("too many bytes: %d lines", len(got.Data.Lines))
		}
		for _, args := range []string{`{"lines":0}`, `{"lines":1001}`, `{"line":1}`, `[]`} {
			if got := ask(args); got.OK || got.Problem.Code != "invalid_args" {
				t.Errorf("%s: %+v", args, got)
			}
		}
		lines = nil
		if got := ask(`{"lines":1}`); !got.OK || got.Data == nil {
			t.Errorf("an empty log: %+v", got)
		}
		if got := r.ask([]byte(`{"command":"logs","id":"7"}`)); got.OK || got.Problem.Code != "unsigned" {
			t.Errorf("unsigned: %+v", got)
		}
	})
}

// Settings may be changed without a signature only where the operator's file says so, and
// nothing else that must be signed.
func TestUnsignedSettings(t *testing.T) {
	inBubble(t, func(c *Config) { c.Operator, c.UnsignedSettings = nil, true }, func(r *rig) {
		r.b.connected()
		if got := r.ask([]byte(`{"command":"settings","id":"1","args":{"slideshow.zoom":true}}`)); !got.OK || strings.Join(r.calls, ";") != `PATCH /v1/settings {"slideshow.zoom":true}` {
			t.Errorf("%+v, %v", got, r.calls)
		}
		if got := r.ask([]byte(`{"command":"settings","id":"1","args":{"slideshow.zoom":true}}`)); got.OK || got.Problem.Code != "repeated" {
			t.Errorf("the same again: %+v", got)
		}
		for _, command := range []string{"unpair", "hide", "show", "logs"} {
			if got := r.ask([]byte(`{"command":"` + command + `","id":"` + command + `"}`)); got.OK || got.Problem.Code != "not_allowed" {
				t.Errorf("%s: %+v", command, got)
			}
		}
	})
}

// A picture is published when the screen shows something else, in a size that fits, and
// not kept by the broker.
func TestPicture(t *testing.T) {
	var asked []string
	shown := 1
	var changed chan struct{}
	screen := func(w http.ResponseWriter, req *http.Request) {
		asked = append(asked, req.URL.RequestURI())
		if req.URL.Query().Get("after") == fmt.Sprint(shown) {
			select {
			case <-changed:
			case <-time.After(50 * time.Second):
				w.WriteHeader(http.StatusNotModified)
				return
			case <-req.Context().Done():
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
		}
		w.Header().Set("ETag", fmt.Sprint(shown))
		if req.URL.Query().Get("w") == "960" {
			w.Write(make([]byte, maxPayload+1))
			return
		}
		fmt.Fprintf(w, "JPEG %d", shown)
	}
	inBubble(t, func(c *Config) { c.Picture, changed = http.HandlerFunc(screen), make(chan struct{}) }, func(r *rig) {
		time.Sleep(time.Minute)
		if len(asked) > 0 {
			t.Errorf("asked without a connection: %v", asked)
		}
		r.b.connected()
		time.Sleep(time.Minute)
		if got := r.published("image"); got != "JPEG 1" {
			t.Errorf("%q", got)
		}
		if want := []string{"/screen.jpg?w=960&h=540", "/screen.jpg?w=640&h=360"}; !slices.Equal(asked[:2], want) {
			t.Errorf("asked %v", asked)
		}
		shown = 2
		changed <- struct{}{}
		if got := r.published("image"); got != "JPEG 2" {
			t.Errorf("another picture: %q", got)
		}
		for _, m := range r.all {
			if m.topic == r.b.topic("image") && m.retain {
				t.Error("a picture is kept by the broker")
			}
		}
		if n := len(asked); n > 8 {
			t.Errorf("asked %d times in two minutes", n)
		}
	})
}

// Messages of other topics are dropped, such as those of an earlier configuration.
func TestForeignTopics(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.b.connected()
		r.published("")
		for _, topic := range []string{"old/base/command", groupTopic("site=hall"), r.b.topic("reply"), ""} {
			r.b.received(message{topic: topic, payload: []byte(`{"command":"next","id":"1"}`)})
			if got := r.published("reply"); got != "" || len(r.calls) > 0 {
				t.Errorf("%s: %s, %v", topic, got, r.calls)
			}
		}
	})
}

// Collections have names that people gave them. In guest mode they stay on the box.
func TestSettingsOfGuests(t *testing.T) {
	all := func() map[string]device.Setting {
		return map[string]device.Setting{"slideshow.collection": {Value: "Anna"}, "pick.collection": {Value: "Anna"}, "slideshow.zoom": {Value: true}}
	}
	for _, guests := range []bool{false, true} {
		b := New(Config{Broker: &url.URL{}, Settings: all, Guests: guests})
		if got := b.settings(); len(got) == 3 == guests {
			t.Errorf("guests %v: %v", guests, got)
		}
	}
}

// A picture that fits in no size is left out.
func TestLargePicture(t *testing.T) {
	asked := 0
	screen := func(w http.ResponseWriter, _ *http.Request) {
		asked++
		w.Write(make([]byte, maxPayload+1))
	}
	inBubble(t, func(c *Config) { c.Picture = http.HandlerFunc(screen) }, func(r *rig) {
		r.b.connected()
		time.Sleep(time.Minute)
		if got := r.published("image"); got != "" {
			t.Errorf("%d bytes", len(got))
		}
		if asked < len(pictureSizes) || asked > 4*len(pictureSizes) {
			t.Errorf("asked %d times in a minute", asked)
		}
	})
}
