package device

import (
	"strings"

	"pickerd/display"
	"pickerd/display/words"
	"pickerd/store"
)

// page composes what the screen shows. It has no input but the view.
func (v *view) page() display.Page {
	p := display.Page{State: string(v.state), Device: v.name, Night: v.asleep, Visit: v.visit}
	if v.overdue { // nobody but a guest who is gone may see what is theirs
		p.Title = v.say("one_moment")
		v.tell(&p)
		return p
	}
	switch v.state {
	case Starting:
		p.Title = v.say("one_moment")
	case Waiting:
		p.Title = v.say("waiting")
		p.CancelLabel = v.newcomersWay()
	case Pairing:
		v.pairingPage(&p)
	case Opening:
		p.CancelLabel = v.say("cancel")
		if v.guests {
			p.ForgetLabel = v.forgetLabel()
		}
		v.moment(&p, v.say("opening"))
	case Picking:
		v.pickingPage(&p)
	case Fetching:
		v.fetchingPage(&p)
	case Showing:
		v.showingPage(&p)
	case Idle:
		p.Title, p.Text = v.say("idle_title"), v.say("idle_text")
		if v.library.Hidden > 0 {
			p.Title = v.say("all_hidden")
		}
		p.PickLabel, p.ForgetLabel = v.say("choose_photos"), v.forgetLabel()
	case Blocked:
		p.Title = v.say("needs_attention")
		if v.problem != nil && v.problem.asked {
			p.PickLabel = v.say("try_again")
		}
		if v.paired {
			p.ForgetLabel = v.forgetLabel()
		}
		p.CancelLabel = v.newcomersWay()
	}
	p.Receipt = v.receiptText()
	if known := v.emails(); known != "" && p.Slide == nil {
		p.Account = v.say("linked_to", "account", known)
	}
	v.tell(&p)
	if !v.leavesAt.IsZero() {
		p.LeavesAt, p.StayLabel = v.leavesAt, v.say("stay")
	}
	p.Clock, p.Date = v.clockText, v.dateText
	p.Menu = v.menu.compose(v, &p)
	return p
}

// forgetLabel is what to call the wish to be forgotten.
func (v *view) forgetLabel() string {
	switch {
	case v.guests:
		return v.say("finish")
	case len(v.accounts) > 1:
		return v.say("forget_an_account")
	}
	return v.say("forget_account")
}

// emails are those of all who are paired, as far as they are known.
func (v *view) emails() string {
	var known []string
	for _, a := range v.accounts {
		if a.Account != "" {
			known = append(known, a.Account)
		}
	}
	return strings.Join(known, ", ")
}

// say returns a text of pages in the language of the interface.
func (v *view) say(key string, args ...any) string { return v.lang().Say("page."+key, args...) }

func (v *view) lang() *words.Words {
	if v.words == nil {
		return english()
	}
	return v.words
}

// tell puts trouble over a photo or a code, and in the place of everything else
// where there is neither.
func (v *view) tell(p *display.Page) {
	t := v.trouble()
	if t == nil {
		return
	}
	message, remedy, ways := t.in(v.lang())
	switch {
	case p.QR != "" || p.Slide != nil || v.state == Idle:
		p.Problem, p.Remedy = message, remedy
	case t.operator:
		p.Title, p.Text, p.Hint, p.Steps = v.say("needs_attention"), message, remedy, ways
		if len(ways) > 1 {
			p.Hint += " " + v.say("any_of_these")
		}
	default:
		p.Title, p.Text = message, remedy
	}
	p.RetryAt = t.RetryAt
}

func (v *view) pairingPage(p *display.Page) {
	p.CancelLabel = v.wayBack(v.newcomersWay())
	switch {
	case v.method == ByImport:
		v.importPage(p)
		return
	case v.unfit():
		v.moment(p, "")
		return
	case v.granted, v.pairing != nil && v.pairing.Answered():
		v.moment(p, v.say("signing_in"))
		return
	case v.pairing == nil || v.ended:
		v.moment(p, v.say("getting_code"))
		return
	}
	p.Title = v.say("pair_title", "name", v.name)
	if v.newcomer {
		p.Title = v.say("add_account_title", "name", v.name)
	}
	for _, key := range pairingSteps[v.pairing.Method] {
		p.Steps = append(p.Steps, v.say(key))
	}
	p.Hint = v.say("pair_hint")
	if v.guests {
		p.Hint = v.say("guest_hint")
	}
	p.QR, p.Link, p.Code, p.Until = v.pairing.QRURI, v.pairing.VerificationURI, v.pairing.UserCode, v.pairUntil
	p.Spoken = v.spoken(v.pairing)
	p.RenewLabel = v.say("new_code")
}

// spoken is what to read out to somebody who can't see the code.
func (v *view) spoken(p *store.Pairing) string {
	if p.UserCode != "" {
		return v.say("spoken_code", "code", v.lang().Spell(p.UserCode), "uri", p.VerificationURI)
	}
	before, link, _ := strings.Cut(p.VerificationURI, linkPath)
	return v.say("spoken_link", "address", before+linkPath, "code", v.lang().Spell(strings.ToUpper(link)))
}

// pairingSteps are what a person does, by method.
var pairingSteps = map[string][]string{
	ByDevice: {"pair_scan_first", "choose_and_done", "appear"},
	ByRelay:  {"pair_wifi", "pair_scan", "choose_and_done", "appear"},
	ByPaste:  {"pair_wifi", "pair_follow", "choose_and_done", "appear"},
}

// importPage is for an operator: nobody in front of the screen can do anything.
func (v *view) importPage(p *display.Page) {
	p.Title, p.Text = v.say("import_title", "name", v.name), v.say("import_text")
	p.Steps = []string{
		"pickerd authorize --client desktop_client_secret.json --to RECIPIENT",
		v.say("import_copy"),
		"pickerd import-token token.age",
	}
	p.Hint = v.say("import_hint")
}

// newcomersWay is what to call the wish to cancel for somebody who is being paired
// beside others, "" where nobody is.
func (v *view) newcomersWay() string {
	if !v.newcomer {
		return ""
	}
	return v.say("cancel")
}

// visible is how many photos there are that are not hidden.
func (v *view) visible() int { return v.library.Items - v.library.Hidden }

// wayBack is what to call the wish to cancel; without is for when there are no
// photos to go back to.
func (v *view) wayBack(without string) string {
	if v.visible() > 0 {
		return v.say("back_to_photos")
	}
	return without
}

// moment asks for patience. In trouble, which may last, the photos don't give
// way to that.
func (v *view) moment(p *display.Page, text string) {
	if v.problem != nil && v.slide != nil {
		p.Slide, p.Next = v.slide, v.nextSlide
		return
	}
	p.Title, p.Text = v.say("one_moment"), text
}

func (v *view) pickingPage(p *display.Page) {
	p.CancelLabel = v.wayBack(v.say("cancel"))
	if v.guests {
		p.ForgetLabel = v.forgetLabel()
	}
	if v.ended {
		v.moment(p, v.say("getting_link"))
		return
	}
	p.Title = v.say("pick_title")
	p.Steps = []string{v.say("pick_scan"), v.say("choose_and_done")}
	p.Hint = v.say("pick_hint")
	p.QR, p.Link, p.Until = v.pick.PickerURI, v.pick.PickerURI, v.pickUntil
}

func (v *view) fetchingPage(p *display.Page) {
	p.Slide, p.Next = v.slide, v.nextSlide
	p.CancelLabel = v.say("stop")
	if v.guests {
		p.ForgetLabel = v.forgetLabel()
	}
	if v.slide == nil {
		p.Title = v.say("fetching")
	}
	if f := v.fetch; f != nil {
		p.Progress = &display.Progress{Done: f.Done, Total: f.Total, Failed: f.Failed}
	}
}

func (v *view) showingPage(p *display.Page) {
	p.Slide, p.Next = v.slide, v.nextSlide
	p.PickLabel, p.ForgetLabel = v.say("choose_photos"), v.forgetLabel()
	switch {
	case v.slide == nil && v.unshowable:
		p.Title, p.Text = v.say("unshowable"), v.say("unshowable_text")
	case v.paused:
		p.Paused = v.say("paused")
	}
}

func (v *view) receiptText() string {
	r := v.receipt
	if r == nil {
		return v.farewellText()
	}
	s := []string{v.addedText(r.photos, r.videos)}
	if r.failed > 0 {
		s = append(s, v.lang().Count("page.not_fetched", r.failed))
	}
	if r.deleted {
		s = append(s, v.say("access_ended"))
	}
	return strings.Join(s, " ")
}

// addedText tells how many photos and videos a pick has brought.
func (v *view) addedText(photos, videos int) string {
	w := v.lang()
	switch {
	case photos == 0 && videos == 0:
		return v.say("no_photo_came")
	case videos == 0:
		return w.Count("page.photos_added", photos)
	case photos == 0:
		return w.Count("page.videos_added", videos)
	}
	return v.say("photos_and_videos_added", "photos", w.Count("page.photos", photos), "videos", w.Count("page.videos", videos))
}

// farewellText tells what became of a forgotten account.
func (v *view) farewellText() string {
	switch o, f := v.outstanding, v.farewell; {
	case v.guests && o != nil:
		return v.say("guest_forgotten_here")
	case v.guests && f != nil && f.revoked:
		return v.say("guest_forgotten")
	case o != nil && o.Revocation:
		return v.say("forgotten_revoking")
	case o != nil:
		return v.say("forgotten_deleting")
	case f == nil:
		return ""
	case f.revoked:
		return v.say("forgotten_revoked")
	case f.asked:
		return v.say("forgotten_not_revoked")
	default:
		return v.say("forgotten")
	}
}
