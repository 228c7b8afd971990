package screen

import (
	"pickerd/device"
)

// status composes what other programs see. It has no input but the view, and whether
// the page shows a slide.
func (v *view) status(showing bool) device.Status {
	s := device.Status{State: v.snap.State, Since: v.snap.Since.UTC(), Name: v.cfg.Name, Library: v.snap.Library, Sessions: v.snap.Sessions,
		Fetch: v.snap.Fetch, Account: v.snap.Account, Outstanding: v.snap.Outstanding, Forgotten: v.forgotten, Refused: v.snap.Refused,
		Recipient: v.snap.Recipient, Screen: v.screen, Broker: v.broker, ScreenOn: !v.asleep, DisplayKey: v.cfg.DisplayKey}
	if n := v.frame.Lacking; n.Count > 0 && v.screen != nil {
		screen := *v.screen
		screen.Unshowable = &n
		s.Screen = &screen
	}
	for i, a := range v.snap.Accounts {
		a.Name = v.accountName(i)
		s.Accounts = append(s.Accounts, a)
	}
	if v.cfg.Displays != nil {
		s.Displays = len(others{v.cfg}.known().Displays)
	}
	if v.menu.page == menuWho {
		s.Asking = "who"
	}
	if v.hasGuests() {
		s.Guest = &device.GuestStatus{}
		if !v.leavesAt.IsZero() {
			s.Guest.ForgetsAt = v.leavesAt.UTC()
		}
	}
	if shown := (slideView{v}).shown(); showing && shown.Item != "" {
		s.Showing = &device.ShowingStatus{Item: shown.Item, Account: shown.Account, Since: shown.Since.UTC(), Until: shown.Until.UTC(), Paused: v.frame.Paused, Muted: v.frame.Muted}
	}
	s.Pairing, s.Pick, s.LastPick = v.pairingStatus(), v.pickStatus(), v.snap.LastPick
	if p := v.problem(); p != nil {
		s.Problem = p.Status()
	}
	return s
}

func (v *view) pairingStatus() *device.PairingStatus {
	c := v.snap.Code
	switch {
	case v.snap.State != device.Pairing, v.cannotKeepToken():
		return nil
	case v.snap.Method == device.ByImport:
		return &device.PairingStatus{Method: v.snap.Method}
	case c == nil, v.ended, v.snap.TokenPending, c.Answered:
		return nil
	}
	return &device.PairingStatus{Method: c.Method, UserCode: c.UserCode, VerificationURI: c.VerificationURI, QRURI: c.QRURI, ExpiresAt: c.ExpiresAt.UTC()}
}

func (v *view) pickStatus() *device.PickStatus {
	p := v.snap.Pick
	if p == nil {
		return nil
	}
	s := &device.PickStatus{RequestID: p.RequestID, SessionID: p.SessionID, Collection: p.Collection}
	if v.snap.State == device.Picking && !v.ended {
		s.PickerURI = p.PickerURI
		if !p.ExpiresAt.IsZero() {
			s.ExpiresAt = new(p.ExpiresAt.UTC())
		}
	}
	return s
}
