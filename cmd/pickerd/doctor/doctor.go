// Package doctor diagnoses a box: it reports problems and what to do about them.
// It changes nothing, and its reports contain no secrets.
package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"pickerd/cmd/findings"
	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/device/inet"
)

// The reports are those of all doctor commands.
type (
	Result  = findings.Result
	Finding = findings.Finding
	Report  = findings.Report
)

// Results, from best to worst. Skip means that the check could not be made.
const (
	OK   = findings.OK
	Skip = findings.Skip
	Warn = findings.Warn
	Fail = findings.Fail
)

// A Daemon reports what it is doing. *control.Client is one.
type Daemon interface {
	Status(ctx context.Context) (*device.Status, error)
	Sessions(ctx context.Context) ([]device.Session, error)
	Items(ctx context.Context) ([]device.Item, error)
}

// Config is what a Doctor needs to know.
type Config struct {
	Version   string
	File      string          // of the configuration, "" for none
	Config    *configs.Config // nil if it is invalid
	ConfigErr error
	Methods   []engine.Method // nil if a client is missing
	ClientErr error
	// Ask requests a device code and discards it, to check that the server accepts
	// the client and its scopes. It is nil without such a client.
	Ask      func(ctx context.Context) error
	Daemon   Daemon
	TLS      *tls.Config // for servers; nil means the system's certificates
	Resolver *net.Resolver
	Proxy    func(*http.Request) (*url.URL, error)                                  // of a request; nil means that of the environment
	Command  func(ctx context.Context, name string, args ...string) (string, error) // runs a system program
	Patience time.Duration                                                          // timeout of each answer; 0 means ten seconds
	Root     string                                                                 // prefix of system paths, for tests
}

// A Doctor examines one box once.
type Doctor struct {
	cfg      Config
	scrub    *scrubber
	findings []Finding

	status    *device.Status
	statusErr error
	sessions  []device.Session
	servers   []*server
	dialer    *inet.Dialer
	as        *account // that the daemon runs as; nil before the first use

	openAdapter func(path string) (adapter, error) // of HDMI-CEC
}

// New returns a Doctor.
func New(cfg Config) *Doctor {
	cfg.Patience = cmp.Or(cfg.Patience, defaultPatience)
	if cfg.Proxy == nil {
		cfg.Proxy = http.ProxyFromEnvironment
	}
	return &Doctor{cfg: cfg, scrub: newScrubber(cfg.Config, cfg.Methods), dialer: inet.NewDialer(nil, nil), openAdapter: openAdapter}
}

// Examine makes all checks. progress is called with the name of each check
// before it starts.
func (d *Doctor) Examine(ctx context.Context, progress func(string)) *Report {
	d.ask(ctx)
	for _, c := range []struct {
		name  string
		check func(context.Context, string)
	}{
		{"configuration", d.configuration}, {"client", d.client},
		{"clock", d.clock}, {"names", d.names}, {"route", d.route}, {"tls", d.encryption}, {"portal", d.portal}, {"endpoints", d.endpoints}, {"gateway", d.gateway},
		{"scope", d.scope}, {"picker api", d.pickerAPI}, {"token", d.token},
		{"disk", d.disk}, {"state", d.state}, {"display", d.display}, {"input", d.input}, {"cec", d.television}, {"wifi", d.wifi}, {"formats", d.formats}, {"films", d.films}, {"fonts", d.fonts},
		{"service", d.service}, {"daemon", d.daemon}, {"broker", d.broker}, {"sessions", d.leftover},
	} {
		if ctx.Err() != nil {
			break
		}
		progress(c.name)
		c.check(ctx, c.name)
	}
	name := ""
	if d.status != nil {
		name = d.status.Name
	} else if d.cfg.Config != nil {
		name = d.cfg.Config.Name
	}
	return findings.New(name, d.cfg.Version, d.findings)
}

var errNoAnswer = errors.New("the daemon does not answer")

// ask asks the daemon for its status. A daemon that hangs is an error in the report.
func (d *Doctor) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Patience)
	defer cancel()
	d.status, d.statusErr = d.cfg.Daemon.Status(ctx)
	if d.status != nil {
		d.sessions, _ = d.cfg.Daemon.Sessions(ctx)
	}
	if errors.Is(d.statusErr, context.DeadlineExceeded) {
		d.statusErr = fmt.Errorf("%w within %v", errNoAnswer, d.cfg.Patience)
	}
}

func (d *Doctor) found(check string, r Result, remedy, format string, args ...any) {
	d.findings = append(d.findings, Finding{Check: check, Result: r, Detail: d.scrub.Text(fmt.Sprintf(format, args...)), Remedy: d.scrub.Text(remedy)})
}

func (d *Doctor) ok(check, format string, args ...any)   { d.found(check, OK, "", format, args...) }
func (d *Doctor) skip(check, format string, args ...any) { d.found(check, Skip, "", format, args...) }

// defaultPatience is the default timeout of each answer.
const defaultPatience = 10 * time.Second

// trust returns the TLS configuration for servers.
func (d *Doctor) trust() *tls.Config {
	if d.cfg.TLS != nil {
		return d.cfg.TLS.Clone()
	}
	return &tls.Config{}
}

// http returns a client for probes. It follows no redirects. Without check it accepts
// any certificate.
func (d *Doctor) http(check bool) *http.Client {
	cfg := d.trust()
	cfg.InsecureSkipVerify = !check // to read only the Date header, as the box's clock may be wrong
	t := &http.Transport{TLSClientConfig: cfg, Proxy: d.cfg.Proxy, DisableKeepAlives: true, ForceAttemptHTTP2: true}
	t.TLSHandshakeTimeout = d.cfg.Patience / 2 // leaves time for the other protocol
	return &http.Client{
		Timeout:       d.cfg.Patience,
		Transport:     d.dialer.Transport(t),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
