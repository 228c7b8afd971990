package oauthtest_test

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/oauthdevice/oauthtest/conformance"
)

// The simulator must pass the tests that real servers pass.
func TestConformance(t *testing.T) {
	for _, server := range []struct {
		name string
		opt  oauthtest.Options
	}{
		{"Google", oauthtest.Options{}},
		{"ByTheBook", oauthtest.Options{StandardNames: true, CompleteLink: true, OmitInterval: true, RotateRefresh: true,
			PendingStatus: http.StatusBadRequest}},
		{"Odd", oauthtest.Options{QuotedNumbers: true, ShortGroups: true, ExpireAsInvalid: true}},
	} {
		t.Run(server.name, func(t *testing.T) {
			for _, test := range conformance.Tests() {
				t.Run(test.Name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { test.Run(t, subject(server.opt)) })
				})
			}
		})
	}
}

func subject(opt oauthtest.Options) *conformance.Subject {
	s := oauthtest.New(opt)
	sub := &conformance.Subject{
		Client:    client(s),
		Interval:  5 * time.Second,
		Rotates:   opt.RotateRefresh,
		SlowsDown: true,
		Approve: func(t *testing.T, a *oauthdevice.Authorization) {
			if !s.Approve(a.UserCode) {
				t.Fatal("the code could not be approved")
			}
		},
		Deny: func(t *testing.T, a *oauthdevice.Authorization) {
			if !s.Deny(a.UserCode) {
				t.Fatal("the code could not be denied")
			}
		},
		RefusedScope: func(*testing.T) *oauthdevice.Client {
			strict := opt
			strict.RefuseScope = true
			return client(oauthtest.New(strict))
		},
	}
	if opt.OmitInterval {
		sub.Interval = 0
	}
	if opt.ExpireAsInvalid {
		sub.ExpiredAs = oauthdevice.InvalidGrant
	}
	return sub
}

func client(s *oauthtest.Server) *oauthdevice.Client {
	return &oauthdevice.Client{
		ID: s.ClientID(), Secret: oauthdevice.Secret(s.ClientSecret()), Scopes: []string{oauthtest.PickerScope},
		DeviceAuthURL: "http://a.test/device/code", TokenURL: "http://a.test/token", RevokeURL: "http://a.test/revoke",
		HTTP: &http.Client{Transport: oauthtest.InProcess(s)},
	}
}
