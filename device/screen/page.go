package screen

import (
	"strings"

	"pickerd/device"
	"pickerd/display"
)

// page composes what the screen shows. It has no input but the view.
func (v *view) page() display.Page {
	if p, ok := v.erasing.page(v); ok {
		return p
	}
	p := display.Page{State: string(v.snap.State), Device: v.cfg.Name, Night: v.asleep, Viewers: display.Viewers{Visit: v.visit}, Style: v.cfg.Style}
	if v.overdue { // only the guest whose time is over may see what is theirs
		p.Title = v.say("one_moment")
		v.tell(&p)
		return p
	}
	if wifiPage(v, &p) {
		p.Menu = v.menu.compose(v, &p)
		return p
	}
	statePage(v, &p)
	slideView{v}.playing(&p)
	p.Receipt = v.receiptText()
	if p.Slide == nil {
		p.Account = v.accountText()
	}
	v.tell(&p)
	if !v.leavesAt.IsZero() {
		p.LeavesAt = v.leavesAt
		v.offer(&p, display.Wish{Verb: display.Stay}, "stay")
	}
	p.TimeOfDay = v.time
	p.Menu = v.menu.compose(v, &p)
	return p
}

// statePage composes the page of the state.
func statePage(v *view, p *display.Page) {
	switch v.snap.State {
	case device.Starting:
		p.Title = v.say("one_moment")
	case device.SetUp:
		v.setUpPage(p)
	case device.Waiting:
		p.Title = v.say("waiting")
		v.offerCancelNew(p)
	case device.Pairing:
		v.pairingPage(p)
	case device.Opening:
		v.offer(p, display.Wish{Verb: display.Cancel}, "cancel")
		v.offerFinish(p)
		v.moment(p, v.say("opening"))
	case device.Picking:
		v.pickingPage(p)
	case device.Fetching:
		v.fetchingPage(p)
	case device.Showing:
		v.showingPage(p)
	case device.Idle:
		p.Title, p.Text = v.say("idle_title"), v.say("idle_text")
		if v.snap.Library.Hidden > 0 {
			p.Title = v.say("all_hidden")
		}
		v.offer(p, display.Wish{Verb: display.Pick}, "choose_photos")
		v.offerForget(p)
	case device.Blocked:
		v.blockedPage(p)
	}
}

// say returns a text of pages in the language of the screen.
func (v *view) say(key string, args ...any) string { return v.cfg.lang().Say("page."+key, args...) }

// offer adds an offer with a text of pages.
func (v *view) offer(p *display.Page, w display.Wish, key string) {
	p.Offers = append(p.Offers, display.Offer{Wish: w, Label: v.say(key), Key: "page." + key})
}

// offerForget offers to forget an account: guests at once, others after a question.
func (v *view) offerForget(p *display.Page) {
	key := "forget_account"
	switch {
	case v.hasGuests():
		key = "finish"
	case len(v.snap.Accounts) > 1:
		key = "forget_an_account"
	}
	v.offer(p, display.Wish{Verb: display.AskForget}, key)
}

// offerFinish offers a guest to be forgotten.
func (v *view) offerFinish(p *display.Page) {
	if v.hasGuests() {
		v.offerForget(p)
	}
}

// offerCancelNew offers to cancel to somebody who is being paired beside others.
func (v *view) offerCancelNew(p *display.Page) {
	if v.snap.NewAccount {
		v.offer(p, display.Wish{Verb: display.Cancel}, "cancel")
	}
}

// offerBack offers to cancel if there are photos to return to, and reports
// whether there are.
func (v *view) offerBack(p *display.Page) bool {
	if v.snap.Library.Visible() == 0 {
		return false
	}
	v.offer(p, display.Wish{Verb: display.Cancel}, "back_to_photos")
	return true
}

// accountText says which accounts are linked. While one of several people chooses
// photos it names only them, and while another account is being linked nobody: the
// others' addresses are not for them.
func (v *view) accountText() string {
	known := v.emails()
	switch {
	case v.snap.NewAccount:
		return ""
	case v.snap.Pick != nil && v.snap.Account != nil && len(v.snap.Accounts) > 1:
		i := v.accountIndex(v.snap.Account.ID)
		if i < 0 {
			return ""
		}
		return v.say("is_choosing", "person", v.accountName(i))
	case known == "":
		return ""
	}
	return v.say("linked_to", "account", known)
}

// emails are those of all paired accounts, as far as they are known.
func (v *view) emails() string {
	var known []string
	for _, a := range v.snap.Accounts {
		if a.Email != "" {
			known = append(known, a.Email)
		}
	}
	return strings.Join(known, ", ")
}

// tell shows a problem: as a bar over a photo or a code, and otherwise instead
// of the text. Over a photo it ends after barFor.
func (v *view) tell(p *display.Page) {
	problem := v.problem()
	if problem == nil || v.isUntold(p) || v.snap.State == device.SetUp {
		return
	}
	message, remedy, ways := problem.In(v.cfg.lang())
	switch {
	case p.QR != "" || p.Slide != nil || v.snap.State == device.Idle:
		p.Problem, p.Remedy = message, remedy
	case problem == v.misconfigured: // does not stop what the page is about
		return
	case problem.Operator:
		p.Title, p.Text, p.Hint, p.Steps = v.say("needs_attention"), message, remedy, ways
		if len(ways) > 1 {
			p.Hint += " " + v.say("any_of_these")
		}
	default:
		p.Title, p.Text = message, remedy
	}
	p.RetryAt = problem.RetryAt
}

// isUntold reports whether a problem is no longer told over the photo of a page. It
// explains a download for as long as that lasts, and how to reach an access point for as
// long as that is open.
func (v *view) isUntold(p *display.Page) bool {
	return p.Slide != nil && p.Progress == nil && v.told && !v.isAccessWaiting()
}

func (v *view) blockedPage(p *display.Page) {
	p.Title = v.say("needs_attention")
	if v.snap.Problem != nil && v.snap.Problem.Retryable {
		v.offer(p, display.Wish{Verb: display.Pick}, "try_again")
	}
	if v.snap.Account != nil {
		v.offerForget(p)
	}
	v.offerCancelNew(p)
}

func (v *view) pairingPage(p *display.Page) {
	if !v.offerBack(p) {
		v.offerCancelNew(p)
	}
	c := v.snap.Code
	switch {
	case v.snap.Method == device.ByImport:
		v.importPage(p)
		return
	case v.cannotKeepToken():
		v.moment(p, "")
		return
	case v.snap.TokenPending, c != nil && c.Answered:
		v.moment(p, v.say("signing_in"))
		return
	case c == nil || v.ended:
		v.moment(p, v.say("getting_code"))
		return
	}
	p.Title = v.say("pair_title", "name", v.cfg.Name)
	if v.snap.NewAccount {
		p.Title = v.say("add_account_title", "name", v.cfg.Name)
	}
	for _, key := range pairingSteps[c.Method] {
		p.Steps = append(p.Steps, v.say(key))
	}
	p.Hint = v.say("pair_hint")
	if v.hasGuests() {
		p.Hint = v.say("guest_hint")
	}
	p.QR, p.Link, p.Code, p.Until = c.QRURI, c.VerificationURI, c.UserCode, c.ExpiresAt
	p.Spoken = v.spoken(c)
	v.offer(p, display.Wish{Verb: display.Renew}, "new_code")
}

// spoken is what a screen reader reads to somebody who can't see the code.
func (v *view) spoken(c *device.Code) string {
	lang := v.cfg.lang()
	if c.UserCode != "" {
		return v.say("spoken_code", "code", lang.Spell(c.UserCode), "uri", c.VerificationURI)
	}
	return v.spokenAddress(c.VerificationURI)
}

// pairingSteps are what a person does, by method.
var pairingSteps = map[string][]string{
	device.ByDevice: {"pair_scan_first", "choose_and_done", "appear"},
	device.ByRelay:  {"pair_wifi", "pair_scan", "choose_and_done", "appear"},
	device.ByPaste:  {"pair_wifi", "pair_follow", "choose_and_done", "appear"},
}

// importPage is for an operator. People in front of the screen can't do anything.
func (v *view) importPage(p *display.Page) {
	p.Title, p.Text = v.say("import_title", "name", v.cfg.Name), v.say("import_text")
	p.Steps = []string{
		"pickerd authorize --client desktop_client_secret.json --to RECIPIENT",
		v.say("import_copy"),
		"pickerd import-token token.age",
	}
	p.Hint = v.say("import_hint")
}

// moment asks for patience. During a problem, which may last, the photos stay.
func (v *view) moment(p *display.Page, text string) {
	if slide, next := v.slide(); v.snap.Problem != nil && slide != nil {
		p.Slide, p.Next = slide, next
		return
	}
	p.Title, p.Text = v.say("one_moment"), text
}

func (v *view) pickingPage(p *display.Page) {
	if !v.offerBack(p) {
		v.offer(p, display.Wish{Verb: display.Cancel}, "cancel")
	}
	v.offerFinish(p)
	if v.ended {
		v.moment(p, v.say("getting_link"))
		return
	}
	p.Title = v.say("pick_title")
	p.Steps = []string{v.say("pick_scan"), v.say("choose_and_done")}
	p.Hint = v.say("pick_hint")
	if pick := v.snap.Pick; pick != nil {
		if name := (shelves{v}).name(pick.Collection); name != "" {
			p.Title = v.cfg.setting("collection_picking", "name", name)
		}
		if pick.OnPhone {
			p.Steps[0] = v.say("pick_phone")
		}
		p.QR, p.Link, p.Until = pick.PickerURI, pick.PickerURI, pick.ExpiresAt
	}
}

func (v *view) fetchingPage(p *display.Page) {
	p.Slide, p.Next = v.slide()
	v.offer(p, display.Wish{Verb: display.Cancel}, "stop")
	v.offerFinish(p)
	if p.Slide == nil {
		p.Title = v.say("fetching")
	}
	if f := v.snap.Fetch; f != nil {
		p.Progress = &display.Progress{Done: f.Done, Total: f.Total, Failed: f.Failed}
	}
}

func (v *view) showingPage(p *display.Page) {
	p.Slide, p.Next = v.slide()
	v.offer(p, display.Wish{Verb: display.Pick}, "choose_photos")
	v.offerForget(p)
	if p.Slide == nil && v.frame.Unshowable {
		p.Title, p.Text = v.say("unshowable"), v.say("unshowable_text")
	}
}

func (v *view) receiptText() string {
	r := v.receipt
	if r == nil {
		return v.forgottenText()
	}
	s := []string{v.addedText(r.Photos, r.Videos)}
	if n := r.Photos + r.Videos; n > 0 && !r.Until.IsZero() {
		s = append(s, v.cfg.lang().Count("page.kept_until", n, "day", v.cfg.lang().Day(v.cfg.in(r.Until))))
	}
	if r.Failed > 0 {
		s = append(s, v.cfg.lang().Count("page.not_fetched", r.Failed))
	}
	if r.Unshowable > 0 {
		s = append(s, v.cfg.lang().Count("page.not_shown", r.Unshowable))
	}
	if r.Deleted {
		s = append(s, v.say("access_ended"))
	}
	return strings.Join(s, " ")
}

// addedText counts the photos and videos that a pick brought.
func (v *view) addedText(photos, videos int) string {
	w := v.cfg.lang()
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

// forgottenText says what became of a forgotten account.
func (v *view) forgottenText() string {
	done := v.forgotten != nil && v.forgotten.Revocation == device.RevocationDone
	switch o := v.snap.Outstanding; {
	case v.hasGuests() && o != nil:
		return v.say("guest_forgotten_here")
	case v.hasGuests() && done:
		return v.say("guest_forgotten")
	case o != nil && o.Revocation:
		return v.say("forgotten_revoking")
	case o != nil:
		return v.say("forgotten_deleting")
	case v.forgotten == nil:
		return ""
	case done:
		return v.say("forgotten_revoked")
	case v.forgotten.Revocation == device.RevocationRefused:
		return v.say("forgotten_not_revoked")
	}
	return v.say("forgotten")
}
