package device

import (
	"slices"
	"strings"
)

const nightKey = "slideshow.night"

// The nights that menus and phones tell apart, as configs.Nights names their days. Each
// night belongs to the day on which it begins.
const (
	weekNights    = "sun-thu "
	weekendNights = "fri-sat "
)

// sameNight is the value of weekend nights that are like the others, and noNight of
// those on which the screen stays on.
const (
	sameNight = ""
	noNight   = "off"
)

// nightHours are the hours that are offered.
func nightHours() []string {
	return []string{"20:00-07:00", "21:00-07:00", "22:00-06:00", "22:00-07:00", "23:00-07:00", "00:00-08:00"}
}

// splitNights returns the hours of both kinds of nights from a value of slideshow.night.
// ok is false if the value tells others apart.
func splitNights(value string) (week, weekend string, ok bool) {
	if !strings.Contains(value, " ") {
		return value, sameNight, true
	}
	weekend = noNight
	for part := range strings.SplitSeq(value, ", ") {
		if hours, is := strings.CutPrefix(part, weekNights); is {
			week = hours
		} else if hours, is := strings.CutPrefix(part, weekendNights); is {
			weekend = hours
		} else {
			return value, "", false
		}
	}
	return week, weekend, true
}

// joinNights returns the value of slideshow.night for the hours of both.
func joinNights(week, weekend string) string {
	switch {
	case weekend == sameNight || weekend == week:
		return week
	case weekend == noNight && week == "":
		return ""
	case weekend == noNight:
		return weekNights + week
	case week == "":
		return weekendNights + weekend
	}
	return weekNights + week + ", " + weekendNights + weekend
}

// nightChoices returns the choices for a value of slideshow.night: the hours of all
// nights, or of those that are not at the weekend, and the hours of these.
func nightChoices(value string, locked bool) []Choice {
	week, weekend, ok := splitNights(value)
	nights := Choice{Key: nightKey, Sets: nightKey, Value: week, Locked: locked, Options: []Option{{Label: Label{Key: "settings.off"}, Set: joinNights("", weekend)}}}
	for _, h := range nightHours() {
		nights.Options = append(nights.Options, Option{Value: h, Label: Label{Name: h}, Set: joinNights(h, weekend)})
	}
	if nights.Option(week) == nil {
		nights.Options = append(nights.Options, Option{Value: week, Label: Label{Name: week}, Set: value})
	}
	if !ok {
		return []Choice{nights}
	}
	ends := Choice{Key: "slideshow.night_weekend", Sets: nightKey, Value: weekend, Locked: locked, Options: []Option{{Value: sameNight, Label: Label{Key: "settings.night_same"}, Set: week}}}
	if week != "" {
		ends.Options = append(ends.Options, Option{Value: noNight, Label: Label{Key: "settings.off"}, Set: joinNights(week, noNight)})
	}
	hours := nightHours()
	if weekend != sameNight && weekend != noNight && !slices.Contains(hours, weekend) {
		hours = append(hours, weekend)
	}
	for _, h := range hours {
		if h != week {
			ends.Options = append(ends.Options, Option{Value: h, Label: Label{Name: h}, Set: joinNights(week, h)})
		}
	}
	return []Choice{nights, ends}
}
