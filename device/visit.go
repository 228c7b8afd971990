package device

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"
	"time"

	"pickerd/oauthdevice"
	"pickerd/store"
)

// Errors of what a phone brings.
var (
	// ErrLinkUnknown means that a link or a state is not one of this box, or
	// one of long ago.
	ErrLinkUnknown = errors.New("the link is not one of this box")
	// ErrLinkUsed means that a phone has come back with this state already.
	ErrLinkUsed = errors.New("the link was used already")
	// ErrLinkLate means that a link's time is over.
	ErrLinkLate = errors.New("the link's time is over")
	// ErrNoAnswer means that a phone came back with neither code nor error.
	ErrNoAnswer = errors.New("there is no code in the address")
	// ErrNotThrough means that signing in did not end in a place to choose
	// photos, or not soon enough; the screen says more.
	ErrNotThrough = errors.New("signing in did not go through")
)

// A Visit is what a phone finds behind the link on the screen.
type Visit struct {
	Name    string // of this box
	Paste   bool   // the person has to bring the address back by hand
	AuthURL string // where to sign in
}

// bygones remembers the last links that are over, for the right words to those
// who come with them.
type bygones struct {
	mu   sync.Mutex
	list []bygone
}

type bygone struct {
	link, nonce string
	why         error
}

const manyBygones = 32

func (b *bygones) add(p *store.Pairing, why error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list = append(b.list, bygone{p.Link, p.Nonce, why})
	b.list = b.list[max(0, len(b.list)-manyBygones):]
}

// why returns what became of a link or nonce, ErrLinkUnknown where that is not
// known.
func (b *bygones) why(is func(bygone) bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range b.list {
		if e := b.list[len(b.list)-1-i]; is(e) {
			return e.why
		}
	}
	return ErrLinkUnknown
}

// same compares what must not be guessed piece by piece.
func same(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// find returns the pairing that is meant, of the one on the screen and the one
// before it. Its errors are ErrLinkUsed, ErrLinkLate and ErrLinkUnknown.
func (d *Device) find(now *store.Pairing, is func(link, nonce string) bool) (*store.Pairing, error) {
	for p := now; p != nil; p = p.Previous {
		switch {
		case !is(p.Link, p.Nonce):
			continue
		case p.Answered():
			return nil, ErrLinkUsed
		case time.Now().After(p.ExpiresAt.Add(linkGrace)):
			return nil, ErrLinkLate
		}
		return p, nil
	}
	return nil, d.bygones.why(func(b bygone) bool { return is(b.link, b.nonce) })
}

// Visit returns what the link on the screen leads to. Its errors are those of
// find.
func (d *Device) Visit(link string) (Visit, error) {
	link = strings.ToLower(link) // who hears it may write it in either case
	p, err := d.find(d.screen.pairing(), func(l, _ string) bool { return same(l, link) })
	if err != nil {
		return Visit{}, err
	}
	for _, w := range d.cfg.Ways {
		if w.Method == p.Method && w.ClientID == p.ClientID {
			return Visit{Name: d.cfg.Name, Paste: p.Method == ByPaste,
				AuthURL: d.client(&w).AuthCodeURL(p.RedirectURI, p.State, oauthdevice.Secret(p.Verifier))}, nil
		}
	}
	return Visit{}, ErrLinkUnknown
}

// Redirected takes what the authorization server sent back by way of a phone
// (RFC 6749 §4.1.2). state is good for one answer. It waits until the person
// can choose photos and returns the pickerUri, so that the phone can go on
// there. Its errors are those of find, ErrNoAnswer, a *Problem and
// ErrNotThrough.
func (d *Device) Redirected(ctx context.Context, answer url.Values) (pickerURI string, err error) {
	nonce := nonceOf(answer.Get("state"))
	meant := func(_, n string) bool { return same(n, nonce) }
	// Who does not know a state must not get as far as the loop.
	if _, err := d.find(d.screen.pairing(), meant); err != nil {
		return "", err
	}
	var taken *store.Pairing
	err = d.ask(ctx, func() error {
		p, err := d.find(d.facts.pairing, meant)
		if err != nil {
			return err
		}
		accepted := *p
		accepted.Previous = nil
		accepted.Code, accepted.Refusal = answer.Get("code"), answer.Get("error")
		if !accepted.Answered() {
			return ErrNoAnswer
		}
		if err := d.savePairing(accepted); err != nil {
			return err
		}
		taken = &accepted
		// The other one on the screen is over with it.
		for b := d.facts.pairing; b != nil; b = b.Previous {
			d.bygones.add(b, ErrLinkUsed)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return d.follow(ctx, taken.RequestID)
}

// nonceOf reads the nonce out of either form that stateFor gives.
func nonceOf(state string) string {
	var s struct {
		Nonce string `json:"nonce"`
	}
	data, err := base64.RawURLEncoding.DecodeString(state)
	if err != nil || json.Unmarshal(data, &s) != nil || s.Nonce == "" {
		return state
	}
	return s.Nonce
}

// followFor is how long a phone waits for its place to choose.
const followFor = 30 * time.Second

// follow waits until the pick of a pairing can be made.
func (d *Device) follow(ctx context.Context, requestID string) (pickerURI string, err error) {
	ctx, cancel := context.WithTimeout(ctx, followFor)
	defer cancel()
	for s := range d.Statuses().Watch(ctx) {
		switch {
		case s.Pick != nil && s.Pick.RequestID == requestID && s.Pick.PickerURI != "":
			return s.Pick.PickerURI, nil
		case s.Problem != nil && !d.screen.concerns(requestID):
			return "", s.Problem
		}
	}
	return "", ErrNotThrough
}
