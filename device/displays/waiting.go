package displays

import (
	"crypto/rand"
	"crypto/sha256"
	"net/netip"
	"slices"
	"strings"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/httpserve"
	"pickerd/store"
)

// Bounds of the browsers that wait.
const (
	maxWaiting = 8
	waitFor    = 5 * time.Minute
	// maxSilence is how long a browser that waits may be silent before another one
	// takes its place: it asks every two seconds.
	maxSilence = 15 * time.Second
	maxEnded   = 32 // codes that are remembered after they have expired
)

// A waiting is a browser that waits.
type waiting struct {
	display.Waiting
	from  netip.Addr
	asked time.Time // when it last asked
}

// Wait returns what a browser without a key, or with one that lets it in no longer,
// shows while it waits. One that waits already keeps its key and code. page is where
// the QR code leads, without the code at its end. One browser of an address, or of an
// IPv6 network (/64), waits at a time. Errors are display.ErrAddressTaken,
// ErrManyWaiting and those of drawing.
func (k *Keeper) Wait(key string, from netip.Addr, page string) (display.Waiting, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	k.expire(now)
	if i := slices.IndexFunc(k.waiting, func(w *waiting) bool { return w.Key == key }); i >= 0 {
		w := k.waiting[i]
		w.asked, w.from = now, from
		return w.Waiting, nil
	}
	silent, err := k.room(from, now)
	if err != nil {
		return display.Waiting{}, err
	}
	if silent != nil {
		k.drop(silent)
	}
	w := &waiting{display.Waiting{Key: rand.Text(), Code: k.newCode(), Until: now.Add(waitFor)}, from, now}
	if w.Picture, err = k.cfg.Draw(page + w.Code); err != nil {
		return display.Waiting{}, err
	}
	k.waiting = append(k.waiting, w)
	select {
	case k.rearm <- struct{}{}:
	default:
	}
	return w.Waiting, nil
}

// room returns the silent browser whose place another one takes, nil if there is a free
// place.
func (k *Keeper) room(from netip.Addr, now time.Time) (*waiting, error) {
	isSilent := func(w *waiting) bool { return now.Sub(w.asked) >= maxSilence }
	for _, w := range k.waiting {
		if httpserve.HostOf(w.from) != httpserve.HostOf(from) {
			continue
		}
		if !isSilent(w) {
			return nil, display.ErrAddressTaken
		}
		return w, nil
	}
	if len(k.waiting) < maxWaiting {
		return nil, nil
	}
	w := slices.MinFunc(k.waiting, func(a, b *waiting) int { return a.asked.Compare(b.asked) })
	if !isSilent(w) {
		return nil, display.ErrManyWaiting
	}
	return w, nil
}

// newCode returns a code that no browser has or had a short while ago.
func (k *Keeper) newCode() string {
	for {
		var code strings.Builder
		for _, b := range []byte(rand.Text()[:display.WaitLength]) { // 32 letters and digits
			if i := strings.IndexByte(base32Letters, b); i < len(display.WaitLetters) {
				code.WriteByte(display.WaitLetters[i])
			}
		}
		c := code.String()
		if len(c) == display.WaitLength && !slices.Contains(k.ended, c) && !slices.ContainsFunc(k.waiting, func(w *waiting) bool { return w.Code == c }) {
			return c
		}
	}
}

// base32Letters are those of rand.Text.
const base32Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// waitingWith returns the browser that shows a code. Errors are device.ErrCodeUnknown
// and ErrCodeLate.
func (k *Keeper) waitingWith(typed string) (waiting, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.expire(time.Now())
	code := display.WaitCode(typed)
	for _, w := range k.waiting {
		if w.Code == code {
			return *w, nil
		}
	}
	if slices.Contains(k.ended, code) {
		return waiting{}, device.ErrCodeLate
	}
	return waiting{}, device.ErrCodeUnknown
}

// expire drops the browsers whose codes have expired.
func (k *Keeper) expire(now time.Time) {
	for _, w := range slices.Clone(k.waiting) {
		if !now.Before(w.Until) {
			k.drop(w)
		}
	}
}

func (k *Keeper) drop(w *waiting) {
	k.waiting = slices.DeleteFunc(k.waiting, func(other *waiting) bool { return other == w })
	k.ended = append(k.ended, w.Code)
	k.ended = k.ended[max(0, len(k.ended)-maxEnded):]
}

// nextEnd returns when the next code expires, or else a distant time.
func (k *Keeper) nextEnd() time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.waiting) == 0 {
		return time.Now().Add(time.Hour)
	}
	return k.waiting[0].Until
}

// linkFor is how long a link lets a browser in.
const linkFor = 15 * time.Minute

// LinkPath is the path of links. The token follows as a fragment, which browsers don't
// send: it is in no log and no Referer.
const LinkPath = "/link"

// Link returns a link that lets one browser in. Errors are device.ErrPageLocal and
// *device.StoreError.
func (k *Keeper) Link() (device.DisplayLink, error) {
	base := k.cfg.Base()
	if base == "" {
		return device.DisplayLink{}, device.ErrPageLocal
	}
	k.writes.Lock()
	defer k.writes.Unlock()
	now := k.cfg.Now().UTC()
	token := rand.Text()
	link := store.DisplayLink{Token: sha256.Sum256([]byte(token)), ExpiresAt: now.Add(linkFor)}
	err := k.cfg.Store.AddLink(link, now)
	var links []store.DisplayLink
	if err == nil {
		links, err = k.cfg.Store.Links()
	}
	if err != nil {
		return device.DisplayLink{}, &device.StoreError{Err: err}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	clear(k.links)
	for _, l := range links {
		k.links[l.Token] = l.ExpiresAt
	}
	return device.DisplayLink{URL: base + LinkPath + "#" + token, ExpiresAt: link.ExpiresAt}, nil
}

// UseLink lets the browser in that brings the token of a link, and returns its key.
// Errors are display.ErrLinkGone, device.ErrManyDisplays and *device.StoreError.
func (k *Keeper) UseLink(token string, from netip.Addr) (key string, err error) {
	if len(token) != keyLength {
		return "", display.ErrLinkGone
	}
	hash := store.DisplayHash(sha256.Sum256([]byte(token)))
	k.mu.Lock()
	end, ok := k.links[hash]
	k.mu.Unlock()
	if now := k.cfg.Now(); !ok || !now.Before(end) || end.Sub(now) > linkFor { // the clock went back
		return "", display.ErrLinkGone
	}
	k.writes.Lock()
	defer k.writes.Unlock()
	key = rand.Text()
	if err := k.letIn(key, "", from, func(d store.Display) error { return k.cfg.Store.UseLink(hash, d) }); err != nil {
		return "", err
	}
	k.mu.Lock()
	delete(k.links, hash)
	k.mu.Unlock()
	return key, nil
}
