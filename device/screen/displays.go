package screen

import (
	"context"
	"slices"
	"strconv"

	"pickerd/device"
	"pickerd/display"
)

// Displays are the browsers on other machines. They grant AllowDisplay and
// RemoveDisplay.
type Displays interface {
	Actor
	Board() *display.Board[device.Displays]
}

// maxLines is how many displays a page of the menu lists: with the lines about them it
// must fit on the screen.
const maxLines = 7

// feedDisplays is the feed of the displays, or none.
func (s *Screen) feedDisplays(ctx context.Context) (changes <-chan device.Displays, wait func()) {
	if s.cfg.Displays == nil {
		return nil, func() {}
	}
	return s.cfg.Displays.Board().Feed(ctx)
}

// others makes the pages of the menu about displays.
type others struct{ *Config }

// known returns the displays as they were published last.
func (o others) known() device.Displays {
	if o.Displays == nil {
		return device.Displays{}
	}
	return o.Displays.Board().Get()
}

// text returns a text about displays.
func (o others) text(key string, args ...any) string {
	return o.lang().Say("displays."+key, args...)
}

// entries are the lines of the pages about displays.
func (o others) entries(m menu, back entry) (list []entry) {
	known := o.known()
	switch m.page {
	case menuDisplays:
		list = []entry{back} // selected at first, and when the selected code expires
		for _, w := range known.Waiting {
			list = append(list, entry{id: "allow-" + w.Code, label: o.text("allow", "code", w.Code, "address", w.Address), opens: menuDisplays,
				wish: &display.Wish{Verb: display.AllowDisplay, Item: w.Code}})
		}
		if n := len(known.Displays); n > 0 {
			list = append(list, entry{id: "allowed", label: o.text("allowed", "n", n), opens: menuDisplayList})
		}
		return list
	case menuDisplayList:
		from, _ := strconv.Atoi(m.account) // 0 for ""
		if from >= len(known.Displays) {
			from = 0
		}
		end := min(from+maxLines, len(known.Displays))
		for _, d := range known.Displays[from:end] {
			list = append(list, entry{id: "display-" + d.ID, label: nameOf(d), opens: menuDisplay, about: d.ID})
		}
		if end < len(known.Displays) {
			list = append(list, entry{id: "more", label: o.text("more"), opens: menuDisplayList, about: strconv.Itoa(end)})
		}
		return append(list, back)
	}
	if _, ok := o.display(m.account); !ok { // it was removed meanwhile
		return []entry{back}
	}
	return []entry{back, {id: "remove", label: o.text("remove"), opens: menuDisplayList,
		wish: &display.Wish{Verb: display.RemoveDisplay, Item: m.account}}}
}

// display returns the display with an ID.
func (o others) display(id string) (d device.Display, ok bool) {
	list := o.known().Displays
	if i := slices.IndexFunc(list, func(d device.Display) bool { return d.ID == id }); i >= 0 {
		return list[i], true
	}
	return device.Display{}, false
}

// nameOf is what the menu calls a display.
func nameOf(d device.Display) string {
	if d.Name == "" {
		return d.Address
	}
	return d.Name + " (" + d.Address + ")"
}

// compose makes the parts above the lines of the pages about displays.
func (o others) compose(m menu, out *display.Menu) {
	out.Title = o.text("menu")
	switch known := o.known(); m.page {
	case menuDisplays:
		if len(known.Waiting) > 0 {
			out.Text = o.text("care")
		} else if o.Address != nil && o.Address() != "" {
			out.Text = o.text("none", "address", o.Address())
		}
	case menuDisplayList:
		out.Title = o.text("allowed", "n", len(known.Displays))
	case menuDisplay:
		d, ok := o.display(m.account)
		if !ok {
			return
		}
		at, clock := o.in(d.LastSeenAt), o.lang().Clock
		if o.Clock == Clock12 {
			clock = o.lang().Clock12
		}
		out.Title = nameOf(d)
		out.Facts = []display.Fact{{Name: o.text("last_seen"), Value: o.lang().Day(at) + ", " + clock(at)}}
	}
}
