package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sync/errgroup"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/httpserve/pipelisten"
)

var (
	guestHere  = device.Snapshot{State: device.Showing, Account: &device.AccountStatus{Email: "guest@hotel.example"}, Library: device.Library{Items: 3}}
	untold     = device.Snapshot{State: device.Pairing, Outstanding: &device.Outstanding{Revocation: true}}
	expiring   = device.Snapshot{State: device.Pairing, Sessions: device.Sessions{PendingDeletion: 1}}
	codeShown  = device.Snapshot{State: device.Pairing, Code: &device.Code{UserCode: "ABCD"}}
	answered   = device.Snapshot{State: device.Pairing, Code: &device.Code{UserCode: "ABCD", Answered: true}}
	offline    = device.Snapshot{State: device.Waiting}
	photosOnly = device.Snapshot{State: device.Pairing, Library: device.Library{Items: 1}}
	tokenOnly  = device.Snapshot{State: device.Pairing, TokenPending: true}
)

// TestDeparture checks when a box notices that a guest has left.
func TestDeparture(t *testing.T) {
	type step struct {
		at   time.Duration
		snap device.Snapshot
	}
	const s = time.Second
	for name, tt := range map[string]struct {
		steps []step
		left  time.Duration // when it is noticed, 0 for never within an hour
	}{
		"nobody was here":            {[]step{{0, offline}, {s, codeShown}}, 0},
		"a guest stays":              {[]step{{0, codeShown}, {s, answered}, {2 * s, guestHere}}, 0},
		"a guest leaves":             {[]step{{0, guestHere}, {10 * s, untold}, {11 * s, codeShown}}, 12 * s},
		"without a network":          {[]step{{0, guestHere}, {10 * s, untold}}, 20 * s},
		"later only a token is left": {[]step{{0, untold}, {100 * s, offline}}, 101 * s},
		"only a token, for long":     {[]step{{0, untold}}, 0},
		"a session that expires":     {[]step{{0, guestHere}, {10 * s, expiring}, {15 * s, codeShown}}, 16 * s},
		"the next one is quick":      {[]step{{0, guestHere}, {10 * s, codeShown}, {10*s + s/2, answered}}, 0},
		"and leaves as well":         {[]step{{0, guestHere}, {10 * s, codeShown}, {10*s + s/2, answered}, {20 * s, codeShown}}, 21 * s},
		"no code to be had":          {[]step{{0, guestHere}, {10 * s, offline}}, 11 * s},
		"photos without an account":  {[]step{{0, photosOnly}, {10 * s, codeShown}}, 11 * s},
		"a token not on disk yet":    {[]step{{0, tokenOnly}, {10 * s, codeShown}}, 11 * s},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var board display.Board[device.Snapshot]
				ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
				defer cancel()
				began := time.Now()
				go func() {
					for _, st := range tt.steps {
						time.Sleep(time.Until(began.Add(st.at)))
						board.Set(st.snap)
					}
				}()
				err := new(departure).watch(ctx, &board, func() bool { return true })
				after := time.Since(began)
				switch {
				case tt.left == 0 && !errors.Is(err, context.DeadlineExceeded):
					t.Errorf("noticed after %v: %v", after, err)
				case tt.left > 0 && (err != nil || after < tt.left || after > tt.left+2*departureInterval):
					t.Errorf("noticed after %v, want %v; %v", after, tt.left, err)
				}
			})
		})
	}
}

// TestDepartureWaitsForHooks checks that a hook that is told of the departure is not
// cut off.
func TestDepartureWaitsForHooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var board display.Board[device.Snapshot]
		var busy atomic.Bool
		busy.Store(true)
		board.Set(guestHere)
		go func() {
			time.Sleep(time.Second)
			board.Set(codeShown)
			time.Sleep(time.Minute)
			busy.Store(false)
		}()
		began := time.Now()
		if err := new(departure).watch(t.Context(), &board, func() bool { return !busy.Load() }); err != nil {
			t.Fatal(err)
		}
		if after := time.Since(began); after < time.Minute {
			t.Errorf("ended after %v, while a hook runs", after)
		}
	})
}

// TestSlowReload checks that a browser which loads its page again slowly gets it before
// the program is re-executed without the guest. New settings don't wait for it.
func TestSlowReload(t *testing.T) {
	for why, want := range map[error]bool{errGuestLeft: true, errReset: true, errConfigChanged: false} {
		synctest.Test(t, func(t *testing.T) {
			l := pipelisten.New()
			g, ctx := errgroup.WithContext(t.Context())
			serve(ctx, g, l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(time.Second) }))
			client := &http.Client{Transport: &http.Transport{
				DisableKeepAlives: true,
				DialContext:       func(context.Context, string, string) (net.Conn, error) { return l.Dial(), nil },
			}}
			answered := make(chan bool)
			go func() {
				resp, err := client.Get("http://box/clear")
				if err == nil {
					resp.Body.Close()
				}
				answered <- err == nil
			}()
			synctest.Wait()
			g.Go(func() error { return why })
			if got := <-answered; got != want {
				t.Errorf("%v: answered %t, want %t", why, got, want)
			}
			if err := g.Wait(); err != why {
				t.Errorf("%v: ended with %v", why, err)
			}
			time.Sleep(time.Minute) // the handler ends
		})
	}
}
