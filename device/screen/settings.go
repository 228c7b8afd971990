package screen

import (
	"context"
	"errors"
	"slices"

	"pickerd/device"
	"pickerd/display"
)

// lines make the lines of the menu that a PIN may guard.
type lines struct{ *view }

// setting returns a text about settings in the language of the screen.
func (c *Config) setting(key string, args ...any) string {
	return c.lang().Say("settings."+key, args...)
}

// choices are the settings that people may change here.
func (c *Config) choices() []device.Choice {
	if c.Settings == nil {
		return nil
	}
	return device.ChoicesOf(c.Settings.Settings(), c.Snapshots.Get().Collections...)
}

// choice returns one of them, nil if it is not offered.
func (c *Config) choice(key string) *device.Choice {
	list := c.choices()
	if i := slices.IndexFunc(list, func(c device.Choice) bool { return c.Key == key }); i >= 0 {
		return &list[i]
	}
	return nil
}

// settingEntries are a line for each setting, with its value, and one that makes the
// screen black.
func (v lines) settingEntries() (list []entry) {
	w := v.cfg.lang()
	for _, c := range v.cfg.choices() {
		value := c.Option(c.Value).Label.In(w)
		list = append(list, entry{id: c.Key, label: v.cfg.setting("line", "setting", c.Title(w), "value", value), setting: c.Key})
	}
	return append(list, entry{id: "off", label: v.cfg.setting("screen_off"), wish: &display.Wish{Verb: display.ScreenOff}})
}

// stepSetting changes a setting to the value that is some places after the one in
// force. The menu says if that fails. Its errors are those of device.Settings.
func (s *Screen) stepSetting(ctx context.Context, key string, step int) error {
	c := s.cfg.choice(key)
	if c == nil {
		return device.ErrNotOffered
	}
	var err error = &device.SettingError{Code: device.SettingLocked, Key: key, Message: "the value is fixed"}
	if !c.Locked {
		err = s.cfg.Settings.Change(ctx, map[string]any{c.Sets: c.Step(step).Set})
	}
	s.update(func(v *view) {
		if v.menu.page == menuSettings {
			v.menu.note = v.cfg.settingNote(err)
		}
	})
	return err
}

// settingNote says why a setting was not changed, "" if it was.
func (c *Config) settingNote(err error) string {
	if e, ok := errors.AsType[*device.SettingError](err); ok && e.Code == device.SettingLocked {
		return c.setting("locked")
	}
	if err != nil {
		return c.setting("failed")
	}
	return ""
}

// photoEntry leads to what can be done with the photo on the screen, or with those
// that are hidden.
func (v lines) photoEntry(p *display.Page) []entry {
	switch {
	case p.Slide != nil && len(p.Slide.Media) > 0 && p.Slide.Media[0].Item != "" && v.snap.State == device.Showing:
		return []entry{{id: "photo", label: v.cfg.setting("this_photo"), opens: menuPhoto, slide: p.Slide, shown: slideView(v).shown()}}
	case p.Slide == nil && v.snap.Library.Hidden > 0:
		return []entry{v.unhideEntry()}
	}
	return nil
}

func (v lines) unhideEntry() entry {
	return entry{id: "unhide", label: v.cfg.setting("show_hidden"), wish: &display.Wish{Verb: display.Unhide}}
}

// photoEntries are what can be done with the photos of the slide that the menu is
// about. A slide of two has lines for each.
func (v lines) photoEntries() (list []entry) {
	slide := v.menu.slide
	if slide == nil {
		return nil
	}
	for i, m := range slide.Media {
		hide, _ := photoWords(slide, i)
		list = append(list, entry{id: "hide " + m.Item, label: v.cfg.lang().Say(hide), wish: &display.Wish{Verb: display.Hide, Item: m.Item}})
	}
	for i, m := range slide.Media {
		_, remove := photoWords(slide, i)
		list = append(list, v.guard(entry{id: "delete " + m.Item, label: v.cfg.lang().Say(remove), opens: menuDelete, item: m.Item, slide: slide, shown: v.menu.shown})...)
	}
	if v.snap.Library.Hidden > 0 {
		list = append(list, v.unhideEntry())
	}
	return list
}

// photoWords returns the keys of the texts for hiding and for deleting a photo of a
// slide.
func photoWords(s *display.Slide, i int) (hide, remove string) {
	switch {
	case len(s.Media) > 1 && s.Stacked && i == 0:
		return "settings.hide_upper", "settings.delete_upper"
	case len(s.Media) > 1 && s.Stacked:
		return "settings.hide_lower", "settings.delete_lower"
	case len(s.Media) > 1 && i == 0:
		return "settings.hide_left", "settings.delete_left"
	case len(s.Media) > 1:
		return "settings.hide_right", "settings.delete_right"
	case s.Media[i].Video:
		return "settings.hide_video", "settings.delete_video"
	}
	return "settings.hide_photo", "settings.delete_photo"
}
