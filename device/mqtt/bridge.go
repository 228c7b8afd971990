package mqtt

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"golang.org/x/time/rate"

	"pickerd/device"
	"pickerd/device/health"
	"pickerd/display"
)

// Config is what a Bridge needs.
type Config struct {
	Broker *url.URL // mqtt: or mqtts:, with user and password
	// TLS returns what a connection by mqtts: needs. Certificates may be renewed meanwhile.
	TLS    func() (*tls.Config, error)
	Expiry time.Duration // of the session at the broker, after the connection is lost
	// Dial opens the connections, without TLS; nil means net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	ID   string // of the box: also the client ID
	Base string // of the topics
	// Discovery is the prefix under which Home Assistant is told of the box; "" for nothing.
	Discovery string
	Version   string // of the program

	Guests   bool              // guest mode
	Personal bool              // people's addresses may be told
	Operator ed25519.PublicKey // nil: nothing that must be signed is taken
	// UnsignedSettings says that settings need no signature.
	UnsignedSettings bool

	Statuses *display.Board[device.Status]
	API      http.Handler // the control API
	// Settings returns the settings in force; nil without any. SettingsChanged is to be
	// called when they have changed.
	Settings func() map[string]device.Setting
	// Groups are those that the box is in, as "site=lobby". SetGroup replaces the settings
	// of one; nil if that can't be.
	Groups   []string
	SetGroup func(ctx context.Context, group string, all map[string]any) error
	// Health returns how the machine is; nil if that is not told.
	Health func() health.Health
	// Picture serves what the screen shows as package snapshot does; nil if that is not told.
	Picture http.Handler
	// Lines returns the newest lines of the log, without secrets; nil if they are not told.
	Lines func() []string
	// Orders is nil while there is no storage. Nothing is carried out then.
	Orders Orders
	// Parting says how the box leaves the broker when ctx has ended for a cause; nil means
	// Offline.
	Parting func(cause error) Parting
	Now     func() time.Time // the servers' time
	Log     *slog.Logger
}

// A Parting is how a box leaves the broker.
type Parting int

const (
	// Offline: the box is off until further notice.
	Offline Parting = iota
	// Returning: the next process of the box is there before the broker tells anybody.
	// Nothing is said, so that the broker publishes the will if it is not.
	Returning
	// Gone: the box forgets what it was, or goes to another broker. This one keeps nothing
	// of it, and no commands for it.
	Gone
)

// Orders keeps on disk what was carried out, and where the broker keeps something.
type Orders interface {
	Serials
	// Seen reports whether a command's ID was there before, among the last thousand, and
	// stores it.
	Seen(id string) (bool, error)
	// Topics returns the topics under which the broker keeps something of the box.
	Topics() ([]string, error)
	SetTopics(topics []string) error
}

const (
	// maxEvents is how many events are kept while the broker is away. The oldest go first.
	maxEvents = 100
	// maxCommands is how many commands wait. More are refused.
	maxCommands = 16
	// Commands beyond commandBurst come as fast as commandEvery allows.
	commandEvery = 200 * time.Millisecond
	commandBurst = 20
)

// A message is published or received.
type message struct {
	topic   string
	payload []byte
	retain  bool
}

// A link is a connection to a broker that is made anew whenever it is lost.
type link interface {
	// publish sends a message, and returns when the broker has it.
	publish(ctx context.Context, m message) error
	// close ends the link, after some last messages.
	close(last []message, how Parting)
}

// A Bridge connects a box to a broker.
type Bridge struct {
	cfg      Config
	dial     func(ctx context.Context, b *Bridge) link
	limit    *rate.Limiter
	commands chan message
	changed  chan struct{} // holds a value if the settings may have changed
	ordered  chan struct{} // holds a value if there are groups to obey
	broker   display.Board[device.BrokerStatus]

	// Of send alone.

	stale   []string        // topics to be cleared
	settled bool            // stale was found out
	tidy    bool            // all of it is cleared, and the topics are stored
	denied  map[string]bool // topics that the broker has refused

	mu       sync.Mutex
	up       bool // connected
	retained retained
	events   []device.Event    // not published yet, oldest first
	groups   map[string][]byte // not obeyed yet, the newest of each group
	losses   int               // of connections
	replies  []reply           // not published yet
	picture  []byte            // not published yet
	wake     chan struct{}     // holds a value if there may be something to publish
	dropped  int               // events
}

// New returns a Bridge, which begins with Run.
func New(cfg Config) *Bridge {
	b := &Bridge{cfg: cfg, dial: connect, limit: rate.NewLimiter(rate.Every(commandEvery), commandBurst),
		commands: make(chan message, maxCommands), changed: make(chan struct{}, 1), ordered: make(chan struct{}, 1), wake: make(chan struct{}, 1),
		groups: map[string][]byte{}, denied: map[string]bool{}, retained: retained{wanted: map[string][]byte{}}}
	b.tell(device.BrokerStatus{})
	return b
}

// tell sets what Broker carries, but for the address.
func (b *Bridge) tell(s device.BrokerStatus) {
	s.Address = Address(b.cfg.Broker)
	b.broker.Set(s)
}

// Broker carries whether the box is connected.
func (b *Bridge) Broker() *display.Board[device.BrokerStatus] { return &b.broker }

// Run connects the box to the broker until ctx ends, and returns ctx's error.
func (b *Bridge) Run(ctx context.Context) error {
	l := b.dial(ctx, b)
	var wg sync.WaitGroup
	wg.Go(func() { b.follow(ctx) })
	wg.Go(func() { b.obey(ctx) })
	if b.cfg.Picture != nil {
		wg.Go(func() { b.takePictures(ctx) })
	}
	b.send(ctx, l)
	wg.Wait()
	l.close(b.parting(context.Cause(ctx)))
	return ctx.Err()
}

// parting returns what is said at the end.
func (b *Bridge) parting(cause error) (last []message, how Parting) {
	if b.cfg.Parting != nil {
		how = b.cfg.Parting(cause)
	}
	switch how {
	case Offline:
		last = []message{{topic: b.topic("availability"), payload: []byte(offline), retain: true}}
	case Gone:
		for _, topic := range slices.Backward(append(b.topics(), b.stale...)) {
			last = append(last, message{topic: topic, retain: true})
		}
	}
	return last, how
}

// topic returns a topic of the box.
func (b *Bridge) topic(name string) string { return b.cfg.Base + "/" + name }

// SettingsChanged has the settings published if they are others.
func (b *Bridge) SettingsChanged() { stir(b.changed) }

// healthEvery is how often it is told how the machine is.
const healthEvery = 5 * time.Minute

// follow queues each newer status and the events between them, newer settings, and now
// and then how the machine is.
func (b *Bridge) follow(ctx context.Context) {
	events := device.NewEvents(b.cfg.Statuses.Get())
	statuses, wait := b.cfg.Statuses.Feed(ctx)
	defer wait()
	t := time.NewTicker(healthEvery)
	defer t.Stop()
	s, settings, machine := b.cfg.Statuses.Get(), b.settings(), b.health()
	for {
		b.describe(s, settings, machine)
		select {
		case <-ctx.Done():
			return
		case s = <-statuses:
			b.add(events.Next(s))
		case <-b.changed:
			settings = b.settings()
		case <-t.C:
			machine = b.health()
		}
	}
}

// add queues events.
func (b *Bridge) add(list []device.Event) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range list {
		e.At = b.cfg.Now().UTC()
		b.events = append(b.events, b.event(e))
	}
	if n := len(b.events) - maxEvents; n > 0 {
		b.events = append(b.events[:0], b.events[n:]...)
		b.dropped += n
	}
}

// stir puts a value into a channel that holds one.
func stir(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// connected is called with each new connection, when the command topics are subscribed,
// and lost when it is gone. What the broker kept may have been cleared meanwhile.
func (b *Bridge) connected() {
	b.mu.Lock()
	b.up = true
	b.retained.kept = map[string][]byte{}
	b.mu.Unlock()
	b.tell(device.BrokerStatus{Since: b.cfg.Now().UTC()})
	b.cfg.Log.Info("broker connected", "broker", b.cfg.Broker.Redacted())
	stir(b.wake)
}

func (b *Bridge) lost() {
	b.mu.Lock()
	b.up = false
	b.losses++
	b.mu.Unlock()
}

// publishRetry is the pause after a message that got no answer.
const publishRetry = 5 * time.Second

// send publishes what is queued while there is a connection.
func (b *Bridge) send(ctx context.Context, l link) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		}
		b.settle()
		for ctx.Err() == nil {
			m, done, ok := b.next()
			if !ok {
				break
			}
			err := l.publish(ctx, m)
			if _, refused := errors.AsType[*refusedError](err); err != nil && !refused {
				if ctx.Err() == nil {
					b.cfg.Log.Debug("not published", "topic", m.topic, "err", err)
				}
				b.pause(ctx)
				break
			}
			if err != nil && !b.denied[m.topic] {
				b.denied[m.topic] = true
				b.cfg.Log.Warn("not published", "topic", m.topic, "err", err)
			}
			b.mu.Lock()
			done()
			b.mu.Unlock()
		}
	}
}

// pause waits for a time, or until there is more to publish, such as after a connection.
func (b *Bridge) pause(ctx context.Context) {
	t := time.NewTimer(publishRetry)
	defer t.Stop()
	select {
	case <-t.C:
	case <-b.wake:
	case <-ctx.Done():
	}
	stir(b.wake)
}

// A refusedError means that the broker has refused a message, as it will again.
type refusedError struct{ reason byte }

func (e *refusedError) Error() string {
	if e.reason == packets.PubackNotAuthorized {
		return "the broker's access rules forbid it"
	}
	return fmt.Sprintf("the broker refuses it with reason %#x", e.reason)
}

// next returns what is to be published next, and what is to be done when it is.
func (b *Bridge) next() (m message, done func(), ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case !b.up:
		return message{}, nil, false
	case len(b.replies) > 0:
		return b.encode("reply", b.replies[0]), func() { b.replies = b.replies[1:] }, true
	case len(b.events) > 0:
		dropped := b.dropped
		return b.encode("event", b.events[0]), func() {
			if b.dropped == dropped { // else the oldest are gone
				b.events = b.events[1:]
			}
		}, true
	case b.picture != nil:
		picture := b.picture
		b.picture = nil // an older one is of no use
		return message{topic: b.topic("image"), payload: picture}, func() {}, true
	}
	return b.nextRetained()
}

// encode makes a message of a value, which can always be encoded.
func (b *Bridge) encode(topic string, v any) message {
	return message{topic: b.topic(topic), payload: encode(v)}
}

// encode returns the JSON of a value that can always be encoded.
func encode(v any) []byte {
	payload, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return payload
}
