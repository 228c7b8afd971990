package screen

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// suggestions is how many names for collections the menu suggests: there is no keyboard.
const suggestions = 5

// shelves make the pages about collections, in the menu and for a phone remote.
type shelves struct{ *view }

// name returns the name of a collection, "" for the default one.
func (v shelves) name(id string) string {
	if i := slices.IndexFunc(v.snap.Collections, func(c device.Collection) bool { return c.ID == id }); i >= 0 {
		return v.snap.Collections[i].Name
	}
	return ""
}

// mainEntry leads to the question which collection photos are chosen for. Guests have
// none.
func (v shelves) mainEntry(p *display.Page) []entry {
	if o, ok := p.Offer(display.Pick); !ok || o.Key != "page.choose_photos" || v.hasGuests() || v.cfg.Collections == nil {
		return nil
	}
	return []entry{{id: "collections", label: v.cfg.setting("collection_choose"), opens: menuWhere}}
}

// entries are the collections that photos may be chosen for: those that there are, and
// suggestions.
func (v shelves) entries(m menu, back entry) []entry {
	var all []entry
	for _, c := range v.snap.Collections {
		all = append(all, entry{id: "collection-" + c.ID, label: c.Name, wish: &display.Wish{Verb: display.Pick, Collection: c.ID}})
	}
	for i := range suggestions {
		name := v.cfg.setting(fmt.Sprint("collection_suggestion_", i+1))
		if !slices.ContainsFunc(v.snap.Collections, func(c device.Collection) bool { return strings.EqualFold(c.Name, name) }) {
			all = append(all, entry{id: fmt.Sprint("suggestion-", i+1), label: name, wish: &display.Wish{Verb: display.Pick, Collection: name}})
		}
	}
	from, _ := strconv.Atoi(m.account) // 0 for ""
	if from >= len(all) {
		from = 0
	}
	end := min(from+maxLines, len(all))
	list := slices.Clone(all[from:end])
	if end < len(all) {
		list = append(list, entry{id: "more", label: others{v.cfg}.text("more"), opens: menuWhere, about: strconv.Itoa(end)})
	}
	return append(list, back)
}

// RemoteCollections returns what the phone remote with a key shows of the collections.
// Errors are device.ErrRemoteGone, device.ErrNotOffered and those of the disk.
func (s *Screen) RemoteCollections(key string) (device.RemoteCollections, error) {
	r, err := s.Remote(key)
	if err != nil {
		return device.RemoteCollections{}, err
	}
	if !r.Collections {
		return device.RemoteCollections{}, device.ErrNotOffered
	}
	out := device.RemoteCollections{}
	for _, b := range r.Buttons {
		if b.Wish.Verb == display.Pick {
			out.Pick = append(out.Pick, b)
		}
	}
	out.Collections, err = s.cfg.Collections()
	return out, err
}

// MayRemoveCollection reports whether the phone remote with a key may delete a
// collection now. Errors are device.ErrRemoteGone, device.ErrNotOffered and
// device.ErrPINNeeded.
func (s *Screen) MayRemoveCollection(key string) error { return s.unlocked(key) }

// mayChange reports whether the phone remote with a key may grant a wish about a
// collection. Its errors are those of Control.
func (s *Screen) mayChange(key string, w display.Wish) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := &s.view
	switch {
	case !v.remote.opens(key, time.Now()):
		return device.ErrRemoteGone
	case v.hasGuests():
		return device.ErrNotOffered
	case w.Verb == display.RemoveCollection:
		return handset{v}.lock()
	}
	return nil
}
