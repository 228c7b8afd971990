package device

import (
	"context"
	"slices"
	"time"

	"pickerd/display"
	"pickerd/store"
)

// A Key is one of a remote control.
type Key string

// The keys that there are.
const (
	KeyOK       Key = "ok"
	KeyMenu     Key = "menu" // OK held down does the same
	KeyBack     Key = "back"
	KeyLeft     Key = "left"
	KeyRight    Key = "right"
	KeyUp       Key = "up"
	KeyDown     Key = "down"
	KeyPlay     Key = "play"
	KeyNext     Key = "next"
	KeyPrevious Key = "previous"
)

// menuFor is how long a menu stays that nobody uses.
const menuFor = time.Minute

// A menu is what a remote control has opened. The zero menu is closed.
type menu struct {
	page     menuPage
	root     menuPage  // that it was opened at: the way back leads no further
	account  string    // that the page is about, by id
	selected string    // id of an entry; the first one where there is none of it
	since    time.Time // of the last key
}

type menuPage int

const (
	menuClosed menuPage = iota
	menuMain
	menuWho
	menuForgetWhom
	menuForget
	menuAbout
)

// about is what the page about the screen tells besides what is in the view.
type about struct {
	version string
	address func() string
}

// An entry is one line of a menu and what it does.
type entry struct {
	id    string
	label string
	opens menuPage
	about string // the account that the next page is about
	wish  wanted
}

// up is where the way back leads.
func (m menu) up() menuPage {
	if m.page == m.root {
		return menuClosed
	}
	return m.root
}

// openAt opens a menu at a page.
func openAt(p menuPage) menu { return menu{page: p, root: p, since: time.Now()} }

// entries are the lines of the open page. p is the screen behind it.
func (m menu) entries(v *view, p *display.Page) []entry {
	switch m.page {
	case menuMain:
		var list []entry
		if p.PickLabel != "" {
			list = append(list, entry{id: "pick", label: p.PickLabel, wish: (*Device).Pick})
		}
		if p.CancelLabel != "" {
			list = append(list, entry{id: "cancel", label: p.CancelLabel, wish: (*Device).Cancel})
		}
		if p.RenewLabel != "" {
			list = append(list, entry{id: "renew", label: p.RenewLabel, wish: (*Device).Renew})
		}
		if v.mayJoin && len(v.accounts) == 1 && p.PickLabel != "" {
			list = append(list, entry{id: "add", label: v.say("add_account"), wish: pickAs(Newcomer)})
		}
		if p.ForgetLabel != "" {
			list = append(list, v.forgetEntry(p))
		}
		return append(list, entry{id: "about", label: v.say("about"), opens: menuAbout}, entry{id: "back", label: v.say("back")})
	case menuWho:
		list := v.people(func(id string) entry { return entry{wish: pickAs(id)} })
		if v.mayJoin {
			list = append(list, entry{id: Newcomer, label: v.say("somebody_else"), wish: pickAs(Newcomer)})
		}
		return append(list, entry{id: "back", label: v.say("back")})
	case menuForgetWhom:
		back := entry{id: "back", label: v.say("back"), opens: m.up()}
		return append([]entry{back}, v.people(func(id string) entry { return entry{opens: menuForget, about: id} })...)
	case menuForget:
		// Somebody else may have forgotten it, or paired meanwhile.
		if p.ForgetLabel == "" || m.account != "" && !v.isPaired(m.account) || m.account == "" && len(v.accounts) > 0 {
			return []entry{{id: "back", label: v.say("back"), opens: m.up()}}
		}
		forget := func(everywhere bool) wanted {
			return func(d *Device, ctx context.Context) error {
				if m.account == "" {
					return d.Unpair(ctx, everywhere)
				}
				return d.UnpairOne(ctx, m.account, everywhere)
			}
		}
		return []entry{
			{id: "keep", label: v.say("keep"), opens: m.up()},
			{id: "here", label: v.say("forget_here"), wish: forget(false)},
			{id: "everywhere", label: v.say("forget_everywhere"), wish: forget(true)},
		}
	case menuAbout:
		return []entry{{id: "back", label: v.say("back"), opens: m.up()}}
	}
	return nil
}

func pickAs(account string) wanted {
	return func(d *Device, ctx context.Context) error { return d.PickAs(ctx, account) }
}

// people are lines for all who are paired.
func (v *view) people(line func(id string) entry) []entry {
	var list []entry
	for i, a := range v.accounts {
		e := line(a.ID)
		e.id, e.label = a.ID, v.nameOf(i)
		list = append(list, e)
	}
	return list
}

// nameOf is what to call one of those who are paired.
func (v *view) nameOf(i int) string {
	if email := v.accounts[i].Account; email != "" {
		return email
	}
	return v.say("person", "n", i+1)
}

// indexOf is which of those who are paired somebody is, -1 where none.
func (v *view) indexOf(id string) int {
	return slices.IndexFunc(v.accounts, func(g store.Grant) bool { return g.ID == id })
}

func (v *view) isPaired(id string) bool { return v.indexOf(id) >= 0 }

// forgetEntry leads to the page that asks what is to be forgotten, but for guests.
func (v *view) forgetEntry(p *display.Page) entry {
	if v.guests {
		return entry{id: "forget", label: p.ForgetLabel, wish: (*Device).Forget}
	}
	m := v.forgetMenu()
	return entry{id: "forget", label: p.ForgetLabel, opens: m.page, about: m.account}
}

// forgetMenu is the first page about forgetting.
func (v *view) forgetMenu() menu {
	switch len(v.accounts) {
	case 0: // photos of somebody who is no longer paired
		return openAt(menuForget)
	case 1:
		m := openAt(menuForget)
		m.account = v.accounts[0].ID
		return m
	}
	return openAt(menuForgetWhom)
}

// at is which line is selected. Lines come and go with the state of the box; the
// selection stays with what it was on.
func (m menu) at(lines []entry) int {
	return max(0, slices.IndexFunc(lines, func(e entry) bool { return e.id == m.selected }))
}

// compose makes the menu part of a page, nil while it is closed.
func (m menu) compose(v *view, p *display.Page) *display.Menu {
	if m.page == menuClosed {
		return nil
	}
	out := &display.Menu{Title: v.name}
	lines := m.entries(v, p)
	for _, e := range lines {
		out.Items = append(out.Items, display.MenuItem{ID: e.id, Label: e.label})
	}
	out.Selected = m.at(lines)
	switch m.page {
	case menuMain:
		if v.remote.isGood(time.Now()) && v.remote.address != "" {
			out.QR, out.QRLabel = v.remote.address, v.say("remote_qr")
		}
	case menuWho:
		out.Title = v.say("who")
	case menuForgetWhom:
		out.Title = v.say("forget_whom")
	case menuForget:
		out.Title, out.Text = v.say("forget_what"), v.say("forget_here_text")+" "+v.say("forget_everywhere_text")
		if i := v.indexOf(m.account); i >= 0 && len(v.accounts) > 1 {
			out.Facts = []display.Fact{{Value: v.nameOf(i)}}
		}
	case menuAbout:
		out.Title = v.say("about")
		address := v.say("no_address")
		if v.about.address != nil {
			if a := v.about.address(); a != "" {
				address = a
			}
		}
		out.Facts = []display.Fact{
			{Name: v.say("about_name"), Value: v.name},
			{Name: v.say("about_address"), Value: address},
			{Name: v.say("about_version"), Value: v.about.version},
			{Name: v.say("about_state"), Value: v.say("state_" + string(v.state))},
		}
	}
	return out
}

// expireMenu closes a menu that nobody uses.
func (v *view) expireMenu(now time.Time, sooner func(time.Time)) {
	if v.menu.page == menuClosed {
		return
	}
	if end := v.menu.since.Add(menuFor); now.Before(end) {
		sooner(end)
	} else {
		v.menu = menu{}
	}
}

// Press does what a key of a remote control means on the screen as it is. At
// night the first one only wakes the screen, and to a guest who is being counted
// down it means to stay. Its errors are those of the wishes.
func (d *Device) Press(ctx context.Context, k Key) error {
	woken := d.screen.sleeping() || d.screen.leaving()
	d.Touch()
	if woken {
		return nil
	}
	opened := false
	err := d.act(ctx, func(v *view) wanted {
		if v.menu.page != menuClosed {
			return v.pressInMenu(k)
		}
		w := v.press(k)
		opened = v.menu.page == menuMain
		return w
	})
	if opened {
		d.offerRemote()
	}
	return err
}

// ChooseItem takes a line of the menu that is open, by display.MenuItem.ID. Its
// errors are those of the wishes.
func (d *Device) ChooseItem(ctx context.Context, id string) error {
	d.Touch()
	return d.act(ctx, func(v *view) wanted {
		p := v.page()
		lines := v.menu.entries(v, &p)
		i := slices.IndexFunc(lines, func(e entry) bool { return e.id == id })
		if i < 0 {
			return nil
		}
		return v.menu.choose(lines[i])
	})
}

// A wanted is what a key leads to, nil where that is nothing.
type wanted func(*Device, context.Context) error

// act does what somebody at the screen has made of the view.
func (d *Device) act(ctx context.Context, change func(*view) wanted) error {
	var wish wanted
	d.screen.update(func(v *view) { wish = change(v) })
	wake(d.untilNow) // a menu closes by itself
	if wish == nil {
		return nil
	}
	return wish(d, ctx)
}

// choose takes a line.
func (m *menu) choose(e entry) wanted {
	*m = menu{page: e.opens, root: m.root, account: e.about, since: time.Now()}
	return e.wish
}

// press is what a key means without a menu, nil where nothing.
func (v *view) press(k Key) wanted {
	p := v.page()
	switch {
	case k == KeyMenu:
		v.menu = openAt(menuMain)
	case k == KeyOK && p.PickLabel != "":
		return (*Device).Pick
	case k == KeyBack && p.CancelLabel != "":
		return (*Device).Cancel
	case p.Slide == nil:
	case k == KeyLeft || k == KeyPrevious:
		return (*Device).Previous
	case k == KeyRight || k == KeyNext:
		return (*Device).Next
	case k == KeyPlay && v.state == Showing:
		return (*Device).Pause
	}
	return nil
}

// pressInMenu moves in the menu. It returns what the chosen line does, nil where
// it does nothing but to lead on.
func (v *view) pressInMenu(k Key) wanted {
	p := v.page()
	lines := v.menu.entries(v, &p)
	m := &v.menu
	m.since = time.Now()
	at := m.at(lines)
	switch k {
	case KeyUp, KeyLeft:
		m.selected = lines[max(at-1, 0)].id
	case KeyDown, KeyRight:
		m.selected = lines[min(at+1, len(lines)-1)].id
	case KeyMenu:
		*m = menu{}
	case KeyBack:
		*m = menu{page: m.up(), root: m.root, since: m.since}
	case KeyOK:
		return m.choose(lines[at])
	}
	return nil
}
