package screen

import (
	"pickerd/device"
)

// status composes what other programs see. It has no input but the view.
func (v *view) status() device.Status {
	s := device.Status{State: v.snap.State, Since: v.snap.Since.UTC(), Name: v.cfg.Name, Library: v.snap.Library, Sessions: v.snap.Sessions,
		Fetch: v.snap.Fetch, Account: v.snap.Account, Outstanding: v.snap.Outstanding, Forgotten: v.forgotten, Refused: v.snap.Refused,
		Recipient: v.snap.Recipient, Screen: v.screen, DisplayKey: v.cfg.DisplayKey}
	for i, a := range v.snap.Accounts {
		a.Name = v.accountName(i)
		s.Accounts = append(s.Accounts, a)
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
	s.Pairing, s.Pick = v.pairingStatus(), v.pickStatus()
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
	s := &device.PickStatus{RequestID: p.RequestID, SessionID: p.SessionID}
	if v.snap.State == device.Picking && !v.ended {
		s.PickerURI = p.PickerURI
		if !p.ExpiresAt.IsZero() {
			s.ExpiresAt = new(p.ExpiresAt.UTC())
		}
	}
	return s
}
