package device

import "pickerd/store"

// State is what the box is doing.
//
//	pairing ──▶ opening ──▶ picking ──▶ fetching ──▶ showing
//	   ▲           ▲────────── pick again ──────────────┤
//	   └──────── grant lost and a pick wanted, unpair ──┘
type State string

// The states that other programs may see.
const (
	Starting State = "starting" // nothing is known yet
	Waiting  State = "waiting"  // no network or clock since boot, and nothing to show
	Pairing  State = "pairing"  // waiting for a person to sign in
	Opening  State = "opening"  // a picking session is being made
	Picking  State = "picking"  // waiting for a person to choose
	Fetching State = "fetching" // the chosen photos come to the box
	Showing  State = "showing"
	Idle     State = "idle"    // paired, nothing to show
	Blocked  State = "blocked" // an operator must act
)

// facts is what next decides by. All of it but wanted and newcomer is on disk.
type facts struct {
	grant    *store.Grant   // whose pick it is, or was last; nil: not paired
	accounts []store.Grant  // all in force, in the order paired
	pairing  *store.Pairing // a code is out
	pick     *store.Pick    // the pick in use, nil when there is none
	library  store.Library
	photos   int             // that are not hidden
	refusals []store.Refusal // that stand under this configuration
	revoking bool            // a forgotten account is still to be revoked
	granted  bool            // a token has come and is not on disk yet
	warning  string          // code of a notice that stays until somebody pairs
	wanted   bool            // somebody asked to choose photos and no pick stands for it yet
	newcomer bool            // that is somebody else than the accounts that are here
}

// next names what to do, given what is known. It has no other input.
func next(f facts) State {
	switch {
	case f.pick == nil && f.pairing == nil && f.photos > 0 && !f.wanted:
		return Showing
	case f.grant == nil, f.newcomer && f.pick == nil:
		return Pairing
	case f.pick == nil && !f.wanted:
		return Idle
	case f.pick == nil || f.pick.SessionID == "":
		return Opening
	case !f.pick.Done:
		return Picking
	default:
		return Fetching
	}
}

// visible is the state as people and programs see it: trouble changes it only
// where there is nothing better to show.
func visible(s State, f facts, p *Problem, reached bool) State {
	if p == nil || f.photos > 0 {
		return s
	}
	switch {
	case p.operator:
		return Blocked
	case p.offline && !reached && (s == Opening || s == Pairing && f.pairing == nil):
		return Waiting
	}
	return s
}

// States lists all of them.
func States() []State {
	return []State{Starting, Waiting, Pairing, Opening, Picking, Fetching, Showing, Idle, Blocked}
}
