package engine

import (
	"cmp"
	"slices"
	"sort"

	"pickerd/device"
	"pickerd/store"
)

// facts is what next decides by. All of it but the last three is on disk.
type facts struct {
	store.Facts
	loaded   bool           // they have been read
	grant    *store.Grant   // current, that of the pick or else of the last one; nil: not paired
	accounts []store.Grant  // all current ones, in the order paired
	pairing  *store.Pairing // a code or link is out
	pick     *store.Pick    // current; nil if there is none
	// successor is the pick that is to replace the current one on the screen; nil if
	// there is none yet.
	successor *store.Pick
	photos    int             // that are not hidden
	refusals  []store.Refusal // that apply to this configuration
	warning   string          // code of a notice that stays until somebody pairs

	tokenPending  bool // a token was issued and is not on disk yet
	pickRequested bool // somebody asked to choose photos, and there is no pick for it yet
	newAccount    bool // and that is none of the accounts
}

// factsOf derives the facts from what is on disk.
func factsOf(known store.Facts) facts {
	f := facts{Facts: known, loaded: true, grant: known.Grant, pairing: known.Pairing, photos: known.Library.Photos - known.Library.Hidden,
		warning: known.Warning, accounts: inForce(known.Grants)}
	for i := range known.Picks {
		p := &known.Picks[i]
		switch {
		case !onScreen(p) || f.grant == nil || p.GrantID != f.grant.ID:
		case slices.ContainsFunc(known.Picks, func(q store.Pick) bool { return q.RequestID == p.SuccessorOf && onScreen(&q) }):
			f.successor = p
		case f.pick == nil:
			f.pick = p
		}
	}
	return f
}

// onScreen reports whether a pick is in use and not replaced.
func onScreen(p *store.Pick) bool { return p.Live() && !p.Replaced }

// next names what to do, given what is known. It has no other input.
func next(f facts) device.State {
	switch {
	case f.pick == nil && f.pairing == nil && f.photos > 0 && !f.pickRequested:
		return device.Showing
	case f.grant == nil, f.newAccount && f.pick == nil:
		return device.Pairing
	case f.pick == nil && !f.pickRequested:
		return device.Idle
	case f.pick == nil || f.pick.SessionID == "":
		return device.Opening
	case !f.pick.Done:
		return device.Picking
	default:
		return device.Fetching
	}
}

// lastState returns the last known state.
func (f *facts) lastState() device.State {
	if !f.loaded {
		return device.Starting
	}
	return next(*f)
}

// visible returns the state as people and programs see it: a problem changes it
// only if there is nothing better to show.
func (f *facts) visible(s device.State, p *device.Problem, online bool) device.State {
	if p == nil || f.photos > 0 {
		return s
	}
	switch {
	case p.Operator:
		return device.Blocked
	case p.Offline && !online && (s == device.Opening || s == device.Pairing && f.pairing == nil):
		return device.Waiting
	}
	return s
}

// isFull reports whether no further account can be paired.
func (f *facts) isFull(maxAccounts int) bool { return len(f.accounts) >= max(maxAccounts, 1) }

// account returns a paired account, nil if there is none of that ID.
func (f *facts) account(id string) *store.Grant {
	i := slices.IndexFunc(f.accounts, func(g store.Grant) bool { return g.ID == id })
	if i < 0 {
		return nil
	}
	return &f.accounts[i]
}

// revoking reports whether a forgotten account is still to be revoked.
func (f *facts) revoking() bool {
	o := outstanding(f.Grants, f.Picks)
	return o != nil && o.Revocation
}

// expectsPhones reports whether a link is on the screen, or is about to be.
func (f *facts) expectsPhones(m *Method) bool {
	return m != nil && (m.Name == device.ByRelay || m.Name == device.ByPaste) && (f.pairing != nil || !f.revoking())
}

// describe fills in a snapshot.
func (f *facts) describe(n *device.Snapshot) {
	n.Account, n.Accounts = accountStatus(f.grant), nil
	for i := range f.accounts {
		n.Accounts = append(n.Accounts, *accountStatus(&f.accounts[i]))
	}
	n.Collections = collectionsOf(f.Collections)
	n.NewAccount, n.TokenPending = f.newAccount, f.tokenPending
	n.Code, n.Pick = nil, nil
	if p := f.pairing; p != nil {
		n.Code = &device.Code{Method: p.Method, UserCode: p.UserCode, VerificationURI: p.VerificationURI, QRURI: p.QRURI, Answered: p.Answered()}
	}
	if p := f.pick; p != nil {
		n.Pick = &device.Pick{RequestID: p.RequestID, SessionID: p.SessionID, PickerURI: p.PickerURI, Collection: p.Collection}
		n.Receipt, n.Forgotten = nil, nil
	}
	if n.State != device.Fetching {
		n.Fetch = nil
	}
	n.Refused = nil
	for _, r := range f.refusals {
		n.Refused = append(n.Refused, device.RefusedMethod{Method: r.Method, Error: r.Code, Reason: r.Description})
	}
}

// standing returns a lasting reason to be told while there is no other problem:
// that the disk is full, or why the box waits to be paired again.
func (f *facts) standing(s device.State, full bool) *device.Problem {
	code := f.warning
	switch {
	case full:
		code = device.DiskFull
	case f.grant != nil && !f.newAccount:
		return nil
	case code == "" && s == device.Showing:
		code = "pair_again"
	}
	if n, ok := notices[code]; ok {
		return n.problem()
	}
	return nil
}

// inForce returns the accounts that are paired, in the order paired.
func inForce(grants []store.Grant) []store.Grant {
	list := slices.DeleteFunc(slices.Clone(grants), func(g store.Grant) bool { return !g.InForce() })
	sort.Slice(list, func(i, j int) bool {
		a, b := &list[i], &list[j]
		return cmp.Or(a.PairedAt.Compare(b.PairedAt), cmp.Compare(a.ID, b.ID)) < 0
	})
	return list
}

func accountStatus(g *store.Grant) *device.AccountStatus {
	if g == nil {
		return nil
	}
	return &device.AccountStatus{ID: g.ID, Email: g.Account, Method: g.Method, PairedAt: g.PairedAt.UTC()}
}

// outstanding counts what the sweeper still has to do for retired grants; nil if
// there is nothing.
func outstanding(grants []store.Grant, picks []store.Pick) *device.Outstanding {
	var o device.Outstanding
	found := false
	for _, g := range grants {
		if !g.Retired || g.Dead {
			continue
		}
		found = true
		o.Revocation = o.Revocation || g.Revoke
		for _, p := range picks {
			if p.GrantID == g.ID {
				o.Sessions++
			}
		}
	}
	if !found {
		return nil
	}
	return &o
}

// countSessions counts the sessions at Google.
func countSessions(picks []store.Pick) (n device.Sessions) {
	for _, p := range picks {
		switch {
		case p.SessionID == "" && !p.CreateSent: // none was created
			continue
		case p.EndReason != "":
			n.PendingDeletion++
		case p.SessionID != "":
			n.Open++
		default: // being created
			continue
		}
		if at := p.CreatedAt.UTC(); n.Oldest.IsZero() || at.Before(n.Oldest) {
			n.Oldest = at
		}
	}
	return n
}

func libraryOf(l store.Library) device.Library {
	return device.Library{Items: l.Photos, Hidden: l.Hidden, Bytes: l.Bytes}
}
