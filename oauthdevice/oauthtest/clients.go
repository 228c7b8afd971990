package oauthtest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// A Kind is the type of an OAuth client in the Google console. Each type is
// limited to one flow.
type Kind int

// The kinds of clients. The server has one of each.
const (
	TV      Kind = iota // "TVs and Limited Input devices": device flow
	Web                 // "Web application": redirects to registered addresses
	Desktop             // "Desktop app": redirects to any port on loopback
)

// A client is a registered OAuth client.
type client struct {
	kind       Kind
	id, secret string
	redirects  []string
	refusal    string // see RefuseClient
}

// Client returns the id and secret of the client of kind k.
func (s *Server) Client(k Kind) (id, secret string) {
	c := s.clients[k]
	return c.id, c.secret
}

// ClientID returns the id of the TV client.
func (s *Server) ClientID() string { return s.clients[TV].id }

// ClientSecret returns the TV client's secret.
func (s *Server) ClientSecret() string { return s.clients[TV].secret }

func (s *Server) clientByID(id string) *client {
	i := slices.IndexFunc(s.clients, func(c *client) bool { return c.id == id })
	if i < 0 {
		return nil
	}
	return s.clients[i]
}

// mayRedirect implements Google's rules for redirect URIs.
func (c *client) mayRedirect(to string) bool {
	switch c.kind {
	case Web:
		return slices.Contains(c.redirects, to)
	case Desktop:
		u, err := url.Parse(to)
		return err == nil && u.Scheme == "http" && (u.Hostname() == "127.0.0.1" || u.Hostname() == "localhost" || u.Hostname() == "::1")
	}
	return false
}

const wrongType = "Only clients of type 'TVs and Limited Input devices' can use the OAuth 2.0 flow for TV and Limited-Input Device Applications. Please create and use an appropriate client."

// checkClient returns the client of a request. If it must be refused, checkClient
// sends the response and returns nil. Like Google, it checks the client before
// everything else.
func (s *Server) checkClient(a *recorder, r *http.Request, op string) *client {
	c := s.clientByID(r.FormValue("client_id"))
	deviceFlow := op == OpCode || op == OpPoll
	switch {
	case c == nil:
		a.refuse(http.StatusUnauthorized, "invalid_client", "The OAuth client was not found.")
	case c.refusal != "":
		a.refuse(http.StatusUnauthorized, c.refusal, "The OAuth client was "+strings.TrimSuffix(c.refusal, "_client")+".")
	case s.opt.WrongType == op, deviceFlow && c.kind != TV:
		a.refuse(http.StatusUnauthorized, "invalid_client", wrongType)
	case op == OpExchange && c.kind == TV:
		a.refuse(http.StatusUnauthorized, "unauthorized_client", "Unauthorized")
	case op != OpCode && r.FormValue("client_secret") != c.secret:
		a.refuse(http.StatusUnauthorized, "invalid_client", "Unauthorized")
	default:
		return c
	}
	return nil
}
