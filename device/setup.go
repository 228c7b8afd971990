package device

// SetUpInfo is what the screen says in the state SetUp, besides the problem.
type SetUpInfo struct {
	// Phone is the address of the page that sets the box up, with its key. Only the
	// box's own outputs show it. It is "" where phones can't set the box up.
	Phone string
	// Address is that of the box on the network, "" without one.
	Address string

	// What an operator can do instead.
	Client     string // where the client file belongs
	ClientType string // as the Google Cloud console names it
	Config     string // path of the configuration
	Document   string // path of the document that has the steps
}
