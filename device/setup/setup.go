// Package setup serves the pages with which a phone sets up a box that was never set
// up: its name, language and time zone, the Wi-Fi, and how people sign in. Nothing of
// that takes effect before the person taps Finish, except the Wi-Fi. Then a durable
// mark comes first, see Commit, and the pages are closed for good.
//
// The box's own outputs show the way to the pages: a path with a key of 128 bits. It
// belongs to the first phone that taps Start.
package setup

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"pickerd/device"
	"pickerd/device/phone"
	"pickerd/display"
	"pickerd/display/httpserve"
	"pickerd/display/words"
)

// Prefix is how the paths of the pages begin.
const Prefix = "/setup/"

const (
	// maxKeyAge is how long a key that no phone has claimed is valid.
	maxKeyAge = 15 * time.Minute
	// maxIdle is how long the phone with the claim may be without a request. After
	// that another one may start.
	maxIdle = 10 * time.Minute
)

// WiFi lists and joins networks while the box has none.
type WiFi interface {
	device.WiFiJoiner
	// State returns what the box knows of its networks.
	State() device.WiFi
}

// Config is what Pages need.
type Config struct {
	Name  string       // of the box, as long as nobody has chosen one
	Words *words.Words // the screen's
	Zone  string       // the box's time zone (IANA), as far as it knows
	WiFi  WiFi         // nil for a box that can't join networks
	Types Types

	// Gateway checks that a gateway has this address, as oauthdevice.Discover does.
	Gateway func(ctx context.Context, issuer string) error
	// Check returns a *device.SettingError if a setting can't have a value. Nil
	// accepts all.
	Check func(key, value string) error
	// Commit stores the plan, and returns when it is on disk. Its errors are
	// *device.SettingError, after which nothing is stored, and *device.StoreError.
	Commit func(ctx context.Context, p Plan) error
	// Used is called at each request of the phone that sets the box up. It may be nil.
	Used func()
	Log  *slog.Logger
}

// An Invitation is the way to the pages. Only the box's own outputs may show Path.
type Invitation struct {
	Path    string // on the box, with the key; "" when the box is set up, and while it joins a network
	Claimed bool   // a phone is setting the box up
}

// Pages are the pages for one box.
type Pages struct {
	cfg         Config
	limits      *phone.Limits
	invitations display.Board[Invitation]
	wake        chan struct{} // tells Run of a claim
	finished    chan struct{} // closed when the box is set up and the phone was told
	joins       chan join     // for Run; holds one

	mu    sync.Mutex
	key   string
	made  time.Time // when key was
	claim *claim    // nil while no phone has started
	draft draft
	done  bool // the box is set up
}

// A claim is that of the phone that is setting the box up.
type claim struct {
	cookie string
	last   time.Time // its last request
}

// A draft is what a person has entered so far.
type draft struct {
	box                  bool // Name, language and zone are entered
	name, language, zone string
	gateway              string
	client               *Client
	network              device.WiFiNetwork // to be joined
	password             string             // for network
	joining              bool
	joinError            error // of the last attempt
}

// New returns pages with a first key. Run must be running for a key to be replaced,
// and for joining a network.
func New(cfg Config) *Pages {
	p := &Pages{cfg: cfg, limits: phone.NewLimits(), wake: make(chan struct{}, 1), finished: make(chan struct{}), joins: make(chan join, 1)}
	p.renew()
	return p
}

// Invitations are the current way to the pages and each newer one.
func (p *Pages) Invitations() *display.Board[Invitation] { return &p.invitations }

// Finished is closed when the box is set up and the phone has its last page.
func (p *Pages) Finished() <-chan struct{} { return p.finished }

// Run replaces keys, ends claims and joins networks until ctx ends.
func (p *Pages) Run(ctx context.Context) error {
	for {
		t := time.NewTimer(p.expire())
		select {
		case <-ctx.Done():
			t.Stop()
			return ctx.Err()
		case <-t.C:
		case <-p.wake:
		case j := <-p.joins:
			p.join(ctx, j)
		}
		t.Stop()
	}
}

// expire ends what has come to its end. It returns when something else will.
func (p *Pages) expire() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expireLocked()
	if p.claim != nil {
		return time.Until(p.claim.last.Add(maxIdle))
	}
	return time.Until(p.made.Add(maxKeyAge))
}

func (p *Pages) expireLocked() {
	switch {
	case p.done:
		p.made = time.Now()
	case p.claim != nil && time.Since(p.claim.last) >= maxIdle:
		p.draft = draft{} // the next phone is another person's
		p.renewLocked()
	case p.claim == nil && time.Since(p.made) >= maxKeyAge:
		p.renewLocked()
	}
}

func (p *Pages) renew() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.renewLocked()
}

// renewLocked makes a new key, which no phone has claimed.
func (p *Pages) renewLocked() {
	p.key, p.made, p.claim = rand.Text(), time.Now(), nil // 130 bits
	p.publishLocked()
}

func (p *Pages) publishLocked() {
	i := Invitation{Claimed: p.claim != nil && !p.done}
	if !p.done && !p.draft.joining { // at a new address the claimed key would turn phones away
		i.Path = Prefix + p.key
	}
	p.invitations.Set(i)
}

// cookieName is that of the cookie that a phone with the claim has.
const cookieName = "pickerd_setup"

// A visitor is what a request is to the pages.
type visitor int

const (
	stranger  visitor = iota // knows no key
	scanner                  // knows the key, and nobody has started
	latecomer                // knows the key, and another phone has started
	owner                    // has started
	finisher                 // was the owner when the box was set up
)

// visitor tells who comes. It counts as a sign of life of the owner.
func (p *Pages) visitor(r *http.Request) visitor {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.expireLocked()
	if subtle.ConstantTimeCompare([]byte(r.PathValue("key")), []byte(p.key)) == 0 {
		return stranger
	}
	c, err := r.Cookie(cookieName)
	owns := err == nil && p.claim != nil && subtle.ConstantTimeCompare([]byte(c.Value), []byte(p.claim.cookie)) == 1
	switch {
	case p.done && owns:
		return finisher
	case p.done:
		return stranger
	case owns:
		p.claim.last = time.Now()
		if p.cfg.Used != nil {
			p.cfg.Used()
		}
		return owner
	case p.claim == nil:
		return scanner
	}
	return latecomer
}

// start gives the claim to the phone that asks first.
func (p *Pages) start(w http.ResponseWriter, r *http.Request) (started bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.claim != nil || p.done {
		return false
	}
	p.claim = &claim{cookie: rand.Text(), last: time.Now()}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: p.claim.cookie, Path: Prefix, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: r.TLS != nil})
	p.publishLocked()
	select {
	case p.wake <- struct{}{}:
	default: // Run will look anyway
	}
	p.cfg.Log.Info("set-up started", "phone", httpserve.RemoteAddr(r))
	return true
}

// entered returns the draft.
func (p *Pages) entered() draft {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.draft
}

// enter changes the draft.
func (p *Pages) enter(change func(*draft)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(&p.draft)
}

// plan returns what is to be stored, false while something is missing.
func (d *draft) plan() (Plan, bool) {
	if !d.box || d.gateway == "" && d.client == nil {
		return Plan{}, false
	}
	p := Plan{Settings: map[string]string{"name": literal(d.name), "display.language": d.language}, Client: d.client}
	if d.zone != "" {
		p.Settings["time_zone"] = d.zone
	}
	if d.gateway != "" {
		p.Settings["google.gateway"] = d.gateway
	}
	return p, true
}

// errUnfinished means that a person has not entered everything.
var errUnfinished = errors.New("the set-up is not complete")

// finish stores what was entered. From then on the pages are closed. A phone that goes
// away in the middle does not end it.
func (p *Pages) finish(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	plan, ok := p.draft.plan()
	if !ok {
		return errUnfinished
	}
	if err := p.cfg.Commit(context.WithoutCancel(ctx), plan); err != nil {
		return err
	}
	p.done, p.draft = true, draft{name: p.draft.name}
	p.publishLocked()
	p.cfg.Log.Info("set-up finished")
	return nil
}
