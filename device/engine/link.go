package engine

import (
	"context"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"sync"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice"
	"pickerd/store"
)

// maxEndedLinks bounds the links that endedLinks remembers.
const maxEndedLinks = 32

// endedLinks holds recently ended links, so that late visitors get a specific
// error.
type endedLinks struct {
	mu   sync.Mutex
	list []endedLink
}

type endedLink struct {
	link, nonce string
	why         error
}

func (l *endedLinks) add(p *store.Pairing, why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.list = append(l.list, endedLink{p.Link, p.Nonce, why})
	l.list = l.list[max(0, len(l.list)-maxEndedLinks):]
}

// find returns why a link ended, device.ErrLinkUnknown if that is not known.
func (l *endedLinks) find(is func(link, nonce string) bool) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.list {
		if e := l.list[len(l.list)-1-i]; is(e.link, e.nonce) {
			return e.why
		}
	}
	return device.ErrLinkUnknown
}

// same compares secrets in constant time.
func same(a, b string) bool {
	return a != "" && subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

// Links are what phones reach that sign in.
type Links struct {
	engine *Engine
	ended  *endedLinks
}

// find returns the pairing that is meant: current, or the one that it replaced.
// Its errors are device.ErrLinkUsed, ErrLinkLate and ErrLinkUnknown.
func (l *Links) find(current *store.Pairing, is func(link, nonce string) bool) (*store.Pairing, error) {
	for p := current; p != nil; p = p.Previous {
		switch {
		case !is(p.Link, p.Nonce):
			continue
		case p.Answered():
			return nil, device.ErrLinkUsed
		case time.Now().After(p.ExpiresAt.Add(linkGrace)):
			return nil, device.ErrLinkLate
		}
		return p, nil
	}
	return nil, l.ended.find(is)
}

// Visit returns where the link on the screen leads. Its errors are those of find.
func (l *Links) Visit(link string) (device.Visit, error) {
	link = strings.ToLower(link) // somebody who hears it may write it in either case
	p, err := l.find(l.engine.pub.currentPairing(), func(own, _ string) bool { return same(own, link) })
	if err != nil {
		return device.Visit{}, err
	}
	m := l.engine.methods.find(p)
	if m == nil {
		return device.Visit{}, device.ErrLinkUnknown
	}
	return device.Visit{Name: l.engine.cfg.options().Name, Paste: p.Method == device.ByPaste,
		AuthURL: l.engine.methods.client(m).AuthCodeURL(p.RedirectURI, p.State, oauthdevice.Secret(p.Verifier))}, nil
}

// Redirected takes what the authorization server sent back by way of a phone
// (RFC 6749 §4.1.2). state is good for one answer. It waits until the person can
// choose photos and returns the pickerUri, where the phone continues. Its errors
// are those of find, device.ErrNoAnswer, a *device.Problem and
// device.ErrNotThrough.
func (l *Links) Redirected(ctx context.Context, answer url.Values) (pickerURI string, err error) {
	e := l.engine
	nonce := nonceOf(answer.Get("state"))
	meant := func(_, own string) bool { return same(own, nonce) }
	// A visitor that does not know a state must not get as far as the loop.
	if _, err := l.find(e.pub.currentPairing(), meant); err != nil {
		return "", err
	}
	var accepted store.Pairing
	err = e.ask(ctx, func() error {
		p, err := l.find(e.facts.pairing, meant)
		if err != nil {
			return err
		}
		accepted = *p
		accepted.Previous = nil
		accepted.Code, accepted.Refusal = answer.Get("code"), answer.Get("error")
		if !accepted.Answered() {
			return device.ErrNoAnswer
		}
		if err := e.records.savePairing(accepted); err != nil {
			return err
		}
		e.pulse.progress() // somebody is there
		// The other one on the screen ends with it.
		for p := e.facts.pairing; p != nil; p = p.Previous {
			l.ended.add(p, device.ErrLinkUsed)
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	return l.follow(ctx, accepted.RequestID)
}

// nonceOf reads the nonce from either form of stateFor.
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

// follow waits until the pick of a pairing can be made.
func (l *Links) follow(ctx context.Context, requestID string) (pickerURI string, err error) {
	ctx, cancel := context.WithTimeout(ctx, followFor)
	defer cancel()
	for s := range l.engine.pub.board.Watch(ctx) {
		problem := s.Problem
		if problem == nil {
			problem = s.Standing
		}
		switch {
		case s.State == device.Picking && s.Pick != nil && s.Pick.RequestID == requestID && s.Pick.PickerURI != "":
			l.engine.pub.setOnPhone(requestID)
			return s.Pick.PickerURI, nil
		case problem != nil && !l.engine.pub.concerns(requestID):
			return "", problem
		}
	}
	return "", device.ErrNotThrough
}
