package device

import (
	"fmt"
	"strings"

	"pickerd/display"
	"pickerd/store"
)

// page composes what the screen shows. It has no input but the view.
func (v *view) page() display.Page {
	p := display.Page{State: string(v.state), Device: v.name}
	switch v.state {
	case Starting:
		p.Title = "One moment…"
	case Waiting:
		p.Title = "Waiting for the network"
	case Pairing:
		v.pairingPage(&p)
	case Opening:
		p.CancelLabel = "Cancel"
		v.moment(&p, "Asking Google Photos for a place to choose.")
	case Picking:
		v.pickingPage(&p)
	case Fetching:
		v.fetchingPage(&p)
	case Showing:
		p.Photo, p.Next = v.photo, v.nextPhoto
		p.PickLabel, p.ForgetLabel = "Choose photos", forgetLabel
	case Idle:
		p.Title = "No photos yet"
		p.Text = "Press OK, or the button below, to choose photos with your phone."
		p.PickLabel, p.ForgetLabel = "Choose photos", forgetLabel
	case Blocked:
		p.Title = "This screen needs its operator"
		if v.problem != nil && v.problem.asked {
			p.PickLabel = "Try again"
		}
		if v.paired {
			p.ForgetLabel = forgetLabel
		}
	}
	p.Receipt = v.receiptText()
	if v.account != nil && v.account.Email != "" && p.Photo == nil {
		p.Account = "Linked to " + v.account.Email
	}
	v.tell(&p)
	return p
}

const forgetLabel = "Forget this account"

// tell puts trouble over a photo or a code, and in the place of everything else
// where there is neither.
func (v *view) tell(p *display.Page) {
	t := v.trouble()
	switch {
	case t == nil:
		return
	case p.QR != "" || p.Photo != nil || v.state == Idle:
		p.Problem, p.Remedy = t.Message, t.Remedy
	case t.operator:
		p.Title, p.Text, p.Hint, p.Steps = "This screen needs its operator", t.Message, t.Remedy, t.Ways
		if len(t.Ways) > 1 {
			p.Hint += " Any one of these will do."
		}
	default:
		p.Title, p.Text = t.Message, t.Remedy
	}
	p.RetryAt = t.RetryAt
}

func (v *view) pairingPage(p *display.Page) {
	p.CancelLabel = v.wayBack("")
	switch {
	case v.method == ByImport:
		v.importPage(p)
		return
	case v.unfit():
		v.moment(p, "")
		return
	case v.granted, v.pairing != nil && v.pairing.Answered():
		v.moment(p, "Signing in.")
		return
	case v.pairing == nil || v.ended:
		v.moment(p, "Getting a code for you.")
		return
	}
	p.Title = "Show your photos on " + v.name
	p.Steps = pairingSteps[v.pairing.Method]
	p.Hint = "This screen sees only the photos you choose, to show them here. You can disconnect it at any time."
	p.QR, p.Link, p.Code, p.Until = v.pairing.QRURI, v.pairing.VerificationURI, v.pairing.UserCode, v.pairUntil
	p.Spoken = spoken(v.pairing)
	p.RenewLabel = "New code"
}

// spoken is what to read out to somebody who can't see the code.
func spoken(p *store.Pairing) string {
	if p.UserCode != "" {
		return "The code is: " + display.Spell(p.UserCode) + ". Enter it at " + p.VerificationURI
	}
	before, link, _ := strings.Cut(p.VerificationURI, linkPath)
	return "Open " + before + linkPath + " followed by: " + display.Spell(strings.ToUpper(link))
}

// pairingSteps are what a person does, by method.
var pairingSteps = map[string][]string{
	ByDevice: {
		"Scan the code with your phone and sign in to Google.",
		"Choose photos in Google Photos and tap Done.",
		"They appear here.",
	},
	ByRelay: {
		"Put your phone on the same Wi-Fi as this screen.",
		"Scan the code and sign in to Google.",
		"Choose photos in Google Photos and tap Done.",
		"They appear here.",
	},
	ByPaste: {
		"Put your phone on the same Wi-Fi as this screen.",
		"Scan the code and follow the page that opens: it helps you to sign in to Google.",
		"Choose photos in Google Photos and tap Done.",
		"They appear here.",
	},
}

// importPage is for an operator: nobody in front of the screen can do anything.
func (v *view) importPage(p *display.Page) {
	p.Title = v.name + " is linked from a computer"
	p.Text = "Its operator does this once, on any computer with a browser:"
	p.Steps = []string{
		"pickerd authorize --client desktop_client_secret.json --to RECIPIENT",
		"Copy token.age to this box.",
		"pickerd import-token token.age",
	}
	p.Hint = "RECIPIENT is in the output of pickerd status on this box."
}

// wayBack is what to call the wish to cancel; without is for when there are no
// photos to go back to.
func (v *view) wayBack(without string) string {
	if v.library.Items > 0 {
		return "Back to the photos"
	}
	return without
}

// moment asks for patience. In trouble, which may last, the photos don't give
// way to that.
func (v *view) moment(p *display.Page, text string) {
	if v.problem != nil && v.photo != nil {
		p.Photo, p.Next = v.photo, v.nextPhoto
		return
	}
	p.Title, p.Text = "One moment…", text
}

func (v *view) pickingPage(p *display.Page) {
	p.CancelLabel = v.wayBack("Cancel")
	if v.ended {
		v.moment(p, "Getting a new link from Google.")
		return
	}
	p.Title = "Choose your photos"
	p.Steps = []string{
		"Scan the code with the phone you signed in with.",
		"Choose photos in Google Photos and tap Done.",
	}
	p.Hint = "Looking for an album? Search for its name in Google Photos."
	p.QR, p.Link, p.Until = v.pick.PickerURI, v.pick.PickerURI, v.pickUntil
}

func (v *view) fetchingPage(p *display.Page) {
	p.Photo, p.Next = v.photo, v.nextPhoto
	p.CancelLabel = "Stop"
	if v.photo == nil {
		p.Title = "Your photos are on their way"
	}
	if f := v.fetch; f != nil {
		p.Progress = &display.Progress{Done: f.Done, Total: f.Total, Failed: f.Failed}
	}
}

func (v *view) receiptText() string {
	r := v.receipt
	if r == nil {
		return v.farewellText()
	}
	var s []string
	switch r.photos {
	case 0:
		s = append(s, "No photo came.")
	case 1:
		s = append(s, "1 photo is here.")
	default:
		s = append(s, fmt.Sprintf("%d photos are here.", r.photos))
	}
	if r.failed > 0 {
		s = append(s, fmt.Sprintf("%d could not be fetched.", r.failed))
	}
	if r.deleted {
		s = append(s, "The picking session was deleted at Google.")
	}
	return strings.Join(s, " ")
}

// farewellText tells what became of a forgotten account.
func (v *view) farewellText() string {
	switch o, f := v.outstanding, v.farewell; {
	case o != nil && o.Revocation:
		return "The account is forgotten here. Google will be told to withdraw the permission as soon as it can be reached."
	case o != nil:
		return "The account is forgotten here. Picking sessions at Google will be deleted as soon as it can be reached."
	case f == nil:
		return ""
	case f.revoked:
		return "The account is forgotten here, and the permission is withdrawn at Google."
	case f.asked:
		return "The account is forgotten here. Google did not withdraw the permission; you can do that in your Google account."
	default:
		return "The account is forgotten here."
	}
}
