package screen

import (
	"context"
	"slices"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// menuFor is how long an unused menu stays open.
const menuFor = time.Minute

// A menu is what a remote control has opened. The zero menu is closed.
type menu struct {
	page     menuPage
	root     menuPage       // where it was opened; Back leads no further
	account  string         // that the page is about, by ID; or a display, or where the list goes on
	item     string         // likewise
	where    string         // likewise, the collection that photos are chosen for
	slide    *display.Slide // likewise: it stays on the screen
	shown    device.Shown   // what is known of slide
	selected string         // ID of an entry; the first one if there is none of that ID
	note     string         // what became of the last key
	since    time.Time      // of the last key
	visit                   // until the menu is closed
}

// A visit is what holds from when a menu is opened until it is closed.
type visit struct {
	began    time.Time
	unlocked time.Time // until when the PIN that was entered is valid
	pin      string    // entered so far
	then     menuPage  // that the PIN is asked for
}

type menuPage int

const (
	menuClosed menuPage = iota
	menuMain
	menuWho
	menuWhere // which collection photos are chosen for
	menuForgetWhom
	menuForget
	menuAbout
	menuDisplays    // those that wait
	menuDisplayList // those that are let in
	menuDisplay     // one of them
	menuSettings
	menuPhoto
	menuDelete
	menuPIN
)

// An entry is one line of a menu and what it does: it makes a wish, or opens
// another page, or both.
type entry struct {
	id    string
	label string
	opens menuPage
	about string // the account or display that the next page is about
	wish  *display.Wish

	item    string         // likewise, the item
	slide   *display.Slide // that stays on the screen with the next page
	shown   device.Shown   // what is known of slide
	setting string         // key of the setting that the line changes
	pinKey  string         // of the keypad: a digit, "clear" or "enter"
}

// up is where Back leads.
func (m menu) up() menuPage {
	switch m.page {
	case m.root:
		return menuClosed
	case menuDisplayList:
		return menuDisplays
	case menuDisplay:
		return menuDisplayList
	}
	return m.root
}

// openAt opens a menu at a page.
func openAt(p menuPage) menu {
	now := time.Now()
	return menu{page: p, root: p, since: now, visit: visit{began: now}}
}

// open goes to another page, or closes the menu.
func (m *menu) open(p menuPage) {
	if p == menuClosed {
		*m = menu{}
		return
	}
	v := m.visit
	v.pin = ""
	*m = menu{page: p, root: m.root, since: time.Now(), visit: v}
}

// entries are the lines of the open page. p is the page behind it.
func (m menu) entries(v *view, p *display.Page) []entry {
	back := entry{id: "back", label: v.say("back"), opens: m.up()}
	switch m.page {
	case menuMain:
		return append(append(v.mainEntries(p), lines{v}.guardedEntries()...), back)
	case menuWho:
		return append(v.whoEntries(m.where), back)
	case menuWhere:
		return shelves{v}.entries(m, back)
	case menuForgetWhom:
		return append([]entry{back}, v.accountEntries(func(id string) entry { return entry{opens: menuForget, about: id} })...)
	case menuForget:
		// Another person may have forgotten it, or paired meanwhile.
		_, offered := p.Offer(display.AskForget)
		if !offered || m.account != "" && v.accountIndex(m.account) < 0 || m.account == "" && len(v.snap.Accounts) > 0 {
			return []entry{back}
		}
		return []entry{
			{id: "keep", label: v.say("keep"), opens: m.up()},
			{id: "here", label: v.say("forget_here"), wish: &display.Wish{Verb: display.Forget, Account: m.account}},
			{id: "everywhere", label: v.say("forget_everywhere"), wish: &display.Wish{Verb: display.Forget, Account: m.account, Everywhere: true}},
		}
	case menuAbout:
		return []entry{back}
	case menuDisplays, menuDisplayList, menuDisplay:
		return others{v.cfg}.entries(m, back)
	case menuSettings:
		return append(lines{v}.settingEntries(), back)
	case menuPhoto:
		return append(lines{v}.photoEntries(), back)
	case menuDelete:
		return []entry{
			{id: "keep", label: v.say("keep"), opens: m.up()},
			{id: "delete", label: v.cfg.setting("delete_yes"), wish: &display.Wish{Verb: display.Remove, Item: m.item}},
		}
	case menuPIN:
		return append(lines{v}.keypad(), back)
	}
	return nil
}

// mainEntries are what the page behind the menu offers.
func (v *view) mainEntries(p *display.Page) (list []entry) {
	add := func(verb display.Verb) (added bool) {
		o, ok := p.Offer(verb)
		if ok {
			list = append(list, entry{id: string(verb), label: o.Label, wish: &o.Wish})
		}
		return ok
	}
	pick := add(display.Pick)
	list = append(list, shelves{v}.mainEntry(p)...)
	add(display.Cancel)
	add(display.Renew)
	if pick && v.snap.CanAdd && len(v.snap.Accounts) == 1 {
		list = append(list, entry{id: "add", label: v.say("add_account"), wish: pickAs(device.NewAccount)})
	}
	list = append(list, lines{v}.photoEntry(p)...)
	if o, ok := p.Offer(display.AskForget); ok {
		e := entry{id: "forget", label: o.Label, wish: &o.Wish}
		if !v.hasGuests() {
			m := v.forgetMenu()
			e.wish, e.opens, e.about = nil, m.page, m.account
		}
		list = append(list, e)
	}
	return list
}

// whoEntries are the people who may choose, for a collection.
func (v *view) whoEntries(collection string) []entry {
	list := v.accountEntries(func(id string) entry { return entry{wish: pickAs(id)} })
	if v.snap.CanAdd {
		list = append(list, entry{id: device.NewAccount, label: v.say("somebody_else"), wish: pickAs(device.NewAccount)})
	}
	for _, e := range list {
		e.wish.Collection = collection
	}
	return list
}

func pickAs(account string) *display.Wish {
	return &display.Wish{Verb: display.Pick, Account: account}
}

// accountEntries are lines for all paired accounts.
func (v *view) accountEntries(line func(id string) entry) []entry {
	var list []entry
	for i, a := range v.snap.Accounts {
		e := line(a.ID)
		e.id, e.label = a.ID, v.accountName(i)
		list = append(list, e)
	}
	return list
}

// accountName is what the screen calls a paired account.
func (v *view) accountName(i int) string {
	if email := v.snap.Accounts[i].Email; email != "" {
		return email
	}
	return v.say("person", "n", i+1)
}

// accountIndex returns the index of a paired account, -1 if there is none of that ID.
func (v *view) accountIndex(id string) int {
	return slices.IndexFunc(v.snap.Accounts, func(a device.AccountStatus) bool { return a.ID == id })
}

// forgetMenu is the first page about forgetting.
func (v *view) forgetMenu() menu {
	switch len(v.snap.Accounts) {
	case 0: // photos of somebody who is no longer paired
		return openAt(menuForget)
	case 1:
		m := openAt(menuForget)
		m.account = v.snap.Accounts[0].ID
		return m
	}
	return openAt(menuForgetWhom)
}

// at returns the index of the selected line. Lines come and go with the state of
// the box; the selection stays with its line.
func (m menu) at(lines []entry) int {
	return max(0, slices.IndexFunc(lines, func(e entry) bool { return e.id == m.selected }))
}

// compose makes the menu part of a page, nil while it is closed.
func (m menu) compose(v *view, p *display.Page) *display.Menu {
	if m.page == menuClosed {
		return nil
	}
	out := &display.Menu{Title: v.cfg.Name, Text: m.note}
	lines := m.entries(v, p)
	for _, e := range lines {
		out.Items = append(out.Items, display.MenuItem{ID: e.id, Label: e.label})
	}
	out.Selected = m.at(lines)
	switch m.page {
	case menuMain:
		if problem := v.problem(); problem != nil && v.isUntold(p) {
			message, remedy, _ := problem.In(v.cfg.lang())
			out.Text = message + " " + remedy
		}
		if v.remote.isGood(time.Now()) && v.remote.address != "" {
			out.QR, out.QRLabel = v.remote.address, v.say("remote_qr")
		}
	case menuWho:
		out.Title = v.say("who")
	case menuWhere:
		out.Title = v.cfg.setting("collection_where")
	case menuForgetWhom:
		out.Title = v.say("forget_whom")
	case menuForget:
		out.Title, out.Text = v.say("forget_what"), v.say("forget_here_text")+" "+v.say("forget_everywhere_text")
		if i := v.accountIndex(m.account); i >= 0 && len(v.snap.Accounts) > 1 {
			out.Facts = []display.Fact{{Value: v.accountName(i)}}
		}
	case menuAbout:
		out.Title, out.Facts = v.say("about"), v.aboutFacts()
	case menuDisplays, menuDisplayList, menuDisplay:
		others{v.cfg}.compose(m, out)
	case menuSettings:
		out.Title = v.cfg.setting("title")
	case menuPhoto:
		out.Title = v.cfg.setting("this_photo")
	case menuDelete:
		out.Title, out.Text = v.cfg.setting("delete_ask"), v.cfg.setting("delete_text")
	case menuPIN:
		out.Title, out.Facts, out.Columns = v.cfg.setting("pin_title"), m.dots(v), keypadColumns
	}
	return out
}

func (v *view) aboutFacts() []display.Fact {
	address := ""
	if v.cfg.Address != nil {
		address = v.cfg.Address()
	}
	if address == "" {
		address = v.say("no_address")
	}
	return []display.Fact{
		{Name: v.say("about_name"), Value: v.cfg.Name},
		{Name: v.say("about_address"), Value: address},
		{Name: v.say("about_version"), Value: v.cfg.Version},
		{Name: v.say("about_state"), Value: v.say("state_" + string(v.snap.State))},
	}
}

// expireMenu closes an unused menu, and one that asks what has been answered.
func (v *view) expireMenu(now time.Time, sooner func(time.Time)) {
	switch {
	case v.menu.page == menuClosed:
		return
	case (v.menu.page == menuWho || v.menu.page == menuWhere) && (v.snap.Pick != nil || v.snap.NewAccount):
		v.menu = menu{}
		return
	}
	if p := v.menu.page; p.isGuarded() && v.isLocked(now) {
		v.menu.askPIN()
	}
	if v.menu.unlocked.After(now) {
		sooner(v.menu.unlocked)
	}
	if end := v.menu.since.Add(menuFor); now.Before(end) {
		sooner(end)
	} else {
		v.menu = menu{}
	}
}

// choose takes a line. It returns what that asks for, nil if it only leads on.
func (m *menu) choose(e entry) *keyWish {
	switch {
	case e.setting != "":
		m.since = time.Now()
		return &keyWish{setting: e.setting, step: 1}
	case e.pinKey != "":
		return m.enter(e.pinKey)
	}
	m.open(e.opens)
	if m.page != menuClosed {
		m.account, m.item, m.slide, m.shown = e.about, e.item, e.slide, e.shown
	}
	return wishes(e.wish)
}

// Choose takes a line of the open menu, by display.MenuItem.ID. Its errors are
// those of Do.
func (s *Screen) Choose(ctx context.Context, id string) error {
	var w *keyWish
	s.update(func(v *view) {
		s.touchLocked()
		p := v.page()
		lines := v.menu.entries(v, &p)
		if i := slices.IndexFunc(lines, func(e entry) bool { return e.id == id }); i >= 0 {
			w = v.menu.choose(lines[i])
		}
	})
	if w == nil {
		return nil
	}
	return s.grant(ctx, *w)
}
