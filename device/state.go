package device

// State is what the box is doing.
//
//	pairing ──▶ opening ──▶ picking ──▶ fetching ──▶ showing
//	   ▲           ▲────────── pick again ──────────────┤
//	   └──────── grant lost and a pick wanted, unpair ──┘
//
// The engine derives it from what is on disk; it is never stored.
type State string

// The states that other programs see.
const (
	Starting State = "starting" // nothing is known yet
	SetUp    State = "setup"    // not set up yet, or the configuration can't be used
	Waiting  State = "waiting"  // no network or clock since boot, and nothing to show
	Pairing  State = "pairing"  // waiting for a person to sign in
	Opening  State = "opening"  // a picking session is being created
	Picking  State = "picking"  // waiting for a person to choose
	Fetching State = "fetching" // the chosen photos are being downloaded
	Showing  State = "showing"
	Idle     State = "idle"    // paired, nothing to show
	Blocked  State = "blocked" // an operator must act
)

// States lists all states.
func States() []State {
	return []State{Starting, SetUp, Waiting, Pairing, Opening, Picking, Fetching, Showing, Idle, Blocked}
}

// The methods of pairing.
const (
	ByDevice = "device" // device authorization grant (RFC 8628)
	ByRelay  = "relay"  // on the phone; a hosted page sends the answer back to the box
	ByPaste  = "paste"  // on the phone; the person copies an address to the box's page
	ByImport = "import" // on another computer; an operator brings the token
)

// clientTypes maps a pairing method to the type of OAuth client that it needs,
// as the Google Cloud console names it.
var clientTypes = map[string]string{
	ByDevice: "TVs and Limited Input devices",
	ByRelay:  "Web application",
	ByPaste:  "Desktop app",
}

// ClientType returns the type of OAuth client that a pairing method needs, as
// the Google Cloud console names it; "" for ByImport.
func ClientType(method string) string { return clientTypes[method] }

// Paths that phones visit on the box.
const (
	LinkPath   = "/pair/"   // followed by the link of a pairing
	RemotePath = "/remote/" // followed by the key of a phone remote
)

// NewAccount stands for the ID of an account that is not paired yet, in
// display.Wish.Account.
const NewAccount = "new"
