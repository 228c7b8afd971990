// Package doctor diagnoses a box: it reports problems and what to do about them.
// It changes nothing, and its reports contain no secrets.
package doctor

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"pickerd/configs"
	"pickerd/device"
	"pickerd/device/engine"
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
	Name     string    `json:"name,omitempty"` // of the box
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
	Methods   []engine.Method // nil where a client is missing
	ClientErr error
	// Ask asks the server whether it serves the device flow to this client with
	// these scopes; the code that it gives is thrown away. Nil where there is no
	// such client.
	Ask      func(ctx context.Context) error
	Daemon   Daemon
	TLS      *tls.Config // of servers; nil means the system's trust
	Resolver *net.Resolver
	Command  func(ctx context.Context, name string, args ...string) (string, error) // runs a program of the system
	Patience time.Duration                                                          // with any one answer; 0 means ten seconds
	Root     string                                                                 // what stands for /; "" is the real one
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
	as        *account // whom the daemon runs as; nil while not looked up
}

// New returns a Doctor.
func New(cfg Config) *Doctor {
	cfg.Patience = cmp.Or(cfg.Patience, patience)
	return &Doctor{cfg: cfg, scrub: newScrubber(cfg.Config, cfg.Methods)}
}

// Examine makes all checks. progress is called with the name of each before it
// is made.
func (d *Doctor) Examine(ctx context.Context, progress func(string)) *Report {
	d.ask(ctx)
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
	name := ""
	if d.status != nil {
		name = d.status.Name
	} else if d.cfg.Config != nil {
		name = d.cfg.Config.Name
	}
	r := &Report{Name: name, Version: d.cfg.Version, At: time.Now().UTC(), OK: true, Findings: d.findings}
	for _, f := range r.Findings {
		r.OK = r.OK && f.Result != Fail
	}
	return r
}

var errSilent = errors.New("the daemon does not answer")

// ask asks the daemon, which may hang: that is worth a report too.
func (d *Doctor) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Patience)
	defer cancel()
	d.status, d.statusErr = d.cfg.Daemon.Status(ctx)
	if d.status != nil {
		d.sessions, _ = d.cfg.Daemon.Sessions(ctx)
	}
	if errors.Is(d.statusErr, context.DeadlineExceeded) {
		d.statusErr = fmt.Errorf("%w within %v", errSilent, d.cfg.Patience)
	}
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
	fmt.Fprintf(w, "\n%d findings: %d ok, %d skipped, %d warnings, %d failed.\n", len(r.Findings), count[OK], count[Skip], count[Warn], count[Fail])
}

func indent(s string) string {
	return strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n"+strings.Repeat(" ", 21))
}

// patience is how long any one answer is waited for.
const patience = 10 * time.Second

// trust is whom servers' certificates are believed for.
func (d *Doctor) trust() *tls.Config {
	if d.cfg.TLS != nil {
		return d.cfg.TLS.Clone()
	}
	return &tls.Config{}
}

// http is for requests that prove nothing but that somebody answers: it goes
// nowhere else than it is sent. Without check it believes anybody.
func (d *Doctor) http(check bool) *http.Client {
	cfg := d.trust()
	cfg.InsecureSkipVerify = !check // for the time alone, where the clock may be what is wrong
	return &http.Client{
		Timeout:       d.cfg.Patience,
		Transport:     &http.Transport{TLSClientConfig: cfg, Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
