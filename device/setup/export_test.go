package setup

import "net/http"

// What the external tests need of the internals.

const (
	MaxKeyAge     = maxKeyAge
	MaxIdle       = maxIdle
	MaxName       = maxName
	MaxClientFile = maxClientFile
)

var (
	ReadIssuer = readIssuer
	ReadBox    = readBox
	ReadClient = readClient
	Upload     = upload
)

// Start gives the claim to a phone.
func (p *Pages) Start(w http.ResponseWriter, r *http.Request) bool { return p.start(w, r) }
