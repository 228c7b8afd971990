package engine

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice"
	"pickerd/store"
)

const (
	// linkLife is how long a link is on the screen.
	linkLife = 15 * time.Minute
	// linkGrace is how much longer somebody may take who scanned it in time and is
	// still typing a password.
	linkGrace = 10 * time.Minute
)

// pairByRedirect keeps a link on the screen that leads a phone to the consent
// page, and exchanges the code that the phone brings back (RFC 6749 §4.1).
func (e *Engine) pairByRedirect(ctx context.Context, m *Method) error {
	p := e.facts.pairing
	if p != nil && p.Answered() {
		return e.exchange(ctx, m, p)
	}
	base, err := e.cfg.Phones.Open()
	if err == nil && m.Name == device.ByRelay && !IsPrivateBase(base) {
		err = fmt.Errorf("a relay page sends nobody to %s, only to private, link-local and .local addresses", base)
	}
	if err != nil {
		return &listenError{err}
	}
	if p == nil {
		return e.newLink(m, base, nil)
	}
	renew := renewAt(p, e.poll.codeExpiry(e.facts))
	switch {
	case e.renewal.requested == p.RequestID:
		e.renewal.requested = ""
		return e.newLink(m, base, p)
	case !strings.HasPrefix(p.QRURI, base+device.LinkPath):
		e.log.Info("address changed", "address", base)
		return e.newLink(m, base, p)
	case time.Now().Before(renew):
		e.calm()
		wait := min(time.Until(renew), addressInterval)
		if e.pub.hasProblem() {
			wait = min(wait, noticeFor) // then calm removes the notice
		}
		return e.pulse.sleep(ctx, wait)
	case e.facts.photos > 0 || e.facts.newAccount:
		return e.abandonPairing()
	}
	return e.newLink(m, base, p)
}

// IsPrivateBase reports whether a relay page sends phones to a base address.
func IsPrivateBase(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return false
	}
	host := u.Hostname()
	ip := net.ParseIP(host)
	if ip == nil {
		return strings.HasSuffix(strings.ToLower(host), ".local")
	}
	return ip.IsPrivate() || ip.IsLinkLocalUnicast()
}

// newLink makes a link and the secrets that belong to it. Only the challenge of
// the verifier leaves the box (RFC 7636).
func (e *Engine) newLink(m *Method, base string, replaced *store.Pairing) error {
	link := strings.ToLower(rand.Text()[:16])
	now := time.Now()
	p := store.Pairing{
		Method:      m.Name,
		ClientID:    m.ClientID,
		RequestID:   newRequestID(),
		TokenURL:    e.cfg.OAuth.TokenURL,
		RevokeURL:   e.cfg.OAuth.RevokeURL,
		QRURI:       base + device.LinkPath + link,
		Link:        link,
		Nonce:       rand.Text(),
		Verifier:    string(oauthdevice.NewVerifier()),
		RedirectURI: m.RedirectURI,
		StartedAt:   now,
		ExpiresAt:   now.Add(linkLife),
	}
	p.VerificationURI = p.QRURI
	var err error
	if p.State, err = stateFor(m.Name, base, e.cfg.options().Name, p.Nonce); err != nil {
		return err
	}
	if err := e.cfg.CheckQR(p.QRURI); err != nil {
		return &linkError{Op: "pairing", What: "pairing.address", Err: err}
	}
	return e.beginPairing(p, replaced)
}

// stateFor returns the state that passes through the authorization server and
// back. A relay page reads from it which box to send the phone to, and its name.
func stateFor(method, base, name, nonce string) (string, error) {
	if method != device.ByRelay {
		return nonce, nil
	}
	data, err := json.Marshal(map[string]string{"to": base, "name": name, "nonce": nonce})
	return base64.RawURLEncoding.EncodeToString(data), err
}

// exchange exchanges the code that a phone has brought. An answer on its way is
// waited for even if a request comes: a code is good once.
func (e *Engine) exchange(ctx context.Context, m *Method, p *store.Pairing) error {
	if p.Refusal != "" {
		if err := e.records.dropPairing(e.facts.pairing); err != nil {
			return err
		}
		return oauthdevice.NewAuthorizationError(p.Refusal)
	}
	// Only the end of the daemon cuts it short. A request can wait.
	graceful, cancel := oauthdevice.WithGrace(e.runCtx)
	defer cancel()
	call, cancelCall := callContext(graceful)
	defer cancelCall()
	t, err := e.methods.clientFor(m, p).Exchange(call, oauthdevice.Secret(p.Code), p.RedirectURI, oauthdevice.Secret(p.Verifier))
	switch oe, _ := errors.AsType[*oauthdevice.Error](err); {
	case err == nil:
		e.noteOnline()
		return e.paired(m, p, t)
	case ctx.Err() != nil:
		return ctx.Err()
	case oe != nil && oe.Temporary() && time.Since(p.StartedAt) < linkLife+linkGrace:
		return err // no answer, or not the server's: the code may still be good
	}
	if err := e.records.dropPairing(e.facts.pairing); err != nil {
		return err
	}
	return err
}

// A listenError means that no phone can reach this box.
type listenError struct{ Err error }

func (e *listenError) Error() string { return "listen for phones: " + e.Err.Error() }
func (e *listenError) Unwrap() error { return e.Err }
