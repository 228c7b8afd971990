package device

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"pickerd/display/words"
)

// A Choice is a setting with the values that menus and phones offer for it.
type Choice struct {
	Key     string // names it in menus and forms
	Sets    string // the key of the configuration; Key, unless it is a part of that setting
	Value   string // in force, that of an Option
	Locked  bool   // the operator's files or the environment forbid another value
	Options []Option
}

// An Option is one value of a Choice.
type Option struct {
	Value string // as the configuration writes it
	Label Label
	// Set is Value for Settings.Change.
	Set any
}

// A Label is a text in the language of its reader.
type Label struct {
	Key    string // in display/words, with Number for {n}; if it is "", Name is the text
	Number int
	Name   string
}

// In returns the text in a language.
func (l Label) In(w *words.Words) string {
	if l.Key == "" {
		return w.Digits(l.Name)
	}
	return w.Say(l.Key, "n", l.Number)
}

// Title returns the name of the setting.
func (c *Choice) Title(w *words.Words) string { return w.Say(SettingWords(c.Key)) }

// SettingWords returns the key of a setting's name in display/words.
func SettingWords(key string) string { return "settings." + strings.ReplaceAll(key, ".", "_") }

// Option returns the option of a value, nil if there is none.
func (c *Choice) Option(value string) *Option {
	if i := slices.IndexFunc(c.Options, func(o Option) bool { return o.Value == value }); i >= 0 {
		return &c.Options[i]
	}
	return nil
}

// Step returns the option that is some places after the one in force, round and round.
// Only from silence nothing leads back to the full volume.
func (c *Choice) Step(by int) *Option {
	n := len(c.Options)
	i := slices.IndexFunc(c.Options, func(o Option) bool { return o.Value == c.Value })
	if c.Key == "slideshow.volume" {
		by = max(by, -i)
	}
	return &c.Options[((i+by)%n+n)%n]
}

// choices are the settings that people change in the menu and on a phone, with what is
// offered for each.
var choices = []struct {
	key     string
	options func() []Option
	// other returns the label of a value that is not offered; nil means the value.
	other func(value string) Label
}{
	{key: "slideshow.interval", options: intervals, other: interval},
	{key: "slideshow.order", options: options("picked", "settings.picked", "newest", "settings.newest", "shuffle", "settings.shuffle")},
	{key: collectionKey},
	{key: "slideshow.fit", options: options("fit", "settings.fit", "auto", "settings.auto", "fill", "settings.fill")},
	{key: "slideshow.backing", options: options("blur", "settings.blur", "black", "settings.black", "mat", "settings.mat")},
	{key: "slideshow.zoom", options: switches},
	{key: "slideshow.pairs", options: switches},
	{key: "slideshow.captions", options: switches},
	{key: "slideshow.volume", options: volumes, other: volume},
	{key: "slideshow.clock", options: options("off", "settings.off", "12", "settings.clock_12", "24", "settings.clock_24")},
	{key: "slideshow.date", options: options("off", "settings.off", "clock", "settings.date_clock", "always", "settings.date_always")},
	{key: "slideshow.date_format", options: dateFormats},
	{key: nightKey},
	{key: "slideshow.sleep_after", options: sleeps, other: interval},
	{key: "display.language", options: languages},
}

// ChoicesOf returns the settings that are offered, of those that there are. That of the
// collection on the wall is offered where there are any.
func ChoicesOf(all map[string]Setting, collections ...Collection) []Choice {
	var list []Choice
	for _, c := range choices {
		s, ok := all[c.key]
		if !ok {
			continue
		}
		value, locked := valueOf(c.key, s.Value), s.Locked || s.Origin == FromEnvironment
		switch c.key {
		case nightKey:
			list = append(list, nightChoices(value, locked)...)
			continue
		case collectionKey:
			if len(collections) > 0 {
				list = append(list, collectionChoice(value, locked, collections))
			}
			continue
		}
		choice := Choice{Key: c.key, Sets: c.key, Value: value, Locked: locked, Options: c.options()}
		if choice.Option(choice.Value) == nil {
			o := Option{Value: choice.Value, Label: Label{Name: choice.Value}, Set: s.Value}
			if c.other != nil {
				o.Label = c.other(choice.Value)
			}
			choice.Options = append(choice.Options, o)
			if strings.HasPrefix(c.key, "slideshow.") && c.other != nil { // a duration
				sort.SliceStable(choice.Options, func(i, j int) bool {
					return size(choice.Options[i].Value) < size(choice.Options[j].Value)
				})
			}
		}
		list = append(list, choice)
	}
	return list
}

// collectionKey is the setting of the collection that is shown.
const collectionKey = "slideshow.collection"

// collectionChoice offers the collections that can be shown. The setting may have the
// name of one; a collection that there is none of counts as all photos.
func collectionChoice(value string, locked bool, collections []Collection) Choice {
	c := Choice{Key: collectionKey, Sets: collectionKey, Locked: locked, Options: []Option{
		{Label: Label{Key: "settings.collection_all"}, Set: ""},
		{Value: DefaultCollection, Label: Label{Key: "settings.collection_general"}, Set: DefaultCollection},
	}}
	for _, one := range collections {
		c.Options = append(c.Options, Option{Value: one.ID, Label: Label{Name: one.Name}, Set: one.ID})
	}
	for _, o := range c.Options {
		if o.Value == value || o.Label.Name != "" && strings.EqualFold(o.Label.Name, strings.TrimSpace(value)) {
			c.Value = o.Value
		}
	}
	return c
}

// valueOf writes the value of a setting as the options do.
func valueOf(key string, v any) string {
	text := fmt.Sprint(v)
	switch key {
	case "slideshow.interval", "slideshow.sleep_after":
		if d, err := time.ParseDuration(text); err == nil {
			return short(d)
		}
	case "display.language":
		if w, err := words.For(text); err == nil {
			return w.Code
		}
	case "slideshow.clock": // a switch in old files
		switch v {
		case true:
			return "24"
		case false:
			return "off"
		}
	}
	return text
}

// options returns options of pairs of a value and the key of its label.
func options(pairs ...string) func() []Option {
	return func() (list []Option) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, Option{Value: pairs[i], Label: Label{Key: pairs[i+1]}, Set: pairs[i]})
		}
		return list
	}
}

func dateFormats() []Option {
	return append(options("weekday", "settings.date_weekday", "long", "settings.date_long", "full", "settings.date_full")(),
		Option{Value: "iso", Label: Label{Name: "2026-12-31"}, Set: "iso"})
}

func switches() []Option {
	return []Option{{Value: "true", Label: Label{Key: "settings.on"}, Set: true}, {Value: "false", Label: Label{Key: "settings.off"}, Set: false}}
}

func intervals() (list []Option) {
	for _, d := range []time.Duration{5 * time.Second, 10 * time.Second, 20 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour} {
		list = append(list, Option{Value: short(d), Label: interval(short(d)), Set: short(d)})
	}
	return list
}

// short writes a duration without parts that are zero.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// size returns the seconds of a duration, and the value of another number.
func size(text string) float64 {
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return n
	}
	d, _ := time.ParseDuration(text) // 0 for what is no duration
	return d.Seconds()
}

// volumeStep is what one press of a key changes the volume by, in percent.
const volumeStep = 10

func volumes() (list []Option) {
	for n := 0; n <= 100; n += volumeStep {
		list = append(list, Option{Value: strconv.Itoa(n), Label: volume(strconv.Itoa(n)), Set: n})
	}
	return list
}

// volume is the label of a volume.
func volume(text string) Label {
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return Label{Name: text}
	case n == 0:
		return Label{Key: "settings.off"}
	}
	return Label{Key: "settings.percent", Number: n}
}

// interval is the label of a duration, in the largest unit that it is whole in.
func interval(text string) Label {
	d, err := time.ParseDuration(text)
	switch {
	case err != nil || d%time.Second != 0:
		return Label{Name: text}
	case d%time.Hour == 0:
		return Label{Key: "settings.hours", Number: int(d / time.Hour)}
	case d%time.Minute == 0:
		return Label{Key: "settings.minutes", Number: int(d / time.Minute)}
	}
	return Label{Key: "settings.seconds", Number: int(d / time.Second)}
}

func sleeps() []Option {
	list := []Option{{Value: "0s", Label: Label{Key: "settings.off"}, Set: "0s"}}
	for _, d := range []time.Duration{10 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour} {
		list = append(list, Option{Value: short(d), Label: interval(short(d)), Set: short(d)})
	}
	return list
}

// languages are called by their own names.
func languages() (list []Option) {
	for _, code := range words.Languages() {
		if w, err := words.For(code); err == nil {
			list = append(list, Option{Value: code, Label: Label{Name: w.Name}, Set: code})
		}
	}
	return list
}
