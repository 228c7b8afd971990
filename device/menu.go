package device

import (
	"context"
	"slices"
	"time"

	"pickerd/display"
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
	selected string    // id of an entry; the first one where there is none of it
	since    time.Time // of the last key
}

type menuPage int

const (
	menuClosed menuPage = iota
	menuMain
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
	wish  func(*Device, context.Context) error
}

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
		if p.ForgetLabel != "" {
			list = append(list, entry{id: "forget", label: p.ForgetLabel, opens: menuForget})
		}
		return append(list, entry{id: "about", label: v.say("about"), opens: menuAbout}, entry{id: "back", label: v.say("back")})
	case menuForget:
		if p.ForgetLabel == "" { // somebody else has forgotten it
			return []entry{{id: "back", label: v.say("back"), opens: menuMain}}
		}
		forget := func(everywhere bool) func(*Device, context.Context) error {
			return func(d *Device, ctx context.Context) error { return d.Unpair(ctx, everywhere) }
		}
		return []entry{
			{id: "keep", label: v.say("keep"), opens: menuMain},
			{id: "here", label: v.say("forget_here"), wish: forget(false)},
			{id: "everywhere", label: v.say("forget_everywhere"), wish: forget(true)},
		}
	case menuAbout:
		return []entry{{id: "back", label: v.say("back"), opens: menuMain}}
	}
	return nil
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
		out.Items = append(out.Items, e.label)
	}
	out.Selected = m.at(lines)
	switch m.page {
	case menuForget:
		out.Title, out.Text = v.say("forget_what"), v.say("forget_here_text")+" "+v.say("forget_everywhere_text")
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
// night the first one only wakes the screen. Its errors are those of the wishes.
func (d *Device) Press(ctx context.Context, k Key) error {
	asleep := d.screen.sleeping()
	d.Touch()
	if asleep {
		return nil
	}
	var wish func(*Device, context.Context) error
	d.screen.update(func(v *view) {
		if v.menu.page != menuClosed {
			wish = v.pressInMenu(k)
			return
		}
		wish = v.press(k)
	})
	wake(d.untilNow) // a menu closes by itself
	if wish == nil {
		return nil
	}
	return wish(d, ctx)
}

// press is what a key means without a menu, nil where nothing.
func (v *view) press(k Key) func(*Device, context.Context) error {
	p := v.page()
	switch {
	case k == KeyMenu:
		v.menu = menu{page: menuMain, since: time.Now()}
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
func (v *view) pressInMenu(k Key) func(*Device, context.Context) error {
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
		if m.page == menuMain {
			*m = menu{}
		} else {
			*m = menu{page: menuMain, since: m.since}
		}
	case KeyOK:
		e := lines[at]
		*m = menu{page: e.opens, since: m.since}
		return e.wish
	}
	return nil
}
