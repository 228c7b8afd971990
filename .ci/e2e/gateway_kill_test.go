package e2e

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/oauthdevice/oauthtest"
)

// A moment is a point of a sign-in.
type moment string

const (
	afterCode     moment = "after the code"
	afterConfirm  moment = "after the confirmation"
	inExchange    moment = "in the exchange"
	afterCallback moment = "after the callback"
	afterToken    moment = "after the token"
)

// A killing is what is killed in the middle, when, and what follows.
type killing struct {
	name string
	// kill kills something, and starts it again at once or when it returns how.
	kill func(p *person) (restart func())
	at   []moment
	// scans has how often the person must scan a code to sign in, if not once.
	scans map[moment]int
	// alone has the moments after which the phone is not led on to the picker.
	alone map[moment]bool
}

var killings = []killing{
	{
		name: "an instance",
		kill: func(p *person) func() {
			d := p.one
			p.one, p.two = p.two, p.one // the other one the next time
			d.kill()
			return d.start
		},
		at: []moment{afterCode, afterConfirm, afterCallback, afterToken},
	},
	{
		name: "both instances",
		kill: func(p *person) func() {
			p.one.kill()
			p.two.kill()
			p.one.start()
			p.two.start()
			return nil
		},
		at:    []moment{inExchange, afterCallback},
		scans: map[moment]int{inExchange: 2}, // the phone's answer is lost, not the code
	},
	{
		name: "Redis",
		kill: func(p *person) func() {
			p.redis.kill()
			if p.at == afterCode {
				p.seeOutage()
			}
			p.redis.start()
			return nil
		},
		at:    []moment{afterCode, afterConfirm, inExchange, afterCallback, afterToken},
		scans: map[moment]int{afterCode: 2, afterConfirm: 2, inExchange: 2, afterCallback: 2},
		alone: map[moment]bool{afterToken: true},
	},
	{
		name: "the box",
		kill: func(p *person) func() {
			p.b.kill()
			p.b.start()
			return nil
		},
		at: []moment{afterCode, afterConfirm, afterCallback, afterToken},
	},
}

// TestGatewayLife pairs a box, picks, shows, refreshes, revokes and unpairs through two
// instances of the gateway, while something is killed in the middle.
func TestGatewayLife(t *testing.T) {
	t.Parallel()
	for _, tt := range killings {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t)
			c.g.noLeaks(t)
			b := throughGateway(t, c.url, c.issuer)
			b.start()
			for _, at := range tt.at {
				began := time.Now()
				p := &person{cluster: c, b: b, at: at, kill: tt.kill}
				p.pairAndPick()
				if want := max(tt.scans[at], 1); p.scans != want {
					t.Errorf("%s: the person scanned %d codes, want %d", at, p.scans, want)
				}
				if want := !tt.alone[at]; p.ledOn != want {
					t.Errorf("%s: led on: %t, want %t", at, p.ledOn, want)
				}
				c.refreshAndUnpair(b)
				t.Logf("%s: %d scans, led on: %t, %.1f s", at, p.scans, p.ledOn, time.Since(began).Seconds())
			}
			b.stop()
			for _, secret := range []string{oauthtest.Mark, "/?c="} {
				for name, log := range map[string]*logBuffer{"the box": b.log, "the gateway": c.one.log} {
					if strings.Contains(log.String(), secret) {
						t.Errorf("%q in the log of %s", secret, name)
					}
				}
			}
		})
	}
}

// A person pairs a box and picks, while something is killed at one moment.
type person struct {
	*cluster
	b       *box
	at      moment
	kill    func(*person) (restart func()) // nil afterwards
	restart func()
	scans   int  // codes of a sign-in that the person scanned
	ledOn   bool // the phone that signed in was led on to the picker
}

// now kills if this is the moment. It does so once.
func (p *person) now(m moment) {
	if kill := p.kill; m == p.at && kill != nil {
		p.kill = nil
		p.restart = kill(p)
	}
}

// pairAndPick scans codes until photos are on the screen.
func (p *person) pairAndPick() {
	p.t.Helper()
	var h *handset
	for last := ""; ; {
		s := p.b.untilStatus("a new code or a pick", func(s *device.Status) bool {
			return s.Pairing != nil && s.Pairing.QRURI != last || s.Pick != nil
		})
		if s.Pairing == nil {
			break // paired, although the phone was not told
		}
		p.scans++
		h = p.newHandset("127.0.0.1")
		again := p.signIn(h, s.Pairing.QRURI)
		if h.waits() && p.finish(h) {
			break
		}
		if last = s.Pairing.QRURI; again {
			last = "" // the code is still valid
		}
	}
	p.choose(h)
	p.b.untilStatus("photos and no session", func(s *device.Status) bool {
		return s.State == device.Showing && s.Library.Items == 2 && s.Sessions == device.Sessions{} && s.Problem == nil
	})
	if n := len(p.b.status().Accounts); n != 1 {
		p.t.Errorf("%d accounts", n)
	}
	if p.restart != nil {
		p.restart()
	}
}

// signIn scans a code and consents, up to the page that waits for the box. It reports
// whether the same code can be scanned again.
func (p *person) signIn(h *handset, link string) (again bool) {
	p.t.Helper()
	p.now(afterCode)
	consent := h.confirm(link)
	if consent == "" {
		p.t.Logf("%s: the phone shows %s instead of the question", p.at, h.shown())
		return h.Status >= http.StatusInternalServerError
	}
	p.now(afterConfirm)
	to, err := p.g.auth.Allow(consent, "person")
	if err != nil {
		p.t.Fatal(err)
	}
	// The box must not fetch the token before something is killed.
	p.signal(syscall.SIGSTOP)
	if p.at == inExchange && p.kill != nil {
		p.killInExchange(h, to)
	} else {
		h.open(to)
	}
	if !h.waits() {
		p.t.Logf("%s: the phone shows %s after signing in", p.at, h.shown())
	} else {
		p.now(afterCallback)
	}
	p.signal(syscall.SIGCONT)
	return h.Status >= http.StatusInternalServerError
}

func (p *person) signal(s syscall.Signal) {
	p.t.Helper()
	if err := p.b.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
}

// killInExchange opens the callback, and kills when a gateway's request for the token
// has arrived at Google, before the answer.
func (p *person) killInExchange(h *handset, callback string) {
	p.t.Helper()
	arrived, release := p.google.hold("/auth/token")
	opened := make(chan struct{})
	go func() {
		defer close(opened)
		h.open(callback)
	}()
	select {
	case <-arrived:
		p.now(inExchange)
	case <-opened:
		p.t.Error("no request for the token")
	}
	release()
	<-opened
}

// finish waits until the box is paired. It kills before the box has a picking session,
// and so before it tells the gateway where the phone goes on. It reports false if the
// phone's page says that the sign-in is lost.
func (p *person) finish(h *handset) bool {
	p.t.Helper()
	if p.at != afterToken {
		return p.isPaired(h)
	}
	_, release := p.google.hold("/photos/v1/sessions")
	defer release()
	if !p.isPaired(h) {
		return false
	}
	p.now(afterToken)
	return true
}

// seeOutage checks what the box and the phone show while the gateway has no store.
func (p *person) seeOutage() {
	p.t.Helper()
	s := p.b.untilStatus("the gateway is reported", func(s *device.Status) bool { return s.Problem != nil && s.Problem.Code == "gateway_down" })
	if s.Pairing == nil {
		p.t.Errorf("the code is gone: %+v", s)
		return
	}
	h := p.newHandset("127.0.0.1")
	if h.open(s.Pairing.QRURI); h.Status != http.StatusServiceUnavailable {
		p.t.Errorf("the phone shows %s, want 503", h.shown())
	}
}

// isPaired waits until the box is paired, or the phone's page says that the sign-in
// is lost.
func (p *person) isPaired(h *handset) bool {
	p.t.Helper()
	paired := false
	h.reload("the box is paired or the phone is told", func() bool {
		s := p.b.status()
		paired = s != nil && s.Account != nil
		return paired || h.isOver()
	})
	if !paired {
		p.t.Logf("%s: the phone shows %s while it waits", p.at, h.shown())
	}
	return paired
}

// choose chooses photos, on the phone that signed in if the gateway leads it on, and
// otherwise after scanning the code on the screen.
func (p *person) choose(h *handset) {
	p.t.Helper()
	s := p.b.untilStatus("a pick", func(s *device.Status) bool { return s.Pick != nil && s.Pick.PickerURI != "" })
	if h.waits() {
		h.reload("the phone is led on or told", func() bool { return h.Next() != "" || h.isOver() })
	}
	to := s.Pick.PickerURI
	if next := h.Next(); next != "" {
		if next != to {
			p.t.Errorf("the phone is led to %s, not to %s", next, to)
		}
		p.ledOn = true
	}
	if h.open(to); h.Status != http.StatusOK || !strings.Contains(h.Page, `id="done"`) {
		p.t.Fatalf("the picker shows %s", h.shown())
	}
	if err := p.g.photos.Choose(s.Pick.SessionID, "sample-sunset", "sample-aurora"); err != nil {
		p.t.Fatal(err)
	}
}

// refreshAndUnpair picks with an expired access token, and then forgets the account
// and revokes its token.
func (c *cluster) refreshAndUnpair(b *box) {
	c.t.Helper()
	c.g.auth.ForgetCalls()
	c.g.auth.ExpireAccess()
	if _, err := b.client().Pick(c.t.Context(), "", ""); err != nil {
		c.t.Fatal(err)
	}
	s := b.untilStatus("another pick", func(s *device.Status) bool { return s.Pick != nil && s.Pick.PickerURI != "" })
	if err := c.g.photos.Choose(s.Pick.SessionID, "sample-harbour"); err != nil {
		c.t.Fatal(err)
	}
	b.untilStatus("another photo and no session", func(s *device.Status) bool {
		return s.State == device.Showing && s.Pick == nil && s.Library.Items == 1 && s.Sessions == device.Sessions{}
	})
	b.tell("unpair", "--everywhere")
	b.untilStatus("no account", func(s *device.Status) bool {
		return s.Account == nil && s.Outstanding == nil && s.Pairing != nil && s.Library.Items == 0
	})
	calls := map[string]int{}
	for _, call := range c.g.auth.Calls() {
		if call.Status == http.StatusOK {
			calls[call.Op]++
		}
	}
	if calls[oauthtest.OpRefresh] == 0 || calls[oauthtest.OpRevoke] != 1 || calls[oauthtest.OpCode] > 0 {
		c.t.Errorf("requests at Google: %v", calls)
	}
}
