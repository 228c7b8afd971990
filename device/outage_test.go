package device_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/inet"
	"pickerd/display"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
	"pickerd/store"
)

// TestOutages breaks the network in every way, at every moment, for minutes and for
// more than a day. The screen must say what is wrong and when the box retries,
// requests must be limited, and the box must continue afterwards.
func TestOutages(t *testing.T) {
	skipShort(t)
	t.Parallel()
	faults := map[string]struct {
		answer http.RoundTripper
		codes  string // of the problems that may be shown
	}{
		"no network":                {failWith(&net.OpError{Op: "dial", Err: errors.New("network is unreachable")}), "no_network"},
		"DNS is broken":             {failWith(&net.DNSError{Err: "no such host", Name: "oauth2.googleapis.com", IsNotFound: true}), "no_network"},
		"black hole":                {roundTripFunc(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }), "no_network"},
		"portal with a page":        {respond(200, "", "text/html", "<html>Welcome to the hotel"), "not_google"},
		"portal with a 404":         {respond(404, "", "text/html", "<html>Not found"), "not_google"},
		"portal with a 511":         {respond(511, "", "text/html", "<html>Sign in"), "server_trouble"},
		"proxy with a certificate":  {failWith(x509.UnknownAuthorityError{}), "not_google"},
		"proxy that closes TLS":     {failWith(errors.New("EOF")), "no_network"},
		"proxy that refuses":        {failWith(&inet.ProxyError{Proxy: "proxy.test:3128", Status: 403}), "proxy"},
		"proxy with a password":     {failWith(&inet.ProxyError{Proxy: "proxy.test:3128", Status: 407}), "proxy"},
		"proxy that is away":        {failWith(&net.OpError{Op: "proxyconnect", Net: "tcp", Err: &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}}), "proxy"},
		"407 without TLS":           {respond(407, "", "text/html", "<html>Proxy Authentication Required"), "proxy"},
		"407 with an empty body":    {respond(407, "", "", ""), "proxy"},
		"plain HTTP on port 443":    {failWith(http.ErrSchemeMismatch), "not_google"},
		"certificate not yet valid": {failWith(x509.CertificateInvalidError{Reason: x509.Expired}), "clock"},
		"500":                       {respond(500, "", "application/json", `{"error":{"code":500,"status":"INTERNAL"}}`), "server_trouble"},
		"503":                       {respond(503, "", "application/json", unavailable), "server_trouble"},
		"503, Retry-After":          {respond(503, "40", "application/json", unavailable), "server_trouble"},
		"429":                       {respond(429, "", "application/json", `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}`), "rate_limited server_trouble too_many_sessions"},
		"429, Retry-After":          {respond(429, "90", "text/plain", "slow"), "rate_limited server_trouble too_many_sessions"},
		"half a body":               {oauthtest.InProcess(http.HandlerFunc(cutOff)), "bad_answer code_spent"},
		"an empty body":             {respond(200, "", "application/json", ""), "bad_answer code_spent"},
	}
	moments := map[string]func(w *world){
		"at boot":            func(*world) {},
		"code on screen":     func(w *world) { w.untilCode() },
		"link on screen":     func(w *world) { w.pair() },
		"photos downloading": func(w *world) { w.pair(); w.choose() },
		"deleting": func(w *world) {
			w.pair()
			w.photos.Fail(pickertest.OpDelete, pickertest.Refuse(503, "UNAVAILABLE", ""))
			w.choose()
			w.untilState(device.Showing)
		},
		"forgetting": func(w *world) {
			w.pair()
			w.net.hook(func(r *http.Request) error {
				if r.Method == "DELETE" {
					return oauthtest.ErrConnection
				}
				return nil
			}, nil)
			if err := w.dev.Unpair(w.t.Context(), true); err != nil {
				w.t.Fatal(err)
			}
		},
	}
	for fault, f := range faults {
		for moment, begin := range moments {
			for _, lasts := range []time.Duration{6 * time.Minute, 30 * time.Hour} {
				if lasts > time.Hour && fault != "no network" {
					continue // the others behave the same, and a long outage takes time to simulate
				}
				t.Run(fmt.Sprintf("%s/%s/%v", fault, moment, lasts), func(t *testing.T) {
					net := &faultyNetwork{answer: f.answer}
					o := options{photos: pickertest.Options{RepeatedRequest: pickertest.SameSession}}
					if moment == "at boot" {
						o.before = func(w *world) { w.net.replace(net) }
					}
					inWorld(t, o, func(t *testing.T, w *world) {
						w.photos.NoLeaks(t)
						begin(w)
						w.net.hook(nil, nil)
						w.net.replace(net)
						w.checkOutage(lasts, f.codes, moment)
						w.net.mend()
						w.pass(11 * time.Minute) // longer than any Retry-After
						w.pickAndUnpair()
						if n := net.maxPerMinute(); n > 45 {
							t.Errorf("%d requests within a minute of the outage", n)
						}
					})
				})
			}
		}
	}
}

// checkOutage checks the screen during an outage.
func (w *world) checkOutage(lasts time.Duration, codes, moment string) {
	w.t.Helper()
	reported := false
	step := max(time.Second, lasts/2000)
	for range lasts / step {
		w.pass(step)
		s, p := w.dev.Statuses().Get(), w.dev.Pages().Get()
		if s.Problem == nil {
			continue
		}
		if !strings.Contains(codes+" forgetting pair_again", s.Problem.Code) {
			w.t.Errorf("problem %q, want one of %s", s.Problem.Code, codes)
			return
		}
		reported = true
		if strings.TrimSpace(p.Problem+p.Title+p.Text) == "" || p.RetryAt.IsZero() && s.Problem.Code != "code_spent" {
			w.t.Errorf("the page lacks a text or the time of the retry: %+v", p)
			return
		}
	}
	if !reported && moment != "deleting" {
		w.t.Errorf("no problem was shown: %+v", w.dev.Statuses().Get())
	}
}

// TestDiskOutages makes the disk fail for two minutes, beginning at each use of it
// in a scenario. The screen must say so, nothing may be lost, and the person must
// not have to repeat anything.
func TestDiskOutages(t *testing.T) {
	skipShort(t)
	t.Parallel()
	for code, errno := range map[string]syscall.Errno{"disk_full": syscall.ENOSPC, "disk_read_only": syscall.EROFS, "disk": syscall.EIO} {
		t.Run(code, func(t *testing.T) {
			places := 0
			for at := 0; ; at++ {
				what := ""
				synctest.Test(t, func(t *testing.T) {
					what = newScenario(t, oauthtest.Options{RotateRefresh: true, TokenLife: 90 * time.Second}, 85*time.Second).withOutage(at, errno, code)
				})
				if what == "" || t.Failed() {
					break
				}
				places++
			}
			t.Logf("%d places", places)
			if places < 60 {
				t.Errorf("only %d uses of the disk were found", places)
			}
		})
	}
}

const outage = 2 * time.Minute

// withOutage runs the scenario with a disk that fails for a while, beginning at
// use number at. It returns that use, "" if there were fewer.
func (l *scenario) withOutage(at int, errno syscall.Errno, code string) (what string) {
	// This server creates a second session for a repeated request, so the id of the
	// first must not be lost.
	l.photos.Change(func(o *pickertest.Options) { o.RepeatedRequest = pickertest.NewSession })
	n := 0
	var began time.Time
	var disk sync.Mutex
	l.watch = func(c store.Op) error {
		disk.Lock()
		defer disk.Unlock()
		if c.Kind != store.OpStatfs {
			if n++; n-1 == at {
				began, what = time.Now(), c.Kind+" "+c.Name
			}
		}
		if !began.IsZero() && time.Since(began) < outage {
			return &os.PathError{Op: c.Kind, Path: c.Name, Err: errno}
		}
		return nil
	}
	reported := false
	l.onTick = func(s device.Status, p display.Page) {
		disk.Lock()
		since := time.Since(began)
		out := !began.IsZero()
		disk.Unlock()
		if out && since < outage && s.Problem != nil && s.Problem.Code == code {
			reported = true
			// Over a photo it is a bar for a minute, and in the menu afterwards.
			hidden := p.Slide != nil && since >= time.Minute && p.Problem+p.Title+p.Text == ""
			if !hidden && !strings.Contains(p.Problem+p.Title+p.Text, "storage") {
				l.t.Errorf("%s: the page does not name the storage after %v: %+v", what, since, p)
			}
		}
		if out && since > outage+time.Minute && s.Problem != nil {
			l.t.Errorf("%s: problem %q a minute after the outage", what, s.Problem.Code)
		}
	}
	for !l.tryStart() { // the daemon retries as well
		l.pass(5 * time.Second)
		reported = true
	}
	l.play(nil)
	l.stop()
	if what != "" && !reported && l.stage < 2 {
		l.t.Errorf("%s: no problem was shown", what)
	}
	if l.stage < 3 || l.codes > 1 {
		l.t.Errorf("%s: stage %d, %d codes approved; %+v", what, l.stage, l.codes, l.dev.Statuses().Get())
	}
	l.watch = nil
	l.check(what)
	return what
}
