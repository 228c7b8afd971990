package engine

import (
	"errors"
	"fmt"
	"time"

	"pickerd/picker"
	"pickerd/store"
)

const (
	// sessionLife is how long Google keeps a session that nobody deletes.
	sessionLife = 7 * 24 * time.Hour
	// sessionMargin is how long after its expireTime a session has expired for sure.
	sessionMargin = time.Hour
	// maxRefusals is how often Google may refuse a session in the same way, over
	// refusedFor, until it counts as gone. Those within refusalGap count as one, which
	// spares the disk.
	maxRefusals = 10
	refusedFor  = 24 * time.Hour
	refusalGap  = refusedFor / maxRefusals
)

// isGone reports whether an error about a session means that it is of no more use:
// Google does not know it, it has expired, or it has been refused in the same way
// for a day. It is not known what Google answers about sessions that have expired or
// are another project's, so that a refusal that names no reason to mend ends them too.
func (r *records) isGone(p *store.Pick, err error) (bool, error) {
	e, ok := errors.AsType[*picker.Error](err)
	switch {
	case !ok || e.HTTPStatus == 0 || e.Op == "media" || errors.Is(err, picker.ErrNotAPI):
		return false, nil
	case e.Code == picker.NotFound:
		return true, nil
	}
	if expired, err := r.hasExpired(p); expired || err != nil {
		return expired, err
	}
	if e.Temporary() || hasRemedy(e) {
		return false, nil
	}
	now, sure := r.clock.now()
	if !sure {
		return false, nil
	}
	answer := fmt.Sprint(e.Op, " ", e.HTTPStatus, " ", e.Code)
	refused := p.Refused
	switch {
	case refused == nil || refused.Answer != answer || now.Before(refused.Last):
		refused = &store.Refused{Answer: answer, Since: now, Last: now, N: 1}
	case now.Sub(refused.Last) >= refusalGap:
		refused = &store.Refused{Answer: answer, Since: refused.Since, Last: now, N: refused.N + 1}
	}
	if refused.N >= maxRefusals && now.Sub(refused.Since) >= refusedFor {
		return true, nil
	}
	if refused == p.Refused {
		return false, nil
	}
	return false, r.updatePick(p.RequestID, func(p *store.Pick) { p.Refused = refused })
}

// hasRemedy reports whether somebody can mend what Google refuses a session for.
func hasRemedy(e *picker.Error) bool {
	code := pickerCode(e)
	return code == "api_disabled" || code == "scope_missing"
}

// hasExpired reports whether a session has expired at Google. This box's own clock is
// no proof of that. If the expireTime is not known, it is counted from the first time
// that is sure.
func (r *records) hasExpired(p *store.Pick) (bool, error) {
	now, sure := r.clock.now()
	if !sure {
		return false, nil
	}
	if p.ExpireTime.IsZero() {
		return false, r.updatePick(p.RequestID, func(p *store.Pick) { p.ExpireTime = now.Add(sessionLife) })
	}
	return now.After(p.ExpireTime.Add(sessionMargin)), nil
}
