package httpserve

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// ConnLimits bound the connections of a Conns. A connection is unknown until a request
// on it has been authorized. Connections from this machine never are.
type ConnLimits struct {
	Local   int           // from this machine
	Others  int           // from other machines
	Unknown int           // of those from other machines, unknown ones
	PerHost int           // unknown ones of one host, see HostOf
	Idle    time.Duration // how long an unknown one may be without a request
}

// Conns is a net.Listener that bounds its connections, for a server that was passed
// to Watch. Machines that prove nothing can keep neither this machine nor an authorized
// one out. When there is no room, an idle connection is closed in favor of the new
// one: that of the host with the most connections, the oldest first.
type Conns struct {
	net.Listener
	limits ConnLimits

	mu      sync.Mutex
	local   connSet
	hosts   map[netip.Addr]connSet // unknown ones
	unknown int                    // in hosts
	known   int
	last    uint64 // order of the newest connection
}

type connSet map[*limitedConn]struct{}

// NewConns returns a Conns that accepts from l.
func NewConns(l net.Listener, limits ConnLimits) *Conns {
	return &Conns{Listener: l, limits: limits, local: connSet{}, hosts: map[netip.Addr]connSet{}}
}

// Accept implements net.Listener.
func (l *Conns) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if lc := l.admit(c); lc != nil {
			return lc, nil
		}
		c.Close()
	}
}

// admit counts a connection and makes room for it. It returns nil if there is none.
func (l *Conns) admit(c net.Conn) *limitedConn {
	lc := &limitedConn{Conn: c, of: l}
	l.mu.Lock()
	victim, ok := l.place(lc)
	l.mu.Unlock()
	if victim != nil {
		victim.Close()
	}
	if !ok {
		return nil
	}
	return lc
}

// place adds a connection to its set and removes the one that it replaces, if any.
func (l *Conns) place(c *limitedConn) (victim *limitedConn, ok bool) {
	if IsLocal(c.Conn) {
		if c.in = l.local; len(l.local) >= l.limits.Local {
			victim, ok = l.local.oldestIdle(), true
		}
	} else {
		c.host = HostOf(AddrOf(c.RemoteAddr()))
		if c.in = l.hosts[c.host]; c.in == nil {
			c.in = connSet{}
		}
		switch {
		case len(c.in) >= l.limits.PerHost:
			victim, ok = c.in.oldestIdle(), true
		case l.unknown >= l.limits.Unknown || l.unknown+l.known >= l.limits.Others:
			victim, ok = l.mostCrowded(), true
		}
	}
	if ok && victim == nil {
		return nil, false
	}
	if victim != nil {
		victim.remove()
	}
	l.last++
	c.order = l.last
	c.in[c] = struct{}{}
	if c.host.IsValid() {
		l.hosts[c.host] = c.in
		l.unknown++
		c.timer = time.AfterFunc(l.limits.Idle, c.closeIdle)
	}
	return victim, true
}

// mostCrowded returns a connection of the host with the most unknown connections: the
// oldest idle one. If it has none and unknown ones have no room, it is the oldest:
// strangers may read their answers slowly for ever.
func (l *Conns) mostCrowded() (found *limitedConn) {
	most := 0
	for _, set := range l.hosts {
		c := set.oldestIdle()
		if c == nil && l.unknown >= l.limits.Unknown {
			c = set.oldest(func(*limitedConn) bool { return true })
		}
		if c != nil && (len(set) > most || len(set) == most && c.before(found)) {
			found, most = c, len(set)
		}
	}
	return found
}

func (s connSet) oldestIdle() *limitedConn { return s.oldest((*limitedConn).isIdle) }

// oldest returns the oldest of the connections that may be closed, nil without.
func (s connSet) oldest(mayClose func(*limitedConn) bool) (found *limitedConn) {
	for c := range s {
		if mayClose(c) && (found == nil || c.order < found.order) {
			found = c
		}
	}
	return found
}

// A limitedConn is a connection of a Conns. The Conns' mutex guards its fields.
type limitedConn struct {
	net.Conn
	of       *Conns
	host     netip.Addr  // invalid for one from this machine
	in       connSet     // nil once it is removed or known
	known    bool        // a request on it has been authorized
	order    uint64      // of its arrival
	requests int         // being answered
	bodies   int         // being read before that
	timer    *time.Timer // closes it; nil for one from this machine
}

func (c *limitedConn) isIdle() bool { return c.requests == 0 }

// before reports whether c is to be closed rather than d.
func (c *limitedConn) before(d *limitedConn) bool {
	if c.isIdle() != d.isIdle() {
		return c.isIdle()
	}
	return c.order < d.order
}

// Close implements net.Conn.
func (c *limitedConn) Close() error {
	c.of.mu.Lock()
	c.remove()
	c.of.mu.Unlock()
	return c.Conn.Close()
}

// remove stops counting a connection. It may be called more than once.
func (c *limitedConn) remove() {
	if c.timer != nil {
		c.timer.Stop()
	}
	if c.known {
		c.known = false
		c.of.known--
	}
	if c.in == nil {
		return
	}
	delete(c.in, c)
	if c.host.IsValid() {
		c.of.unknown--
		if len(c.in) == 0 {
			delete(c.of.hosts, c.host)
		}
	}
	c.in = nil
}

// authorize makes an unknown connection a known one.
func (c *limitedConn) authorize() {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	if c.in == nil || !c.host.IsValid() {
		return
	}
	c.remove()
	c.known = true
	c.of.known++
}

// begin counts a request until the returned function is called.
func (c *limitedConn) begin() (end func()) {
	c.of.mu.Lock()
	defer c.of.mu.Unlock()
	c.requests++
	if c.timer != nil {
		c.timer.Stop()
	}
	return func() {
		c.of.mu.Lock()
		defer c.of.mu.Unlock()
		c.requests--
		if c.requests == 0 && c.in != nil && c.timer != nil {
			c.timer.Reset(c.of.limits.Idle)
		}
	}
}

func (c *limitedConn) closeIdle() {
	c.of.mu.Lock()
	idle := c.requests == 0 && !c.known
	c.of.mu.Unlock()
	if idle {
		c.Close()
	}
}

type connKey struct{}

// Watch lets a Conns know which requests of srv are being answered. It must be called
// before srv serves. The body of a request on an unknown connection is read before
// the request counts as being answered, and may not exceed maxUnknownBody.
func Watch(srv *http.Server) {
	srv.ErrorLog = log.New(errorLog{}, "", 0)
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		if t, ok := c.(interface{ NetConn() net.Conn }); ok { // TLS
			c = t.NetConn()
		}
		if lc, ok := c.(*limitedConn); ok {
			return context.WithValue(ctx, connKey{}, lc)
		}
		return ctx
	}
	next := srv.Handler
	srv.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lc, ok := r.Context().Value(connKey{}).(*limitedConn)
		if !ok {
			next.ServeHTTP(w, r)
			return
		}
		if r.ContentLength != 0 && !lc.readBody(w, r) {
			return
		}
		defer lc.begin()()
		next.ServeHTTP(w, r)
	})
}

// Bounds of the bodies that are read on an unknown connection.
const (
	maxUnknownBody   = 32 << 10 // bytes
	maxUnknownBodies = 2        // at a time, over HTTP/2
)

// readBody reads the body of a request if the connection is unknown. It reports false
// if it has answered the request.
func (c *limitedConn) readBody(w http.ResponseWriter, r *http.Request) bool {
	c.of.mu.Lock()
	unknown, full := c.host.IsValid() && !c.known, c.bodies >= maxUnknownBodies
	if unknown && !full {
		c.bodies++
	}
	c.of.mu.Unlock()
	switch {
	case !unknown:
		return true
	case full:
		http.Error(w, "Too many requests at once.", http.StatusTooManyRequests)
		return false
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxUnknownBody))
	c.of.mu.Lock()
	c.bodies--
	c.of.mu.Unlock()
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		http.Error(w, "The request is too large.", http.StatusRequestEntityTooLarge)
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return err == nil // or else the connection is closed
}

// Authorized tells the Conns that a request comes with proof that its client may use
// this server. Its connection then no longer counts as unknown.
func Authorized(r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*limitedConn); ok {
		c.authorize()
	}
}

// errorLog is for http.Server.ErrorLog. It passes on what is logged, except for
// connections that end before TLS is set up: anybody on the network can cause those.
type errorLog struct{}

// Write implements io.Writer.
func (errorLog) Write(line []byte) (int, error) {
	if !bytes.HasPrefix(line, []byte("http: TLS handshake error")) {
		log.Print(string(line))
	}
	return len(line), nil
}
