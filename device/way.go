package device

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"pickerd/oauthdevice"
	"pickerd/store"
)

// The ways in which a person may sign in.
const (
	ByDevice = "device" // device authorization grant (RFC 8628)
	ByRelay  = "relay"  // on the phone; a hosted page sends it back to the box
	ByPaste  = "paste"  // on the phone; the person copies an address to the box's page
	ByImport = "import" // elsewhere; an operator brings the token
)

// A Way is one way to sign in, with the OAuth client that it needs: each type of
// client may use one way only.
type Way struct {
	Method      string
	ClientID    string // none for ByImport
	Secret      oauthdevice.Secret
	RedirectURI string // of ByRelay and ByPaste
}

// clientTypes are the names that the Google console has for the clients of ways.
var clientTypes = map[string]string{
	ByDevice: "TVs and Limited Input devices",
	ByRelay:  "Web application",
	ByPaste:  "Desktop app",
}

// methods are all the ways that there are.
var methods = []string{ByDevice, ByRelay, ByPaste, ByImport}

// client returns the OAuth client of a way.
func (d *Device) client(w *Way) *oauthdevice.Client {
	c := d.cfg.OAuth
	c.ID, c.Secret = w.ClientID, w.Secret
	return &c
}

// clientOf returns the OAuth client that a grant was given to. Only that one can
// use it, whatever is configured now.
func (d *Device) clientOf(g *store.Grant) *oauthdevice.Client {
	own := &Way{ClientID: g.ClientID, Secret: oauthdevice.Secret(g.ClientSecret)}
	for i, w := range d.cfg.Ways {
		if w.is(g.ClientID) {
			own = &d.cfg.Ways[i] // with the secret that is configured now
			break
		}
	}
	return d.client(own)
}

// is reports whether a way has the client that a grant names; one from before
// there were several ways names none.
func (w *Way) is(clientID string) bool {
	if clientID == "" {
		return w.Method == ByDevice
	}
	return w.ClientID == clientID
}

// configured reports whether a client is still one of the configuration's.
func (d *Device) configured(clientID string) bool {
	return slices.ContainsFunc(d.cfg.Ways, func(w Way) bool { return w.is(clientID) })
}

// fingerprint names what a server is asked with, so that a refusal counts until
// that changes.
func (d *Device) fingerprint(w *Way) string {
	c := d.client(w)
	h := sha256.New()
	for _, s := range append([]string{w.Method, c.ID, string(c.Secret), c.DeviceAuthURL, c.AuthURL, c.TokenURL, w.RedirectURI}, c.Scopes...) {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// standing are the refusals that are about the configuration as it is.
func (d *Device) standing(all []store.Refusal) []store.Refusal {
	d.hearsay = slices.DeleteFunc(d.hearsay, func(r store.Refusal) bool { return time.Since(r.At) > hearsayFor })
	return slices.DeleteFunc(slices.Concat(all, d.hearsay), func(r store.Refusal) bool {
		return !slices.ContainsFunc(d.cfg.Ways, func(w Way) bool { return d.fingerprint(&w) == r.Fingerprint })
	})
}

// way returns the first way that has not been refused, nil when none is left.
func (d *Device) way() *Way {
	for i := range d.cfg.Ways {
		w := &d.cfg.Ways[i]
		if !slices.ContainsFunc(d.facts.refusals, func(r store.Refusal) bool { return r.Fingerprint == d.fingerprint(w) }) {
			return w
		}
	}
	return nil
}

// refuses reports whether an error means that the server won't serve a way: the
// client is of another type or unknown, or may not ask for the scope.
func refuses(err error) (*oauthdevice.Error, bool) {
	e, ok := errors.AsType[*oauthdevice.Error](err)
	if !ok {
		return nil, false
	}
	switch e.Code {
	case oauthdevice.InvalidScope, oauthdevice.InvalidClient, oauthdevice.UnauthorizedClient, oauthdevice.UnsupportedGrantType:
		return e, true
	}
	return nil, false
}

// hearsayFor is how long a refusal counts that a browser brought: anybody who
// has scanned the code can make one up.
const hearsayFor = time.Hour

// refused remembers that the server won't serve a way and goes on to the next
// one: until the configuration changes if the server itself said so. Without a
// next one the error is a *refusedError.
func (d *Device) refused(w *Way, e *oauthdevice.Error) error {
	d.log.Warn("way to pair refused", "method", w.Method, "err", e)
	r := store.Refusal{Fingerprint: d.fingerprint(w), Method: w.Method, Code: e.Code, Description: e.Description, At: time.Now()}
	if e.Op == oauthdevice.OpAuthorization {
		d.hearsay = append(d.hearsay, r)
	} else if err := d.cfg.Store.Pairings.Refuse(r); err != nil {
		return &storeError{err}
	}
	if err := d.load(); err != nil {
		return err
	}
	if next := d.way(); next != nil {
		d.log.Info("pairing goes on another way", "method", next.Method)
		return nil
	}
	return d.noWay()
}

// noWay is the error when every way was refused; the last one is named.
func (d *Device) noWay() error {
	last := d.facts.refusals[len(d.facts.refusals)-1]
	for _, w := range d.cfg.Ways {
		if d.fingerprint(&w) == last.Fingerprint {
			return &refusedError{Way: w, Scopes: d.cfg.OAuth.Scopes, Others: d.closedWays(),
				Err: &oauthdevice.Error{Op: "pairing", Code: last.Code, Description: last.Description}}
		}
	}
	return errors.New("a refusal of no way") // standing lets none through
}

// askAgain lets every way be tried once more, because somebody wants to.
func (d *Device) askAgain() error {
	d.hearsay = nil
	if err := d.cfg.Store.Pairings.DeleteRefusals(func(store.Refusal) bool { return true }); err != nil {
		return &storeError{err}
	}
	return nil
}

// closedWays are the ways that an operator could open.
func (d *Device) closedWays() (closed []string) {
	for _, method := range methods {
		desktopRefused := slices.ContainsFunc(d.facts.refusals, func(r store.Refusal) bool { return r.Method == ByPaste })
		if method == ByImport && desktopRefused {
			continue // it signs in with a client of the same type
		}
		if !slices.ContainsFunc(d.cfg.Ways, func(w Way) bool { return w.Method == method }) {
			closed = append(closed, method)
		}
	}
	return closed
}

// A refusedError means that the last way in was refused: an operator must act.
type refusedError struct {
	Way    Way
	Scopes []string
	Err    *oauthdevice.Error
	Others []string // methods of pairing that could be opened
}

func (e *refusedError) Error() string {
	return "no way is left to pair: " + e.Way.Method + ": " + e.Err.Error()
}
func (e *refusedError) Unwrap() error { return e.Err }

// detail makes a problem name the client type and the scope that were refused,
// and the ways that could be opened.
func (e *refusedError) detail(p *Problem) {
	p.key, p.args, p.open = "page.refused_client", []any{"type", clientTypes[e.Way.Method]}, e.Others
	defer p.inEnglish()
	if e.Err.Code != oauthdevice.InvalidScope {
		return
	}
	names := make([]string, len(e.Scopes))
	for i, s := range e.Scopes {
		names[i] = path.Base(s)
	}
	p.key, p.args = "page.refused_scope", append(p.args, "scopes", strings.Join(names, ", "))
}
