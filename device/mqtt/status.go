package mqtt

import (
	"strings"
	"time"

	"pickerd/device"
)

// A Status is what the broker keeps of a box, on the topic status. Each member was
// chosen: what the box's own programs may know besides does not leave it. What is on the
// screen is told by events alone, so that a status is rare.
type Status struct {
	State    device.State      `json:"state"`
	Since    time.Time         `json:"since"`
	Name     string            `json:"name"`
	Version  string            `json:"version"`
	Labels   map[string]string `json:"labels,omitempty"`
	ScreenOn bool              `json:"screen_on"`
	Displays int               `json:"displays"`
	Accounts int               `json:"accounts"` // their number
	Sessions device.Sessions   `json:"sessions"`
	Problem  *Problem          `json:"problem,omitempty"`
	Paused   bool              `json:"paused"`
	Muted    bool              `json:"muted"`

	// The following are absent in guest mode.

	Library  *device.Library `json:"library,omitempty"`
	LastPick *device.PickEnd `json:"last_pick,omitempty"`
	// Emails are the addresses of the accounts, with mqtt.personal.
	Emails []string `json:"emails,omitempty"`
}

// A Problem is a device.ProblemStatus without what only helps on the box.
type Problem struct {
	Code    string    `json:"code"`
	Message string    `json:"message"`
	Remedy  string    `json:"remedy,omitempty"`
	RetryAt time.Time `json:"retry_at,omitzero"`
}

// status returns what the broker may know of a status.
func (b *Bridge) status(s device.Status) Status {
	o := Status{State: s.State, Since: s.Since, Name: s.Name, Version: b.cfg.Version, Labels: labels(b.cfg.Groups), ScreenOn: s.ScreenOn,
		Displays: s.Displays, Accounts: len(s.Accounts), Sessions: s.Sessions}
	if p := s.Problem; p != nil {
		o.Problem = &Problem{Code: p.Code, Message: p.Message, Remedy: p.Remedy, RetryAt: p.RetryAt}
	}
	if p := s.Showing; p != nil {
		o.Paused, o.Muted = p.Paused, p.Muted
	}
	if b.cfg.Guests {
		return o
	}
	o.Library, o.LastPick = &s.Library, s.LastPick
	if b.cfg.Personal {
		for _, a := range s.Accounts {
			if a.Email != "" {
				o.Emails = append(o.Emails, a.Email)
			}
		}
	}
	return o
}

// labels returns the labels whose groups these are.
func labels(groups []string) map[string]string {
	all := map[string]string{}
	for _, g := range groups {
		label, value, _ := strings.Cut(g, "=")
		all[label] = value
	}
	return all
}

// event returns what the broker may know of an event.
func (b *Bridge) event(e device.Event) device.Event {
	if b.cfg.Guests {
		e.Data = device.EventData{State: e.Data.State, RequestID: e.Data.RequestID, Outcome: e.Data.Outcome, Problem: e.Data.Problem}
	}
	return e
}
