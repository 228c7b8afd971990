// Package doctor looks at a box from the outside in and explains what it finds:
// what is wrong, and what to do about it. It changes nothing, and what it says
// holds no secret.
package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"pickerd/configs"
	"pickerd/device"
)

// A Result is what a check came to.
type Result string

// Results, from best to worst; Skip is for what can't be known.
const (
	OK   Result = "ok"
	Skip Result = "skip"
	Warn Result = "warn"
	Fail Result = "fail"
)

// A Finding is the outcome of one check.
type Finding struct {
	Check  string `json:"check"`
	Result Result `json:"result"`
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

// A Report is everything that was found, in the order of what depends on what.
type Report struct {
	Version  string    `json:"version"`
	At       time.Time `json:"at"`
	OK       bool      `json:"ok"` // nothing failed
	Findings []Finding `json:"findings"`
}

// A Daemon is asked what it is doing. *control.Client is one.
type Daemon interface {
	Status(ctx context.Context) (*device.Status, error)
	Sessions(ctx context.Context) ([]device.Session, error)
}

// Config is what a Doctor needs to know.
type Config struct {
	Version   string
	File      string          // the configuration's, "" for none
	Config    *configs.Config // nil where it can't be read
	ConfigErr error
	Ways      []device.Way // nil where a client is missing
	ClientErr error
	// Ask asks the server whether it serves the device flow to this client with
	// these scopes; the code that it gives is thrown away. Nil where there is no
	// such client.
	Ask      func(ctx context.Context) error
	Daemon   Daemon
	TLS      *tls.Config // of servers; nil means the system's trust
	Resolver *net.Resolver
	Command  func(ctx context.Context, name string, args ...string) (string, error) // runs a program of the system
	Root     string                                                                 // what stands for /; "" is the real one
}

// A Doctor examines one box once.
type Doctor struct {
	cfg      Config
	scrub    *Scrubber
	findings []Finding

	status    *device.Status
	statusErr error
	sessions  []device.Session
	servers   []*server
}

// New returns a Doctor.
func New(cfg Config) *Doctor { return &Doctor{cfg: cfg, scrub: NewScrubber(cfg.Config, cfg.Ways)} }

// Examine makes all checks. progress is called with the name of each before it
// is made.
func (d *Doctor) Examine(ctx context.Context, progress func(string)) *Report {
	d.status, d.statusErr = d.cfg.Daemon.Status(ctx)
	if d.status != nil {
		d.sessions, _ = d.cfg.Daemon.Sessions(ctx)
	}
	for _, c := range []struct {
		name  string
		check func(context.Context, string)
	}{
		{"configuration", d.configuration}, {"client", d.client},
		{"clock", d.clock}, {"names", d.names}, {"route", d.route}, {"tls", d.encryption}, {"portal", d.portal}, {"endpoints", d.endpoints},
		{"scope", d.scope}, {"picker api", d.pickerAPI}, {"token", d.token},
		{"disk", d.disk}, {"state", d.state}, {"display", d.display}, {"input", d.input},
		{"service", d.service}, {"daemon", d.daemon}, {"sessions", d.leftover},
	} {
		if ctx.Err() != nil {
			break
		}
		progress(c.name)
		c.check(ctx, c.name)
	}
	r := &Report{Version: d.cfg.Version, At: time.Now().UTC(), OK: true, Findings: d.findings}
	for _, f := range r.Findings {
		r.OK = r.OK && f.Result != Fail
	}
	return r
}

func (d *Doctor) found(check string, r Result, remedy, format string, args ...any) {
	f := Finding{check, r, d.scrub.Text(fmt.Sprintf(format, args...)), d.scrub.Text(remedy)}
	d.findings = append(d.findings, f)
}

func (d *Doctor) ok(check, format string, args ...any)   { d.found(check, OK, "", format, args...) }
func (d *Doctor) skip(check, format string, args ...any) { d.found(check, Skip, "", format, args...) }

// Print writes a report for people.
func (r *Report) Print(w io.Writer) {
	count := map[Result]int{}
	for _, f := range r.Findings {
		count[f.Result]++
		mark := map[Result]string{OK: "ok  ", Skip: "-   ", Warn: "warn", Fail: "FAIL"}[f.Result]
		fmt.Fprintf(w, "%s  %-13s  %s\n", mark, f.Check, indent(f.Detail))
		if f.Remedy != "" {
			fmt.Fprintf(w, "      %13s  → %s\n", "", indent(f.Remedy))
		}
	}
	fmt.Fprintf(w, "\n%d checks: %d ok, %d could not be made, %d warnings, %d failed.\n", len(r.Findings), count[OK], count[Skip], count[Warn], count[Fail])
}

func indent(s string) string {
	return strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n"+strings.Repeat(" ", 21))
}

// patience is how long any one answer is waited for.
const patience = 10 * time.Second

// client is for requests that prove nothing but that somebody answers: it goes
// nowhere else than it is sent.
func (d *Doctor) http(check bool) *http.Client {
	cfg := &tls.Config{}
	if d.cfg.TLS != nil {
		cfg = d.cfg.TLS.Clone()
	}
	cfg.InsecureSkipVerify = !check // for the time alone, where the clock may be what is wrong
	return &http.Client{
		Timeout:       patience,
		Transport:     &http.Transport{TLSClientConfig: cfg, Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
