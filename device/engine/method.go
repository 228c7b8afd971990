package engine

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice"
	"pickerd/store"
)

// A Method is one way to pair, with the OAuth client that it needs. Each type of
// client may use one method only.
type Method struct {
	Name        string // device.ByDevice, …
	ClientID    string // "" for ByImport
	Secret      oauthdevice.Secret
	RedirectURI string // of ByRelay and ByPaste
	// Issuer is the issuer of the server, whose addresses are in its metadata
	// (RFC 8414); only with ByDevice. "" means the addresses of Config.OAuth.
	Issuer string
	// Former means that nobody pairs by this method any more. Its client serves
	// the grants that were made with it.
	Former bool
}

// hasClient reports whether a method has the client that a grant names. A grant
// from before there were several methods names none.
func (m *Method) hasClient(clientID string) bool {
	if clientID == "" {
		return m.Name == device.ByDevice
	}
	return m.ClientID == clientID
}

// unverifiedFor is how long a refusal counts that may not be the server's: one that a
// browser brought, which anybody who has scanned the code can make up, and metadata
// that can't be used, which may be from a proxy without a server.
const unverifiedFor = time.Hour

// methods are the configured methods of pairing, and what servers refuse of them.
type methods struct {
	list       []Method
	former     []Method // that serve old grants only
	metadata   metadata
	oauth      oauthdevice.Client
	store      *store.Store
	unverified []store.Refusal // see unverifiedFor; the loop owns it
}

func newMethods(cfg Config) *methods {
	ms := &methods{oauth: cfg.OAuth, store: cfg.Store}
	ms.metadata.methods = ms
	for _, m := range cfg.Methods {
		if m.Former {
			ms.former = append(ms.former, m)
		} else {
			ms.list = append(ms.list, m)
		}
	}
	return ms
}

// client returns the OAuth client of a method. If the method has an issuer, the
// addresses are missing: server finds them.
func (ms *methods) client(m *Method) *oauthdevice.Client {
	c := ms.oauth
	c.ID, c.Secret = m.ClientID, m.Secret
	if m.Issuer != "" {
		c.DeviceAuthURL, c.AuthURL, c.TokenURL, c.RevokeURL = "", "", "", ""
	}
	return &c
}

// isOrphaned reports whether a refresh found the client of a grant gone: it was
// deleted or disabled, or it is refused and no longer configured, which nobody will
// ever mend.
func (ms *methods) isOrphaned(g *store.Grant, err error) bool {
	e, ok := isMethodRefusal(err)
	return ok && e.Op == "refresh" && (e.ClientGone() || ms.issuedTo(g) == nil)
}

// find returns the method of a pairing, nil if it is no longer configured.
func (ms *methods) find(p *store.Pairing) *Method {
	i := slices.IndexFunc(ms.list, func(m Method) bool { return ms.began(&m, p) })
	if i < 0 {
		return nil
	}
	return &ms.list[i]
}

// fingerprint identifies what a server is asked with. A refusal counts until that
// changes.
func (ms *methods) fingerprint(m *Method) string {
	c := ms.client(m)
	h := sha256.New()
	parts := append([]string{m.Name, c.ID, string(c.Secret), c.DeviceAuthURL, c.AuthURL, c.TokenURL, m.RedirectURI}, c.Scopes...)
	if m.Issuer != "" {
		parts = append(parts, m.Issuer)
	}
	for _, s := range parts {
		fmt.Fprintf(h, "%d:%s", len(s), s)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// current returns the refusals that apply to this configuration.
func (ms *methods) current(stored []store.Refusal) []store.Refusal {
	ms.unverified = slices.DeleteFunc(ms.unverified, func(r store.Refusal) bool { return time.Since(r.At) > unverifiedFor })
	return slices.DeleteFunc(slices.Concat(stored, ms.unverified), func(r store.Refusal) bool {
		return !slices.ContainsFunc(ms.list, func(m Method) bool { return ms.fingerprint(&m) == r.Fingerprint })
	})
}

// next returns the first method that is not refused, nil if all are.
func (ms *methods) next(refusals []store.Refusal) *Method {
	for i := range ms.list {
		m := &ms.list[i]
		of := ms.fingerprint(m)
		if !slices.ContainsFunc(refusals, func(r store.Refusal) bool { return r.Fingerprint == of }) {
			return m
		}
	}
	return nil
}

// unused returns the names of the methods that an operator could enable.
func (ms *methods) unused(refusals []store.Refusal) (names []string) {
	desktopRefused := slices.ContainsFunc(refusals, func(r store.Refusal) bool { return r.Method == device.ByPaste })
	for _, name := range []string{device.ByDevice, device.ByRelay, device.ByPaste, device.ByImport} {
		if name == device.ByImport && desktopRefused {
			continue // it signs in with a client of the same type
		}
		if !slices.ContainsFunc(ms.list, func(m Method) bool { return m.Name == name }) {
			names = append(names, name)
		}
	}
	return names
}

// refusedAll returns the error when all methods are refused. It names the last one.
func (ms *methods) refusedAll(refusals []store.Refusal) error {
	last := refusals[len(refusals)-1]
	for _, m := range ms.list {
		if ms.fingerprint(&m) == last.Fingerprint {
			return &refusedError{Method: m.Name, Gateway: m.Issuer != "", Scopes: ms.oauth.Scopes, Others: ms.unused(refusals),
				Err: &oauthdevice.Error{Op: "pairing", Code: last.Code, Description: last.Description}}
		}
	}
	return errors.New("a refusal of an unknown method") // current lets none through
}

// lacking returns a *ScopeError if less was granted than this box needs.
func (ms *methods) lacking(granted []string) error {
	t := oauthdevice.Token{Scopes: granted}
	if missing := t.MissingScopes(ms.oauth.Scopes); len(missing) > 0 {
		return &ScopeError{Missing: strings.Join(missing, " ")}
	}
	return nil
}

// isMethodRefusal reports whether an error means that the server refuses a method:
// the client is unknown, gone or of another type, or may not ask for the scope.
func isMethodRefusal(err error) (*oauthdevice.Error, bool) {
	e, ok := errors.AsType[*oauthdevice.Error](err)
	if !ok {
		return nil, false
	}
	if e.RefusesClient() || e.Code == oauthdevice.InvalidScope || e.Code == oauthdevice.UnsupportedGrantType {
		return e, true
	}
	return nil, false
}

// refused records that the server refuses a method, and tries the next one. If the
// server itself said so, it counts until the configuration changes. Without a next
// one the error is a *refusedError.
func (e *Engine) refused(m *Method, err *oauthdevice.Error) error {
	e.log.Warn("pairing method refused", "method", m.Name, "err", err)
	r := store.Refusal{Fingerprint: e.methods.fingerprint(m), Method: m.Name, Code: err.Code, Description: err.Description, At: time.Now()}
	if err.Op == oauthdevice.OpMetadata {
		r.Code, r.Description = err.Op, err.Err.Error()
	}
	if err.Op == oauthdevice.OpAuthorization || err.Op == oauthdevice.OpMetadata {
		e.methods.unverified = append(e.methods.unverified, r)
	} else if err := e.cfg.Store.Pairings.Refuse(r); err != nil {
		return storeError(err)
	}
	if err := e.load(); err != nil {
		return err
	}
	if next := e.methods.next(e.facts.refusals); next != nil {
		e.log.Info("trying next pairing method", "method", next.Name)
		return nil
	}
	return e.methods.refusedAll(e.facts.refusals)
}

// probe returns the one method that can be tried without a person. It is tried now
// and then while all are refused: an operator may have changed something at Google.
func (ms *methods) probe(refusals []store.Refusal) (*Method, error) {
	i := slices.IndexFunc(ms.list, func(m Method) bool { return m.Name == device.ByDevice })
	if i < 0 {
		return nil, ms.refusedAll(refusals)
	}
	m := &ms.list[i]
	of := ms.fingerprint(m)
	isOld := func(r store.Refusal) bool { return r.Fingerprint == of }
	ms.unverified = slices.DeleteFunc(ms.unverified, isOld)
	if err := ms.store.Pairings.DeleteRefusals(isOld); err != nil {
		return nil, storeError(err)
	}
	return m, nil
}

// forgetRefusals lets every method be tried once more.
func (ms *methods) forgetRefusals() error {
	ms.unverified = nil
	if err := ms.store.Pairings.DeleteRefusals(func(store.Refusal) bool { return true }); err != nil {
		return storeError(err)
	}
	return nil
}

// A ScopeError means that a grant lacks a permission: the person left it out.
type ScopeError struct{ Missing string }

func (e *ScopeError) Error() string { return "the grant lacks the scope " + e.Missing }

// A refusedError means that all methods are refused: an operator must act.
type refusedError struct {
	Method  string // the last one
	Gateway bool   // it was refused by a gateway
	Scopes  []string
	Err     *oauthdevice.Error
	Others  []string // methods that could be enabled
}

func (e *refusedError) Error() string {
	return "all pairing methods are refused: " + e.Method + ": " + e.Err.Error()
}
func (e *refusedError) Unwrap() error { return e.Err }

// describe makes a problem name the type of client and the scope that were
// refused, and the methods that could be enabled.
func (e *refusedError) describe(p *device.Problem) {
	p.Retryable = true
	if e.Gateway {
		return
	}
	p.Key, p.Args, p.Methods = "page.refused_client", []any{"type", device.ClientType(e.Method)}, e.Others
	if e.Err.Code != oauthdevice.InvalidScope {
		return
	}
	names := make([]string, len(e.Scopes))
	for i, s := range e.Scopes {
		names[i] = path.Base(s)
	}
	p.Key, p.Args = "page.refused_scope", append(p.Args, "scopes", strings.Join(names, ", "))
}
