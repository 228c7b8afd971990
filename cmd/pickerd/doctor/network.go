package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"pickerd/cmd/findings"
	"pickerd/device"
	"pickerd/device/inet"
	"pickerd/oauthdevice"
)

// A server is an address that the daemon uses, and how far connecting to it got.
type server struct {
	name    string // as in the configuration, without google.
	url     *url.URL
	post    bool
	via     *url.URL // the proxy, or nil
	addrs   []string
	reached bool // a connection was made
	trusted bool // its certificate is valid
}

// all returns the servers of the configuration, nil without one.
func (d *Doctor) all() []*server {
	if d.servers != nil || d.cfg.Config == nil {
		return d.servers
	}
	g := d.cfg.Config.Google
	type address struct {
		name, at string
		post     bool
	}
	list := []address{{"token_url", g.TokenURL, true}, {"device_auth_url", g.DeviceAuthURL, true}, {"revoke_url", g.RevokeURL, true}}
	if g.Gateway != "" {
		// The others are for accounts that were linked before, if any.
		list = []address{{"gateway", oauthdevice.MetadataURL(g.Gateway), false}}
	}
	list = append(list, address{"picker_url", strings.TrimSuffix(g.PickerURL, "/") + "/v1/sessions/doctor", false})
	for _, s := range list {
		if u, err := url.Parse(s.at); err == nil { // checked by configs
			via, _ := d.cfg.Proxy(&http.Request{URL: u})
			d.servers = append(d.servers, &server{name: s.name, url: u, post: s.post, via: via})
		}
	}
	return d.servers
}

func (s *server) hostport() string { return hostport(s.url) }

func hostport(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// unusable says why a server is not asked. what names it.
func (s *server) unusable(what string) string {
	if s.reached {
		return what + " is reached, but not by a trusted connection. See tls."
	}
	return what + " can't be reached."
}

// dialTarget is where connections to a server are made: the server or its proxy.
func (s *server) dialTarget() *url.URL {
	if s.via != nil {
		return s.via
	}
	return s.url
}

// hosts returns one server for each host.
func (d *Doctor) hosts() []*server {
	var out []*server
	for _, s := range d.all() {
		if !slices.ContainsFunc(out, func(o *server) bool { return o.hostport() == s.hostport() }) {
			out = append(out, s)
		}
	}
	return out
}

// probe sends a server a harmless request. A POST has an empty form, which every OAuth
// endpoint refuses.
func (s *server) probe(ctx context.Context, c *http.Client) (*http.Response, []byte, error) {
	method, body := http.MethodGet, io.Reader(nil)
	if s.post {
		method, body = http.MethodPost, strings.NewReader("")
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url.String(), body)
	if err != nil {
		return nil, nil, err
	}
	if s.post {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := c.Do(req)
	if err != nil {
		return nil, nil, withoutURL(err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp, data, err
}

// withoutURL returns an error without the request that it is about.
func withoutURL(err error) error {
	if e, ok := errors.AsType[*url.Error](err); ok {
		return e.Err
	}
	return err
}

func (d *Doctor) clock(ctx context.Context, check string) {
	const remedy = "Let the box set its clock from the network: timedatectl set-ntp true (systemd-timesyncd or chrony)."
	if len(d.all()) == 0 {
		d.skip(check, "Needs a valid configuration.")
		return
	}
	var began time.Time
	var resp *http.Response
	var why error
	for _, s := range d.hosts() {
		began = time.Now()
		// Without checking the certificate, because a wrong clock makes it invalid.
		r, _, err := s.probe(ctx, d.http(false))
		if err == nil {
			resp = r
			break
		}
		why = cmp.Or(why, err)
	}
	if resp == nil {
		d.skip(check, "No server has told the time (%v). The box's clock shows %s.", why, began.UTC().Format(time.RFC3339))
		return
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		d.skip(check, "The server does not send its time. The box's clock shows %s.", began.UTC().Format(time.RFC3339))
		return
	}
	off := time.Since(date) - time.Since(began)/2
	result, words := findings.Clock("The box's", off)
	if result == OK {
		d.ok(check, "The box's clock agrees with the server's, %s.", date.Format(time.RFC3339))
		return
	}
	d.found(check, result, remedy, "%s", words)
}

func (d *Doctor) names(ctx context.Context, check string) {
	resolver := d.cfg.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	var found []string
	for _, s := range d.hosts() {
		if net.ParseIP(s.dialTarget().Hostname()) != nil {
			s.addrs = []string{s.dialTarget().Hostname()}
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, d.cfg.Patience)
		addrs, err := resolver.LookupHost(ctx, s.dialTarget().Hostname())
		cancel()
		if err != nil {
			d.found(check, Fail, "Check that the network is up (ip address) and the name server is right (resolvectl, or /etc/resolv.conf).", "%s: %v", s.dialTarget().Hostname(), err)
			continue
		}
		s.addrs = addrs
		found = append(found, s.dialTarget().Hostname())
	}
	switch {
	case len(d.hosts()) == 0:
		d.skip(check, "Needs a valid configuration.")
	case len(found) > 0:
		d.ok(check, "%s", strings.Join(found, ", "))
	case !d.failed(check):
		d.skip(check, "The servers are configured by address.")
	}
}

// failed reports whether a check has failed.
func (d *Doctor) failed(check string) bool {
	return slices.ContainsFunc(d.findings, func(f Finding) bool { return f.Check == check && f.Result == Fail })
}

func (d *Doctor) route(ctx context.Context, check string) {
	var reached []string
	for _, s := range d.hosts() {
		if len(s.addrs) == 0 {
			continue
		}
		dialer := net.Dialer{Timeout: d.cfg.Patience}
		c, err := dialer.DialContext(ctx, "tcp", hostport(s.dialTarget()))
		if err != nil {
			d.found(check, Fail, s.remedy("It does not answer.", "Check the default route (ip route) and whether a firewall blocks this port."), "%s: %v", hostport(s.dialTarget()), err)
			continue
		}
		c.Close()
		s.reached = true
		reached = append(reached, hostport(s.dialTarget()))
	}
	switch {
	case len(reached) > 0:
		d.ok(check, "%s", strings.Join(reached, ", "))
	case !d.failed(check):
		d.skip(check, "No server has an address.")
	}
}

func (d *Doctor) encryption(ctx context.Context, check string) {
	said := false
	for _, s := range d.hosts() {
		if !s.reached {
			continue
		}
		said = true
		if s.url.Scheme != "https" {
			s.trusted = true
			d.found(check, Warn, "Tokens are sent unencrypted. Set an https address, unless this is a test.", "%s is not encrypted.", s.hostport())
			continue
		}
		if s.via != nil {
			if _, _, err := s.probe(ctx, d.http(true)); err != nil {
				d.found(check, Fail, s.remedy(gatewayCertificate, tlsRemedy(err)), "%s through the proxy %s: %v", s.hostport(), s.via.Host, err)
				continue
			}
			s.trusted = true
			d.ok(check, "%s through the proxy %s", s.hostport(), s.via.Host)
			continue
		}
		state, err := d.handshake(ctx, s)
		if err != nil && d.dialer.Silent() != "" {
			state, err = d.handshake(ctx, s)
		}
		if err != nil {
			d.found(check, Fail, s.remedy(gatewayCertificate, tlsRemedy(err)), "%s: %v", s.hostport(), err)
			continue
		}
		s.trusted = true
		d.ok(check, "%s: %s, issued by %s", s.hostport(), tls.VersionName(state.Version), state.PeerCertificates[0].Issuer.CommonName)
	}
	if silent := d.dialer.Silent(); silent != "" {
		d.found(check, Warn, "Repair "+silent+" on the router, or disable it on this box.", "%s connects and is silent then. pickerd avoids it for a day.", silent)
	}
	if !said {
		d.skip(check, "No server can be reached.")
	}
}

// handshake connects to a server with TLS.
func (d *Doctor) handshake(ctx context.Context, s *server) (tls.ConnectionState, error) {
	cfg := d.trust()
	cfg.ServerName = s.url.Hostname()
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Patience)
	defer cancel()
	c, err := d.dialer.DialContext(ctx, "tcp", s.hostport())
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer c.Close()
	tc := tls.Client(c, cfg)
	err = tc.HandshakeContext(ctx)
	return tc.ConnectionState(), err
}

const gatewayCertificate = "Its operator must renew the certificate, or this box must trust its authority (update-ca-certificates)."

// remedy returns what to do about a server: what only a gateway's operator can do comes
// first, if it is a gateway.
func (s *server) remedy(gateways, all string) string {
	if s.name != "gateway" {
		return all
	}
	return "This is the gateway. " + gateways + " If other servers fail too: " + all
}

func tlsRemedy(err error) string {
	if e, ok := errors.AsType[x509.CertificateInvalidError](err); ok && e.Reason == x509.Expired {
		return "The certificate is not valid at the time of the box's clock. Check the clock first."
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		return "A proxy or a captive portal intercepts the connection, or the system has no CA certificates (install the package ca-certificates)."
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "Another server answers: a captive portal, a proxy, or a wrong DNS entry."
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok || errors.Is(err, http.ErrSchemeMismatch) {
		return "The answer is not encrypted: a captive portal or a proxy answers. Sign the box in to the portal, have the network exempt it, or set HTTPS_PROXY. If the server is yours, check its port."
	}
	if e, ok := errors.AsType[*inet.ProxyError](err); ok {
		return proxyRemedy(e.Status)
	}
	return "Check whether a firewall or a proxy blocks encrypted connections."
}

// proxyRemedy says what to do about a proxy that refuses to connect.
func proxyRemedy(status int) string {
	switch {
	case status == http.StatusProxyAuthRequired:
		return "The proxy wants a user name and a password. Put them before the host in HTTPS_PROXY for the service (systemctl edit pickerd)."
	case status >= 500:
		return "The proxy can't reach the server. Ask its operator."
	}
	return "The proxy does not allow this server. Ask its operator to allow it, or set HTTPS_PROXY to another proxy (systemctl edit pickerd)."
}

// answers reports whether an answer is a JSON object, as from the server's API. A
// captive portal answers with a web page or a redirect.
func answers(resp *http.Response, body []byte) bool {
	var v map[string]any
	return resp.StatusCode/100 != 3 && json.Unmarshal(body, &v) == nil && v != nil // null
}

func (d *Doctor) portal(ctx context.Context, check string) {
	for _, s := range d.hosts() {
		if !s.trusted || !s.post && s.name != "gateway" {
			continue
		}
		resp, body, err := s.probe(ctx, d.http(true))
		switch {
		case err != nil:
			d.found(check, Warn, "pickerd retries automatically. Check again in a minute.", "%s: %v", s.url.Hostname(), err)
		case resp.StatusCode == http.StatusNotFound && s.name == "gateway" && s.url.Scheme == "https":
			// A portal has no certificate for it. The check "gateway" says more.
			d.ok(check, "%s answers directly.", s.url.Hostname())
		case !answers(resp, body) && resp.StatusCode < 500:
			where := ""
			if u, err := resp.Location(); err == nil {
				where = ", redirects to " + u.Host
			}
			d.found(check, Fail, "Sign the box in to the captive portal, have the network exempt it, or set HTTPS_PROXY if there is a proxy.",
				"A captive portal or a proxy answers for %s (HTTP %d%s).", s.url.Hostname(), resp.StatusCode, where)
		default:
			d.ok(check, "%s answers directly.", s.url.Hostname())
		}
		return
	}
	d.skip(check, "%s", d.untrusted())
}

// untrusted says why no server is asked.
func (d *Doctor) untrusted() string {
	for _, s := range d.hosts() {
		if s.reached {
			return "No connection is encrypted and trusted. See tls."
		}
	}
	return "No server can be reached."
}

func (d *Doctor) endpoints(ctx context.Context, check string) {
	hosts := map[string]*server{}
	for _, s := range d.hosts() {
		hosts[s.hostport()] = s
	}
	for _, s := range d.all() {
		if h := hosts[s.hostport()]; !h.trusted {
			d.skip(check, "%s", h.unusable(s.name))
			continue
		}
		resp, body, err := s.probe(ctx, d.http(true))
		switch {
		case err != nil:
			d.found(check, Fail, "pickerd retries automatically. Check again in a minute.", "%s: %v", s.name, err)
		case resp.StatusCode >= 500:
			d.found(check, Warn, "The server has a problem. pickerd retries automatically.", "%s answers HTTP %d.", s.name, resp.StatusCode)
		case resp.StatusCode == http.StatusNotFound && s.post:
			d.found(check, Fail, "Check google."+s.name+".", "%s answers HTTP 404.", s.name)
		case !answers(resp, body):
			d.found(check, Warn, "Check google."+s.name+", and whether a proxy is in between.", "%s answers HTTP %d, but not with JSON.", s.name, resp.StatusCode)
		default:
			d.ok(check, "%s answers (HTTP %d to an empty request).", s.name, resp.StatusCode)
		}
	}
	if len(d.all()) == 0 {
		d.skip(check, "Needs a valid configuration.")
	}
}

func (d *Doctor) scope(ctx context.Context, check string) {
	s := d.status
	switch {
	case s != nil && s.Account != nil:
		d.ok(check, "Granted when the account was paired.")
		return
	case s != nil && len(s.Refused) > 0:
		for _, r := range s.Refused {
			d.found(check, Fail, d.refusalRemedy(r.Method, r.Error), "The server refuses the pairing method %q: %s %s", r.Method, r.Error, r.Reason)
		}
		return
	case s != nil && s.Pairing != nil && s.Pairing.UserCode != "":
		d.ok(check, "The server gave the daemon a code for it.")
		return
	case d.cfg.Ask == nil:
		d.skip(check, "There is no client for the device flow.")
		return
	case len(d.all()) == 0 || !d.all()[0].trusted:
		d.skip(check, "%s", d.untrusted())
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*d.cfg.Patience) // its handshake may be tried by IPv6 and IPv4
	defer cancel()
	err := d.cfg.Ask(ctx)
	e, _ := errors.AsType[*oauthdevice.Error](err)
	switch {
	case err == nil:
		d.ok(check, "The server gives a code for it (discarded).")
	case e != nil && (e.Code == oauthdevice.InvalidScope || e.Code == oauthdevice.UnauthorizedClient || e.Code == oauthdevice.InvalidClient || e.ClientGone()):
		d.found(check, Fail, d.refusalRemedy(device.ByDevice, e.Code), "%v", err)
	default:
		d.found(check, Warn, "Check again in a minute.", "%v", err)
	}
}
