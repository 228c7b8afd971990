package mqtt

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
)

// Signed settings of a group are set once, and no older, foreign or unsigned ones.
func TestGroups(t *testing.T) {
	var mu sync.Mutex // time alone orders nothing
	var set []string
	var fail error
	config := func(c *Config) {
		c.Groups = []string{"floor=2", "site=lobby"}
		c.SetGroup = func(_ context.Context, group string, all map[string]any) error {
			mu.Lock()
			defer mu.Unlock()
			text, _ := json.Marshal(all)
			set = append(set, group+" "+string(text))
			return fail
		}
	}
	inBubble(t, config, func(r *rig) {
		order := Order{Target: "site=lobby", Serial: 2, NotAfter: time.Now().Add(24 * time.Hour), Settings: map[string]any{"slideshow.zoom": true}}
		send := func(topic string, payload []byte) string {
			set = nil
			r.b.received(message{topic: topic, payload: payload, retain: true})
			synctest.Wait()
			return strings.Join(set, "; ")
		}
		sign := func(o Order) []byte {
			data, err := o.Sign(operator)
			if err != nil {
				t.Fatal(err)
			}
			return data
		}
		lobby := groupTopic("site=lobby")
		for i, want := range []string{`site=lobby {"slideshow.zoom":true}`, ""} { // the broker repeats them with each connection
			if got := send(lobby, sign(order)); got != want {
				t.Errorf("%d: set %q, want %q", i, got, want)
			}
		}
		for name, payload := range map[string][]byte{
			"nothing":     {},
			"unsigned":    []byte(`{"slideshow.zoom":false}`),
			"older":       sign(Order{Target: "site=lobby", Serial: 1, NotAfter: order.NotAfter, Settings: order.Settings}),
			"other group": sign(Order{Target: "floor=2", Serial: 9, NotAfter: order.NotAfter, Settings: order.Settings}),
			"box":         sign(Order{Target: r.b.cfg.ID, Serial: 9, NotAfter: order.NotAfter, Settings: order.Settings}),
			"expired":     sign(Order{Target: "site=lobby", Serial: 9, NotAfter: time.Now(), Settings: order.Settings}),
			"command":     sign(Order{Target: "site=lobby", Serial: 9, NotAfter: order.NotAfter, Command: "unpair"}),
		} {
			if got := send(lobby, payload); got != "" || len(r.calls) > 0 {
				t.Errorf("%s: set %s, asked %v", name, got, r.calls)
			}
		}
		order.Target, order.Serial = "site=hall", 3
		if got := send(groupTopic("site=hall"), sign(order)); got != "" {
			t.Errorf("a group of others: %s", got)
		}
		// Settings that could not be stored come again.
		order.Target, fail = "site=lobby", errors.New("disk full")
		send(lobby, sign(order))
		if r.orders.serials["site=lobby"] != 2 {
			t.Errorf("the serial is %d", r.orders.serials["site=lobby"])
		}
		for i, why := range []error{errors.New("disk full"), &device.SettingError{Key: "a.b"}} { // one passes, the other does not
			mu.Lock()
			set, fail = nil, why
			mu.Unlock()
			time.Sleep(groupRetry)
			synctest.Wait()
			if len(set) != 1 {
				t.Errorf("retry %d: set %v", i, set)
			}
		}
		mu.Lock()
		set = nil
		mu.Unlock()
		time.Sleep(5 * groupRetry)
		if synctest.Wait(); len(set) > 0 {
			t.Errorf("refused settings were tried again: %v", set)
		}
		order.Settings = nil // back to the files
		fail = nil
		if got := send(lobby, sign(order)); got != "site=lobby null" || r.orders.serials["site=lobby"] != 3 {
			t.Errorf("no settings: %s, serial %d", got, r.orders.serials["site=lobby"])
		}
	})
}

// Settings of a group arrive however many commands wait.
func TestGroupInFlood(t *testing.T) {
	var set []string
	inBubble(t, func(c *Config) {
		c.Groups = []string{"site=lobby"}
		c.SetGroup = func(_ context.Context, group string, _ map[string]any) error { set = append(set, group); return nil }
	}, func(r *rig) {
		r.b.connected()
		r.published("")
		payload, err := Order{Target: "site=lobby", Serial: 1, NotAfter: time.Now().Add(time.Hour), Settings: map[string]any{}}.Sign(operator)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 60 {
			r.b.received(message{topic: r.b.topic("command"), payload: []byte(`{"command":"next","id":"` + string(rune('a'+i)) + `"}`)})
		}
		r.b.received(message{topic: groupTopic("site=lobby"), payload: payload, retain: true})
		time.Sleep(time.Minute)
		synctest.Wait()
		if len(set) != 1 {
			t.Errorf("set %v", set)
		}
		for line := range strings.Lines(r.published("reply")) {
			if strings.Contains(line, `"id":""`) {
				t.Errorf("a group's settings are answered: %s", line)
			}
		}
	})
}
