package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"pickerd/cmd/command"
	"pickerd/cmd/findings"
	"pickerd/display/httpserve"
	"pickerd/oauthdevice"
)

const (
	// maxAnswer bounds how long the doctor waits for each answer.
	maxAnswer = 10 * time.Second
	// minDaysLeft is how many days before its end a certificate should have been
	// renewed. Those of Let's Encrypt are renewed 30 days before.
	minDaysLeft = 20
)

// A doctor examines one gateway once. It changes nothing.
type doctor struct {
	file     string // the configuration, "" for none
	cfg      *config
	cfgErr   error
	client   *oauthdevice.ClientFile
	getenv   func(string) string
	tls      *tls.Config // nil means the system's certificates
	findings []findings.Finding
}

func doctorCommand(ctx context.Context, e env, flags *flag.FlagSet, args []string) error {
	file := flags.String("config", "", "configuration `file` (default "+defaultConfig+" if it exists)")
	asJSON := flags.Bool("json", false, "print JSON")
	if err := command.Parse(program, flags, args, 0); err != nil {
		return err
	}
	if *file == "" {
		*file = command.Existing(defaultConfig)
	}
	d := &doctor{file: *file, getenv: e.getenv}
	d.cfg, d.cfgErr = loadConfig(*file, e.getenv)
	report := d.examine(ctx)
	if *asJSON {
		if err := report.PrintJSON(e.stdout); err != nil {
			return err
		}
	} else {
		report.Print(e.stdout)
	}
	if ctx.Err() != nil {
		return errors.New("interrupted; the report is incomplete")
	}
	if !report.OK {
		return command.ErrReported
	}
	return nil
}

// examine makes all checks.
func (d *doctor) examine(ctx context.Context) *findings.Report {
	d.configuration()
	name := ""
	if d.cfg != nil {
		name = d.cfg.Issuer
		d.clientFile()
		d.clock(ctx)
		d.upstream(ctx)
		d.store(ctx)
		d.issuer(ctx)
		d.certificate(ctx)
	}
	return findings.New(name, command.Built(packaged).Version, d.findings)
}

func (d *doctor) found(check string, r findings.Result, remedy, format string, args ...any) {
	d.findings = append(d.findings, findings.Finding{Check: check, Result: r, Detail: fmt.Sprintf(format, args...), Remedy: remedy})
}

func (d *doctor) ok(check, format string, args ...any) {
	d.found(check, findings.OK, "", format, args...)
}

func (d *doctor) configuration() {
	const check = "configuration"
	from := d.file
	if from == "" {
		from = "the environment"
	}
	if d.cfgErr != nil {
		d.found(check, findings.Fail, program+" config default prints a commented example.", "%v", d.cfgErr)
		return
	}
	d.ok(check, "%s is valid.", from)
}

// clientFile checks the client and its redirect URI.
func (d *doctor) clientFile() {
	const check = "client"
	var err error
	if d.client, err = d.cfg.client(); err != nil {
		remedy := ""
		if h, ok := errors.AsType[*command.HintedError](err); ok {
			remedy = h.Hint
		}
		d.found(check, findings.Fail, remedy, "%v", err)
		return
	}
	if slices.Contains(d.client.RedirectURIs, d.cfg.callback()) {
		d.ok(check, "%s is among the redirect URIs in the client's file.", d.cfg.callback())
		return
	}
	d.found(check, findings.Warn, "Check in the console that it is among the authorized redirect URIs of the client.",
		"The client is configured without a list of redirect URIs, which must have %s.", d.cfg.callback())
}

func (d *doctor) http() *http.Client {
	t := transport(nil)
	t.TLSClientConfig, t.DisableKeepAlives = d.tls.Clone(), true
	c := newClient(t)
	c.Timeout = maxAnswer
	return c
}

// request sends a request without a body, or an empty form. Its error does not
// repeat the address.
func (d *doctor) request(ctx context.Context, method, address string) (*http.Response, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, nil)
	if err != nil {
		return nil, nil, err
	}
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := d.http().Do(req)
	if e, ok := errors.AsType[*url.Error](err); ok {
		return nil, nil, e.Err
	}
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp, body, err
}

// clock compares the clock with the upstream server's.
func (d *doctor) clock(ctx context.Context) {
	const check = "clock"
	began := time.Now()
	resp, _, err := d.request(ctx, http.MethodPost, d.cfg.Upstream.TokenURL)
	if err != nil {
		d.found(check, findings.Skip, "", "The upstream server could not be reached. This machine's clock shows %s.", began.UTC().Format(time.RFC3339))
		return
	}
	date, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		d.found(check, findings.Skip, "", "The upstream server does not send its time.")
		return
	}
	result, words := findings.Clock("This machine's", time.Since(date)-time.Since(began)/2)
	remedy := ""
	if result != findings.OK {
		remedy = "Let the machine set its clock from the network: timedatectl set-ntp true (systemd-timesyncd or chrony)."
	}
	d.found(check, result, remedy, "%s", words)
}

// upstream checks that the endpoints of the upstream server answer. Each request is
// empty, which they refuse.
func (d *doctor) upstream(ctx context.Context) {
	const check = "upstream"
	up := d.cfg.Upstream
	for _, e := range []struct{ key, address, method string }{
		{"auth_url", up.AuthURL, http.MethodGet}, {"token_url", up.TokenURL, http.MethodPost}, {"revoke_url", up.RevokeURL, http.MethodPost},
	} {
		if e.address == "" {
			continue
		}
		resp, body, err := d.request(ctx, e.method, e.address)
		switch {
		case err != nil:
			d.found(check, findings.Fail, "Check the network, the name server and whether a firewall or a proxy (HTTPS_PROXY) is in between.", "%s: %v", e.key, err)
		case resp.StatusCode >= 500:
			d.found(check, findings.Warn, "The server has a problem. Check again in a minute.", "%s answers HTTP %d.", e.key, resp.StatusCode)
		case resp.StatusCode == http.StatusNotFound:
			d.found(check, findings.Fail, "Check upstream."+e.key+".", "%s answers HTTP 404.", e.key)
		case e.method == http.MethodPost && !json.Valid(body):
			d.found(check, findings.Warn, "Check upstream."+e.key+", and whether a proxy is in between.", "%s answers HTTP %d, but not with JSON.", e.key, resp.StatusCode)
		default:
			d.ok(check, "%s answers (HTTP %d to an empty request).", e.key, resp.StatusCode)
		}
	}
}

// store checks that the store can be used. It does not open a file, because that
// would change it, and it may belong to the running gateway.
func (d *doctor) store(ctx context.Context) {
	const check = "store"
	u, err := url.Parse(d.cfg.Store.URL)
	if err == nil && u.Scheme == "bbolt" {
		d.storeFile(check, u.Path)
		return
	}
	s, err := openStore(d.cfg.Store.URL, slog.New(slog.DiscardHandler))
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, maxAnswer)
		defer cancel()
		err = errors.Join(s.Ping(ctx), s.Close())
	}
	if err != nil {
		d.found(check, findings.Fail, "Check store.url, and that Redis runs and can be reached from here.", "%v", err)
		return
	}
	d.ok(check, "Redis answers.")
}

func (d *doctor) storeFile(check, path string) {
	switch st, err := os.Stat(path); {
	case errors.Is(err, fs.ErrNotExist):
		d.found(check, findings.Skip, "", "%s is created at the first start.", path)
	case err != nil:
		d.found(check, findings.Fail, "Run the doctor as root, or check the permissions.", "%v", err)
	case !st.Mode().IsRegular():
		d.found(check, findings.Fail, "Check store.url.", "%s is not a file.", path)
	case st.Mode().Perm()&0o077 != 0:
		d.found(check, findings.Warn, "chmod 600 "+path, "Other users may use %s.", path)
	default:
		d.ok(check, "%s has %d kB.", path, st.Size()/1000)
	}
}

// issuer checks that the gateway is reached at its address, as boxes reach it.
func (d *doctor) issuer(ctx context.Context) {
	const check = "issuer"
	const remedy = "Check that the gateway runs, that the name leads here, and that the proxy passes all paths on: systemctl status pickerd-gateway"
	resp, body, err := d.request(ctx, http.MethodGet, d.cfg.Issuer+"/.well-known/oauth-authorization-server")
	if err != nil {
		d.found(check, findings.Fail, remedy, "%s: %v", d.cfg.Issuer, err)
		return
	}
	var metadata struct {
		Issuer string `json:"issuer"`
	}
	switch err := json.Unmarshal(body, &metadata); {
	case resp.StatusCode != http.StatusOK || err != nil:
		d.found(check, findings.Fail, remedy, "%s answers HTTP %d without the gateway's metadata.", d.cfg.Issuer, resp.StatusCode)
	case metadata.Issuer != d.cfg.Issuer:
		d.found(check, findings.Fail, "Boxes refuse it. Set issuer to the address that they are configured with, and restart the gateway.", "The gateway at %s calls itself %q.", d.cfg.Issuer, metadata.Issuer)
	default:
		d.health(ctx, check)
	}
}

// health asks the gateway whether its store works.
func (d *doctor) health(ctx context.Context, check string) {
	switch resp, _, err := d.request(ctx, http.MethodGet, d.cfg.Issuer+"/healthz"); {
	case err != nil:
		d.found(check, findings.Fail, "Check again in a minute.", "%s: %v", d.cfg.Issuer, err)
	case resp.StatusCode == http.StatusServiceUnavailable:
		d.found(check, findings.Fail, "Its log says why: journalctl -u pickerd-gateway", "The gateway answers at %s, but it can't use its store.", d.cfg.Issuer)
	default:
		d.ok(check, "The gateway answers at %s.", d.cfg.Issuer)
	}
}

// certificate checks how long the certificate is valid, as clients see it, and in the
// configured file.
func (d *doctor) certificate(ctx context.Context) {
	const check = "certificate"
	u, err := url.Parse(d.cfg.Issuer)
	if err != nil || u.Scheme != "https" {
		d.found(check, findings.Skip, "", "The gateway is not reached by https.")
		return
	}
	if t := d.cfg.TLS; t.CertFile != "" {
		c, err := httpserve.NewCertificate(t.CertFile, t.KeyFile)
		if err != nil {
			d.found(check, findings.Fail, "Both files must be PEM, and belong together.", "tls.cert_file: %v", err)
		} else if pair, _ := c.Get(nil); pair != nil && pair.Leaf != nil {
			d.daysLeft(check, t.CertFile, pair.Leaf.NotAfter)
		}
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	cfg := &tls.Config{}
	if d.tls != nil {
		cfg = d.tls.Clone()
	}
	cfg.ServerName = u.Hostname()
	dialer := tls.Dialer{NetDialer: &net.Dialer{Timeout: maxAnswer}, Config: cfg}
	c, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(u.Hostname(), port))
	if err != nil {
		d.found(check, findings.Fail, "Phones and boxes must trust the certificate. Check tls.domain or tls.cert_file, or the proxy's certificate.", "%s: %v", u.Host, err)
		return
	}
	defer c.Close()
	d.daysLeft(check, u.Host, c.(*tls.Conn).ConnectionState().PeerCertificates[0].NotAfter)
}

func (d *doctor) daysLeft(check, where string, end time.Time) {
	days := int(time.Until(end).Hours() / 24)
	switch {
	case time.Now().After(end):
		d.found(check, findings.Fail, "Renew it.", "%s: it expired on %s.", where, end.UTC().Format(time.DateOnly))
	case days < minDaysLeft:
		d.found(check, findings.Warn, "It should have been renewed by now. Check what renews it; the log of the gateway or of the proxy says more.", "%s: %d days left.", where, days)
	default:
		d.ok(check, "%s: %d days left.", where, days)
	}
}
