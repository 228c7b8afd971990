package device_test

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// A faulty network answers everything in one way, and counts how often it is
// asked.
type faulty struct {
	answer http.RoundTripper
	mu     sync.Mutex
	asked  []time.Time
}

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	f.mu.Lock()
	f.asked = append(f.asked, time.Now())
	f.mu.Unlock()
	return f.answer.RoundTrip(r)
}

// busiest returns the most requests in one minute.
func (f *faulty) busiest() (most int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	from := 0
	for i, at := range f.asked {
		for at.Sub(f.asked[from]) > time.Minute {
			from++
		}
		most = max(most, i-from+1)
	}
	return most
}

func failWith(err error) http.RoundTripper {
	return rt(func(*http.Request) (*http.Response, error) { return nil, err })
}

func respond(status int, header, contentType, body string) http.RoundTripper {
	return oauthtest.InProcess(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if header != "" {
			w.Header().Set("Retry-After", header)
		}
		answer(status, contentType, body)(w, r)
	}))
}

const unavailable = `{"error":{"code":503,"status":"UNAVAILABLE","message":"later"}}`

// TestOutages breaks the network in each way, at each moment, for minutes and
// days: the screen says in a sentence what is wrong and when it is tried again,
// nobody is asked too often, and everything goes on when it ends.
func TestOutages(t *testing.T) {
	t.Parallel()
	faults := map[string]struct {
		answer http.RoundTripper
		codes  string // that may be told
	}{
		"no network":               {failWith(&net.OpError{Op: "dial", Err: errors.New("network is unreachable")}), "no_network"},
		"DNS is broken":            {failWith(&net.DNSError{Err: "no such host", Name: "oauth2.googleapis.com", IsNotFound: true}), "no_network"},
		"black hole":               {rt(func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }), "no_network"},
		"portal with a page":       {respond(200, "", "text/html", "<html>Welcome to the hotel"), "not_google"},
		"portal that says 404":     {respond(404, "", "text/html", "<html>Not found"), "not_google"},
		"portal with a 511":        {respond(511, "", "text/html", "<html>Sign in"), "server_trouble"},
		"proxy with a certificate": {failWith(x509.UnknownAuthorityError{}), "not_google"},
		"proxy that cuts TLS":      {failWith(errors.New("EOF")), "no_network"},
		"certificate not yet good": {failWith(x509.CertificateInvalidError{Reason: x509.Expired}), "clock"},
		"500":                      {respond(500, "", "application/json", `{"error":{"code":500,"status":"INTERNAL"}}`), "server_trouble"},
		"503":                      {respond(503, "", "application/json", unavailable), "server_trouble"},
		"503, Retry-After":         {respond(503, "40", "application/json", unavailable), "server_trouble"},
		"429":                      {respond(429, "", "application/json", `{"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}`), "rate_limited server_trouble too_many_sessions"},
		"429, Retry-After":         {respond(429, "90", "text/plain", "slow"), "rate_limited server_trouble too_many_sessions"},
		"half a body":              {oauthtest.InProcess(http.HandlerFunc(cutOff)), "bad_answer code_spent"},
		"an empty body":            {respond(200, "", "application/json", ""), "bad_answer code_spent"},
	}
	moments := map[string]func(w *world){
		"at boot":           func(*world) {},
		"code on screen":    func(w *world) { w.until("a code", func(s device.Status) bool { return s.Pairing != nil }) },
		"link on screen":    func(w *world) { w.pair() },
		"photos on the way": func(w *world) { w.pair(); w.choose() },
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
			for _, lasts := range []time.Duration{6 * time.Minute, 5 * 24 * time.Hour} {
				if lasts > time.Hour && fault != "no network" {
					continue // it is no different, and takes its time
				}
				t.Run(fmt.Sprintf("%s/%s/%v", fault, moment, lasts), func(t *testing.T) {
					net := &faulty{answer: f.answer}
					o := options{photos: pickertest.Options{RepeatedRequest: pickertest.SameSession}}
					if moment == "at boot" {
						o.before = func(w *world) { w.net.replace(net) }
					}
					inWorld(t, o, func(t *testing.T, w *world) {
						w.photos.NoLeaks(t)
						begin(w)
						w.net.hook(nil, nil)
						w.net.replace(net)
						w.suffer(lasts, f.codes, moment)
						w.net.mend()
						w.pass(11 * time.Minute) // the longest Retry-After is heeded
						w.finishLife()
						if n := net.busiest(); n > 45 {
							t.Errorf("%d requests in a minute of the outage", n)
						}
					})
				})
			}
		}
	}
}

// suffer watches the screen during an outage.
func (w *world) suffer(lasts time.Duration, codes, moment string) {
	w.t.Helper()
	told := false
	step := max(time.Second, lasts/2000)
	for range lasts / step {
		w.pass(step)
		s, p := w.dev.Statuses().Get(), w.dev.Pages().Get()
		if s.Problem == nil {
			continue
		}
		if !strings.Contains(codes+" forgetting pair_again", s.Problem.Code) {
			w.t.Errorf("told %q, want one of %s", s.Problem.Code, codes)
			return
		}
		told = true
		if strings.TrimSpace(p.Problem+p.Title+p.Text) == "" || p.RetryAt.IsZero() && s.Problem.Code != "code_spent" {
			w.t.Errorf("the screen says too little: %+v", p)
			return
		}
	}
	if !told && moment != "deleting" {
		w.t.Errorf("nobody was told: %+v", w.dev.Statuses().Get())
	}
}

// finishLife brings the box from wherever it is to photos and back to nobody.
func (w *world) finishLife() {
	w.t.Helper()
	w.actAsPerson(nil)
	w.untilState(device.Showing)
	w.untilClean()
	if err := w.dev.Unpair(w.t.Context(), true); err != nil {
		w.t.Error(err)
	}
	w.until("the account to be forgotten everywhere", func(s device.Status) bool {
		return s.Account == nil && s.Outstanding == nil && s.Sessions == device.Sessions{}
	})
}

// actAsPerson does whatever the screen asks for until photos are shown.
func (w *world) actAsPerson(off <-chan struct{}) {
	for range 24 * 60 {
		select {
		case <-off:
			return
		case <-time.After(time.Second):
		}
		s := w.dev.Statuses().Get()
		switch {
		case s.State == device.Showing:
			return
		case s.Pairing != nil:
			w.auth.Approve(s.Pairing.UserCode)
		case s.State == device.Picking:
			w.photos.Choose(s.Pick.SessionID)
		}
	}
}
