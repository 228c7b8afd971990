package mqtt

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// A broker is a link that keeps what is published.
type broker struct {
	mu     sync.Mutex
	got    []message
	fail   bool // it refuses to take anything
	how    Parting
	denied string // topics with this are refused
}

// set has the broker refuse to take anything, or not.
func (k *broker) set(fail bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.fail = fail
}

func (k *broker) publish(_ context.Context, m message) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.fail {
		return errors.New("gone")
	}
	if k.denied != "" && strings.Contains(m.topic, k.denied) {
		return &refusedError{0x87}
	}
	k.got = append(k.got, m)
	return nil
}

func (k *broker) close(last []message, how Parting) {
	k.got = append(k.got, last...)
	k.how = how
}

// take returns what was published, and forgets it.
func (k *broker) take() []message {
	k.mu.Lock()
	defer k.mu.Unlock()
	got := k.got
	k.got = nil
	return got
}

// A memory is Orders without a disk.
type memory struct {
	ids     map[string]bool
	serials map[string]uint64
	topics  []string
	err     error
}

func (m *memory) Topics() ([]string, error) { return m.topics, m.err }

func (m *memory) SetTopics(topics []string) error {
	m.topics = topics
	return m.err
}

func (m *memory) Seen(id string) (bool, error) {
	seen := m.ids[id]
	m.ids[id] = true
	return seen, m.err
}

func (m *memory) Advance(target string, serial uint64) (bool, error) {
	if m.err != nil || serial <= m.serials[target] {
		return false, m.err
	}
	m.serials[target] = serial
	return true, nil
}

func (m *memory) Highest(target string) (uint64, error) { return m.serials[target], m.err }

// A rig is a bridge between a box and a broker that are not there.
type rig struct {
	t      *testing.T
	b      *Bridge
	broker broker
	board  display.Board[device.Status]
	orders memory
	calls  []string // of the control API
	answer int      // of the control API, with a problem from 400 on
	all    []message
}

// operator is the operator's key.
var operator = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// inBubble runs f with a rig in virtual time.
func inBubble(t *testing.T, change func(*Config), f func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{t: t, orders: memory{ids: map[string]bool{}, serials: map[string]uint64{}}, answer: http.StatusOK}
		r.board.Set(device.Status{State: device.Showing, Name: "Hall"})
		broker, err := url.Parse("mqtt://anna:secret@broker.test")
		if err != nil {
			t.Fatal(err)
		}
		cfg := Config{Broker: broker, ID: "0123456789abcdef", Base: "pickerd/0123456789abcdef", Statuses: &r.board, Orders: &r.orders, Now: time.Now,
			Operator: operator.Public().(ed25519.PublicKey), Log: slog.New(slog.DiscardHandler),
			API: http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
				body, _ := io.ReadAll(req.Body)
				r.calls = append(r.calls, strings.TrimSpace(req.Method+" "+req.URL.RequestURI()+" "+string(body)))
				w.WriteHeader(r.answer)
				if r.answer >= 400 {
					io.WriteString(w, `{"title":"Conflict","status":409,"detail":"A pick is running.","code":"c"}`)
				}
			})}
		if change != nil {
			change(&cfg)
		}
		r.b = New(cfg)
		r.b.dial = func(context.Context, *Bridge) link { return &r.broker }
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.b.Run(ctx) }()
		defer func() {
			cancel()
			if err := <-ended; err != context.Canceled {
				t.Error(err)
			}
		}()
		f(r)
	})
}

// published returns what was published under a topic since the last call, one in a line.
func (r *rig) published(topic string) string {
	r.t.Helper()
	synctest.Wait()
	var lines []string
	for _, m := range r.broker.take() {
		r.all = append(r.all, m)
		if m.topic == r.b.topic(topic) {
			lines = append(lines, string(m.payload))
		}
	}
	return strings.Join(lines, "\n")
}

// ask sends a command and returns the reply.
func (r *rig) ask(payload []byte) reply {
	r.t.Helper()
	r.published("")
	r.b.received(message{topic: r.b.topic("command"), payload: payload})
	var got reply
	if err := json.Unmarshal([]byte(r.published("reply")), &got); err != nil {
		r.t.Fatal(err)
	}
	return got
}

func TestStatus(t *testing.T) {
	full := device.Status{State: device.Picking, Since: time.Unix(1e9, 0).UTC(), Name: "Hall", Pairing: &device.PairingStatus{UserCode: "SECRET-CODE"},
		Pick: &device.PickStatus{PickerURI: "https://SECRET", SessionID: "SECRET"}, LastPick: &device.PickEnd{RequestID: "1", Photos: 3}, Library: device.Library{Items: 5},
		Accounts: []device.AccountStatus{{ID: "id-anna", Name: "Anna", Email: "anna@example.org"}}, DisplayKey: "SECRET", Recipient: "SECRET", ScreenOn: true,
		Showing: &device.ShowingStatus{Item: "item-7", Account: "id-anna", Paused: true},
		Problem: &device.ProblemStatus{Code: "configuration", Message: "Wrong.", File: "/etc/SECRET"}}
	for name, tt := range map[string]struct {
		change      func(*Config)
		has, hasNot []string
	}{
		"plain":    {nil, []string{`"state":"picking"`, `"items":5`, `"photos":3`, `"accounts":1`, `"paused":true`, `"configuration"`}, []string{"anna", "Anna"}},
		"personal": {func(c *Config) { c.Personal = true }, []string{`"emails":["anna@example.org"]`}, []string{"id-anna"}},
		"guest":    {func(c *Config) { c.Guests, c.Personal = true, true }, []string{`"state":"picking"`, `"configuration"`}, []string{"anna", "Anna", "item-7", "items", "photos"}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, tt.change, func(r *rig) {
				r.b.connected()
				r.published("")
				r.board.Set(full)
				got := r.published("status")
				for _, want := range tt.has {
					if !strings.Contains(got, want) {
						t.Errorf("%s is missing in %s", want, got)
					}
				}
				for _, secret := range append(tt.hasNot, "SECRET") {
					if strings.Contains(got, secret) {
						t.Errorf("%s is in %s", secret, got)
					}
				}
			})
		})
	}
}

// A status is published when it is another one for the broker, and after each
// connection.
func TestStatusAnew(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		if got := r.published("status"); got != "" {
			t.Errorf("without a connection: %s", got)
		}
		for range 2 {
			r.b.connected()
			if got := r.published("status"); !strings.Contains(got, `"Hall"`) {
				t.Errorf("connected: %q", got)
			}
			r.board.Set(device.Status{State: device.Showing, Name: "Hall", DisplayKey: "another"})
			if got := r.published("status"); got != "" {
				t.Errorf("the same again: %s", got)
			}
			r.b.lost()
		}
	})
}

// Events are kept while the broker is away, the newest of them.
func TestEventsAway(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		synctest.Wait()
		for i := range maxEvents + 50 {
			r.board.Set(device.Status{State: device.Showing, Showing: &device.ShowingStatus{Item: string(rune('A' + i))}})
			synctest.Wait()
		}
		if s := r.b.Broker().Get(); s.Error != "" || !s.Since.IsZero() {
			t.Errorf("before a connection: %+v", s)
		}
		r.b.connected()
		if s := r.b.Broker().Get(); s.Error != "" || !s.Since.Equal(time.Now()) {
			t.Errorf("after a connection: %+v", s)
		}
		lines := strings.Split(r.published("event"), "\n")
		if len(lines) != maxEvents || !strings.Contains(lines[0], string(rune('A'+50))) || !strings.Contains(lines[maxEvents-1], string(rune('A'+maxEvents+49))) {
			t.Errorf("%d events, from %s to %s", len(lines), lines[0], lines[len(lines)-1])
		}
		r.broker.set(true) // the connection breaks while an event is published
		r.board.Set(device.Status{State: device.Idle})
		r.published("")
		r.b.lost()
		r.broker.set(false)
		r.b.connected()
		if got := r.published("event"); strings.Count(got, `"state":"idle"`) != 1 {
			t.Errorf("after a broken connection: %s", got)
		}
	})
}

// In guest mode no event names what is a guest's.
func TestEventsOfGuests(t *testing.T) {
	inBubble(t, func(c *Config) { c.Guests = true }, func(r *rig) {
		r.b.connected()
		r.published("")
		r.board.Set(device.Status{State: device.Showing, Accounts: []device.AccountStatus{{ID: "anna"}}, Showing: &device.ShowingStatus{Item: "item-7"}, Library: device.Library{Items: 9}})
		got := r.published("event")
		if !strings.Contains(got, "paired") || !strings.Contains(got, "photo_shown") || strings.Contains(got, "anna") || strings.Contains(got, "item-7") || strings.Contains(got, "9}") {
			t.Error(got)
		}
	})
}

func TestCommands(t *testing.T) {
	for _, tt := range []struct{ command, call, code string }{
		{`{"command":"next","id":"1"}`, "POST /v1/slideshow/next", ""},
		{`{"command":"previous","id":"1","args":{}}`, "POST /v1/slideshow/previous", ""},
		{`{"command":"pause","id":"1"}`, "POST /v1/slideshow/pause", ""},
		{`{"command":"pause","id":"1","args":{"on":false}}`, "POST /v1/slideshow/resume", ""},
		{`{"command":"cancel","id":"1"}`, "DELETE /v1/picks/current", ""},
		{`{"command":"pick","id":"1"}`, "POST /v1/picks", ""},
		{`{"command":"pick","id":"1","args":{"account":"a&b","collection":"Christmas Eve"}}`, "POST /v1/picks?account=a%26b&collection=Christmas+Eve", ""},
		{`{"command":"pick","id":"1","args":{"account":""}}`, "POST /v1/picks?account=", ""}, // which the API refuses
		{`{"command":"screen","id":"1","args":{"on":false}}`, `PATCH /v1/screen {"on":false}`, ""},
		{`{"command":"next","id":"1","args":{"x":1}}`, "", "invalid_args"},
		{`{"command":"pick","id":"1","args":[]}`, "", "invalid_args"},
		{`{"command":"fly","id":"1"}`, "", "unknown_command"},
		{`{"command":"settings","id":"1","args":{"name":"x"}}`, "", "unsigned"},
		{`{"command":"unpair","id":"1"}`, "", "unsigned"},
		{`{"command":"hide","id":"1","args":{"item":"x"}}`, "", "unsigned"},
		{`{"command":"next"}`, "", "bad_command"},
		{`{"command":"next","id":"` + strings.Repeat("x", maxID+1) + `"}`, "", "bad_command"},
		{`{"command":"next","id":"1","more":1}`, "", "bad_command"},
		{`{"command":"next","id":1}`, "", "bad_command"},
		{`{"command":7,"id":"1"}`, "", "bad_command"},
		{`{"command":"next","id":"1"} {}`, "", "bad_command"},
		{`[]`, "", "bad_command"},
		{``, "", "bad_command"},
		{strings.Repeat("x", 10<<20), "", "bad_command"},
	} {
		inBubble(t, nil, func(r *rig) {
			r.b.connected()
			got := r.ask([]byte(tt.command))
			code := ""
			if got.Problem != nil {
				code = got.Problem.Code
			}
			if call := strings.Join(r.calls, "; "); call != tt.call || code != tt.code || got.OK != (code == "") {
				t.Errorf("%.100s: %q, %+v, want %q, %q", tt.command, call, got, tt.call, tt.code)
			}
			if got.Problem != nil && (got.Problem.Detail == "" || got.Problem.Status < 400) {
				t.Errorf("%.100s: the problem is %+v", tt.command, got.Problem)
			}
		})
	}
}

// A reply is small, whatever the ID.
func TestLongIDs(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.b.connected()
		long := strings.Repeat("<", 60_000)
		signed, err := Order{Target: "x", ID: long}.Sign(operator)
		if err != nil {
			t.Fatal(err)
		}
		for _, payload := range []string{`{"command":"next","id":"` + long + `"}`, `{"command":"next","x":1,"id":"` + long + `"}`, string(signed[:min(len(signed), maxPayload)])} {
			if got := r.ask([]byte(payload)); got.OK || len(got.ID) > maxID {
				t.Errorf("an ID of %d bytes: %+v", len(got.ID), got.Problem)
			}
		}
	})
}

// A command that the box refuses has the box's own words, one that comes twice or from
// before a restart is not carried out.
func TestCommandsRefused(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.b.connected()
		r.answer = http.StatusConflict
		if got := r.ask([]byte(`{"command":"pick","id":"1"}`)); got.OK || got.Problem.Detail != "A pick is running." || got.ID != "1" {
			t.Errorf("%+v", got)
		}
		if got := r.ask([]byte(`{"command":"pick","id":"1"}`)); got.OK || got.Problem.Code != "repeated" || len(r.calls) != 1 {
			t.Errorf("the same again: %+v", got)
		}
		r.b.received(message{topic: r.b.topic("command"), payload: []byte(`{"command":"pick","id":"2"}`), retain: true})
		if got := r.published("reply"); got != "" || len(r.calls) != 1 {
			t.Errorf("retained: %s", got)
		}
		r.orders.err = errors.New("disk")
		if got := r.ask([]byte(`{"command":"pick","id":"3"}`)); got.Problem.Code != "disk" || len(r.calls) != 1 {
			t.Errorf("without a disk: %+v", got)
		}
	})
}

// A flood of commands is refused beyond a bound, and carried out slowly.
func TestCommandsFlood(t *testing.T) {
	inBubble(t, nil, func(r *rig) {
		r.b.connected()
		synctest.Wait()
		for i := range 1000 {
			r.b.received(message{topic: r.b.topic("command"), payload: []byte(`{"command":"next","id":"` + string(rune('a'+i)) + `"}`)})
			if i%2 == 0 {
				synctest.Wait()
			}
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(r.calls); n < commandBurst || n > commandBurst+maxCommands+1 {
			t.Errorf("%d commands were carried out", n)
		}
	})
}

func TestOrders(t *testing.T) {
	now := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC) // of a bubble
	box := "0123456789abcdef"
	_, foreign, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	good := Order{Target: box, Serial: 5, NotAfter: now.Add(time.Hour), ID: "1", Settings: map[string]any{"slideshow.interval": "20s"}}
	with := func(change func(*Order)) Order { o := good; change(&o); return o }
	for name, tt := range map[string]struct {
		order      Order
		key        ed25519.PrivateKey
		break_     func([]byte) []byte
		call, code string
	}{
		"settings":      {order: good, call: `PATCH /v1/settings {"slideshow.interval":"20s"}`},
		"unpair":        {order: with(func(o *Order) { o.Settings, o.Command, o.Args = nil, "unpair", []byte(`{"everywhere":true}`) }), call: "DELETE /v1/account?everywhere=true"},
		"hide":          {order: with(func(o *Order) { o.Settings, o.Command, o.Args = nil, "hide", []byte(`{"item":"a/b"}`) }), call: `PATCH /v1/items/a%2Fb {"hidden":true}`},
		"unsigned kind": {order: with(func(o *Order) { o.Settings, o.Command = nil, "next" }), call: "POST /v1/slideshow/next"},
		"nothing":       {order: with(func(o *Order) { o.Settings = nil }), code: "unknown_command"},
		"both":          {order: with(func(o *Order) { o.Command = "next" }), code: badEnvelope},
		"other box":     {order: with(func(o *Order) { o.Target = "fedcba9876543210" }), code: otherTarget},
		"group":         {order: with(func(o *Order) { o.Target = "site=lobby" }), code: otherTarget},
		"expired":       {order: with(func(o *Order) { o.NotAfter = now }), code: expiredOrder},
		"never expires": {order: with(func(o *Order) { o.NotAfter = time.Time{} }), code: expiredOrder},
		"older serial":  {order: with(func(o *Order) { o.Serial = 4 }), code: olderSerial},
		"same serial":   {order: with(func(o *Order) { o.Serial = 0 }), code: olderSerial},
		"foreign key":   {order: good, key: foreign, code: foreignKey},
		"foreign key with our name": {order: good, key: foreign, break_: func(b []byte) []byte {
			return bytes.Replace(b, []byte(KeyID(foreign.Public().(ed25519.PublicKey))), []byte(KeyID(operator.Public().(ed25519.PublicKey))), 1)
		}, code: badSignature},
		"unknown member": {order: good, break_: func(b []byte) []byte { return bytes.Replace(b, []byte(`{"payload"`), []byte(`{"x":1,"payload"`), 1) }, code: badEnvelope},
		"no base64":      {order: good, break_: func(b []byte) []byte { return bytes.Replace(b, []byte(`"payload":"`), []byte(`"payload":"#`), 1) }, code: badEnvelope},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(r *rig) {
				r.b.connected()
				r.orders.serials[box] = 4
				key := tt.key
				if key == nil {
					key = operator
				}
				data, err := tt.order.Sign(key)
				if err != nil {
					t.Fatal(err)
				}
				if tt.break_ != nil {
					data = tt.break_(data)
				}
				got := r.ask(data)
				code := ""
				if got.Problem != nil {
					code = got.Problem.Code
				}
				if call := strings.Join(r.calls, "; "); call != tt.call || code != tt.code {
					t.Errorf("%q, %+v %+v, want %q, %q", call, got, got.Problem, tt.call, tt.code)
				}
				if tt.call != "" {
					if again := r.ask(data); again.OK || again.Problem.Code != olderSerial || again.Serial != tt.order.Serial {
						t.Errorf("again: %+v", again)
					}
				}
			})
		})
	}
}

// Without the operator's key nothing that must be signed is taken.
func TestNoOperator(t *testing.T) {
	inBubble(t, func(c *Config) { c.Operator = nil }, func(r *rig) {
		r.b.connected()
		data, err := Order{Target: r.b.cfg.ID, Serial: 1, NotAfter: time.Now().Add(time.Hour), Settings: map[string]any{"name": "x"}}.Sign(operator)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.ask(data); got.Problem.Code != foreignKey || len(r.calls) > 0 {
			t.Errorf("%+v", got)
		}
		if got := r.ask([]byte(`{"command":"settings","id":"1","args":{"name":"x"}}`)); got.Problem.Code != "not_allowed" || len(r.calls) > 0 {
			t.Errorf("%+v", got)
		}
	})
}

func TestBackoff(t *testing.T) {
	for n := range 100 {
		d := Backoff(n)
		most := min(firstRetry<<min(n, 10), maxRetry)
		if d < most/2 || d >= most {
			t.Errorf("try %d after %v, want up to %v", n, d, most)
		}
	}
}

// TestSpread checks that boxes that lose a steady connection at once don't come back at
// once.
func TestSpread(t *testing.T) {
	var tenths [10]int
	const boxes = 10_000
	for range boxes {
		n, d := rest(0, steady/2)
		if n != 1 || d < 0 || d >= spread {
			t.Fatalf("try %d after %v", n, d)
		}
		tenths[d*10/spread]++
	}
	for i, n := range tenths {
		if n > boxes/8 {
			t.Errorf("%d of %d boxes come in tenth %d of %v", n, boxes, i, spread)
		}
	}
	if n, _ := rest(5, 2*steady); n != 1 {
		t.Errorf("after a long connection: try %d", n)
	}
	if n, d := rest(5, steady/2); n != 6 || d < firstRetry<<5/2 {
		t.Errorf("after a short connection: try %d after %v", n, d)
	}
}

// TestPacketConn checks that a packet is one write, and that a connection that does not
// take it is closed.
func TestPacketConn(t *testing.T) {
	here, there := net.Pipe()
	c := &packetConn{Conn: here}
	send := func() {
		c.Lock()
		defer c.Unlock()
		c.Write([]byte("head"))
		c.Write([]byte(" and body"))
	}
	go send()
	p := make([]byte, 100)
	if n, err := there.Read(p); err != nil || string(p[:n]) != "head and body" {
		t.Errorf("%q, %v", p[:n], err)
	}
	there.Close()
	send()
	if _, err := here.Read(p); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("the connection is still open: %v", err)
	}
}

func FuzzCommand(f *testing.F) {
	f.Add([]byte(`{"command":"pick","id":"1","args":{"account":"a"}}`))
	f.Add([]byte(`{"command":"hide","id":"1","args":{"item":"../x"}}`))
	signed, err := Order{Target: "t", Settings: map[string]any{"name": "x"}}.Sign(operator)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(signed)
	f.Fuzz(func(t *testing.T, data []byte) {
		if isEnvelope(data) {
			open(data, operator.Public().(ed25519.PublicKey))
			return
		}
		c, err := parse(data)
		if err != nil {
			return
		}
		if o, ok := operations[c.Command]; ok && o.request != nil {
			if r, err := o.request(c.Args); err == nil {
				if _, err := url.ParseRequestURI(r.path); err != nil {
					t.Errorf("path %q: %v", r.path, err)
				}
			}
		}
	})
}
