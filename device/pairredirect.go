package device

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

	"pickerd/display"
	"pickerd/oauthdevice"
	"pickerd/store"
)

const (
	// linkLife is how long a link stands on the screen.
	linkLife = 15 * time.Minute
	// linkGrace is how long beyond that a person may take who scanned it in
	// time and is still typing a password.
	linkGrace = 10 * time.Minute
	// doorEvery is how often the box looks whether it still has the address
	// that the link names.
	doorEvery = 30 * time.Second
)

// A Door lets phones on the local network reach this box while one has to.
type Door interface {
	// Open lets phones in and returns the address that they find the box at,
	// "http://192.168.1.20:8420". Opening an open door only returns that.
	Open() (base string, err error)
	// Close lets nobody in any more, but for those who are just coming late.
	Close()
}

// expectsPhones reports whether a link is on the screen, or about to be.
func (d *Device) expectsPhones() bool {
	w := d.way()
	return w != nil && (w.Method == ByRelay || w.Method == ByPaste) && (d.facts.pairing != nil || !d.facts.revoking)
}

// pairByRedirect keeps a link on the screen that leads a phone to the consent
// page, and trades in what the phone comes back with.
func (d *Device) pairByRedirect(ctx context.Context, w *Way) error {
	p := d.facts.pairing
	if p != nil && p.Answered() {
		return d.redeem(ctx, w, p)
	}
	base, err := d.cfg.Door.Open()
	if err == nil && w.Method == ByRelay && !IsNear(base) {
		err = fmt.Errorf("a relay page sends nobody to %s, only to private, link-local and .local addresses", base)
	}
	if err != nil {
		return &doorError{err}
	}
	if p == nil {
		return d.newLink(w, base, nil)
	}
	until := d.poll.pairUntil(d.facts)
	renew := renewAt(p, until)
	switch {
	case d.renewWished(p):
		d.renewNow = ""
		return d.newLink(w, base, p)
	case !strings.HasPrefix(p.QRURI, base+linkPath):
		d.log.Info("this box has another address now", "address", base)
		return d.newLink(w, base, p)
	case time.Now().Before(renew):
		d.calm()
		wait := min(time.Until(renew), doorEvery)
		if d.screen.troubled() {
			wait = min(wait, stayFor) // then calm takes the notice away
		}
		return d.sleep(ctx, wait)
	case d.facts.photos > 0 || d.facts.newcomer:
		return d.giveUpPairing()
	}
	return d.newLink(w, base, p)
}

// IsNear reports whether a relay page sends phones to a base address.
func IsNear(base string) bool {
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

// linkPath is where the box serves its links; phones are sent back beside it.
const linkPath = "/pair/"

// newLink makes a link and what belongs to it: all of it comes from this box,
// and only the challenge of the verifier ever leaves it.
func (d *Device) newLink(w *Way, base string, before *store.Pairing) error {
	link := strings.ToLower(rand.Text()[:16])
	now := time.Now()
	p := store.Pairing{
		Method:      w.Method,
		ClientID:    w.ClientID,
		RequestID:   newRequestID(),
		QRURI:       base + linkPath + link,
		Link:        link,
		Nonce:       rand.Text(),
		Verifier:    string(oauthdevice.NewVerifier()),
		RedirectURI: w.RedirectURI,
		StartedAt:   now,
		ExpiresAt:   now.Add(linkLife),
	}
	p.VerificationURI = p.QRURI
	var err error
	if p.State, err = stateFor(w.Method, base, d.cfg.Name, p.Nonce); err != nil {
		return err
	}
	if _, err := display.NewQR(p.QRURI); err != nil {
		return &linkError{Op: "pairing", What: "pairing.address", Err: err}
	}
	return d.begin(p, before)
}

// stateFor is what goes through the authorization server and back. A relay page
// reads from it which box to send the phone to, and what that is called.
func stateFor(method, base, name, nonce string) (string, error) {
	if method != ByRelay {
		return nonce, nil
	}
	data, err := json.Marshal(map[string]string{"to": base, "name": name, "nonce": nonce})
	return base64.RawURLEncoding.EncodeToString(data), err
}

// redeem trades in what a phone has brought. An answer on its way is waited for
// even when a wish comes: a code is good once.
func (d *Device) redeem(ctx context.Context, w *Way, p *store.Pairing) error {
	if p.Refusal != "" {
		if err := d.dropPairing(); err != nil {
			return err
		}
		return oauthdevice.NewAuthorizationError(p.Refusal)
	}
	// Only the end of the daemon cuts it short: a wish can wait.
	lingering, cancel := oauthdevice.WithGrace(d.life)
	defer cancel()
	call, cancelCall := callContext(lingering)
	defer cancelCall()
	t, err := d.client(w).Exchange(call, oauthdevice.Secret(p.Code), p.RedirectURI, oauthdevice.Secret(p.Verifier))
	switch e, _ := errors.AsType[*oauthdevice.Error](err); {
	case err == nil:
		d.reach()
		return d.paired(w, p, t)
	case ctx.Err() != nil:
		return ctx.Err()
	case e != nil && e.Temporary() && time.Since(p.StartedAt) < linkLife+linkGrace:
		return err // no answer, or not the server's: the code may still be good
	}
	if err := d.dropPairing(); err != nil {
		return err
	}
	return err
}

// A doorError means that no phone can reach this box.
type doorError struct{ Err error }

func (e *doorError) Error() string { return "let phones in: " + e.Err.Error() }
func (e *doorError) Unwrap() error { return e.Err }
