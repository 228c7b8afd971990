// Package words holds what people read on screens and phones, in every language
// of the interface: one file per language, in the folder languages, which pack.sh
// compresses. It does not know when a text is shown.
package words

import (
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pelletier/go-toml/v2"
	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

//go:embed packed/*.gz
var packed embed.FS

// ErrNoLanguage means a language that there is no file for.
var ErrNoLanguage = errors.New("there are no texts in this language")

// Default is the language that every text exists in.
const Default = "en"

// Languages are the codes (BCP 47) of the languages that there are, in order.
func Languages() []string {
	list, err := packed.ReadDir("packed")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	var codes []string
	for _, f := range list {
		codes = append(codes, strings.TrimSuffix(f.Name(), ".toml.gz"))
	}
	return codes
}

// Words are the texts of one language.
type Words struct {
	Code        string // BCP 47
	Name        string // of the language, in itself
	RightToLeft bool
	digits      []rune // for 0 to 9
	tag         language.Tag
	texts       map[string]string // by key; forms of a plural by key and category, "photos_here.one"
	months      []string
	weekdays    []string // from Sunday
	date, day   string
	full        string    // with weekday and year
	halves      [2]string // of the day
	clock12     string
}

type file struct {
	Name     string         `toml:"name"`
	Dir      string         `toml:"dir"`
	Digits   string         `toml:"digits"`
	Months   []string       `toml:"months"`
	Weekdays []string       `toml:"weekdays"`
	Date     string         `toml:"date"`
	Full     string         `toml:"full"`
	Day      string         `toml:"day"`
	Halves   [2]string      `toml:"halves"`
	Clock12  string         `toml:"clock12"`
	Page     map[string]any `toml:"page"`
	Screen   map[string]any `toml:"screen"`
	Notice   map[string]any `toml:"notice"`
	SignIn   map[string]any `toml:"signin"`
	Displays map[string]any `toml:"displays"`
	Remote   map[string]any `toml:"remote"`
	Phone    map[string]any `toml:"phone"`
	Setup    map[string]any `toml:"setup"`
	WiFi     map[string]any `toml:"wifi"`
	Settings map[string]any `toml:"settings"`
	Relay    map[string]any `toml:"relay"`
	Gateway  map[string]any `toml:"gateway"`
	API      map[string]any `toml:"api"` // in English alone
}

// unpainted are the groups of texts that only browsers show, in their own fonts.
var unpainted = []string{"phone.", "setup.phone.", "relay.", "gateway.", "api."}

// find returns the code of the language that another code means: "de_AT" is "de",
// "zh" is "zh-Hans".
func find(code string) (string, bool) {
	codes := Languages()
	if slices.Contains(codes, code) {
		return code, true
	}
	wanted, err := language.Parse(code)
	if err != nil {
		return "", false
	}
	_, i, sure := matcher().Match(wanted)
	return codes[i], sure >= language.High
}

// matcher finds the nearest of Languages.
var matcher = sync.OnceValue(func() language.Matcher {
	var tags []language.Tag
	for _, c := range Languages() {
		tags = append(tags, language.Make(c))
	}
	return language.NewMatcher(tags)
})

// Accepted returns the texts of the first language in an Accept-Language header
// (RFC 9110, section 12.5.4) that there are texts in, or else otherwise.
func Accepted(header string, otherwise *Words) *Words {
	wanted, _, err := language.ParseAcceptLanguage(header)
	if err != nil {
		return otherwise
	}
	for _, tag := range wanted {
		_, i, sure := matcher().Match(tag)
		if sure < language.High {
			continue
		}
		if w, err := For(Languages()[i]); err == nil {
			return w
		}
	}
	return otherwise
}

// loaded are the texts that For has read, by code.
var loaded sync.Map

// For returns the texts of a language. Its error is ErrNoLanguage.
func For(code string) (*Words, error) {
	wanted := code
	code, ok := find(wanted)
	if !ok {
		return nil, fmt.Errorf("%q: %w", wanted, ErrNoLanguage)
	}
	if w, ok := loaded.Load(code); ok {
		return w.(*Words), nil
	}
	w, err := load(code)
	if err != nil {
		return nil, err
	}
	loaded.Store(code, w)
	return w, nil
}

// source returns the file of a language.
func source(code string) ([]byte, error) {
	f, err := packed.Open("packed/" + code + ".toml.gz")
	if err != nil {
		return nil, err
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func load(code string) (*Words, error) {
	data, err := source(code)
	if err != nil {
		return nil, fmt.Errorf("the texts in %s: %w", code, err)
	}
	var f file
	if err := toml.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("the texts in %s: %w", code, err)
	}
	w := &Words{Code: code, Name: f.Name, RightToLeft: f.Dir == "rtl", digits: []rune(f.Digits), tag: language.Make(code),
		months: f.Months, weekdays: f.Weekdays, date: f.Date, full: f.Full, day: f.Day, halves: f.Halves, clock12: f.Clock12, texts: map[string]string{}}
	for prefix, table := range map[string]map[string]any{
		"page": f.Page, "screen": f.Screen, "signin": f.SignIn, "displays": f.Displays,
		"remote": f.Remote, "phone": f.Phone, "setup": f.Setup, "wifi": f.WiFi, "settings": f.Settings,
		"relay": f.Relay, "gateway": f.Gateway, "api": f.API, "notice": f.Notice,
	} {
		w.flatten(prefix, table)
	}
	return w, nil
}

func (w *Words) flatten(prefix string, table map[string]any) {
	for k, v := range table {
		switch v := v.(type) {
		case string:
			w.texts[prefix+"."+k] = v
		case map[string]any:
			w.flatten(prefix+"."+k, v)
		}
	}
}

// English returns the texts that logs and other programs get.
func English() *Words {
	w, err := For(Default)
	if err != nil {
		panic(err) // a test reads every file
	}
	return w
}

// Say returns the text of a key, with {name} replaced by the value that follows
// "name" in args. Numbers get the language's digits. A key without a text is
// returned itself.
func (w *Words) Say(key string, args ...any) string {
	text, ok := w.texts[key]
	if !ok {
		return key
	}
	return w.fill(text, args)
}

// Language returns the code and the direction of the language.
func (w *Words) Language() (code string, rightToLeft bool) { return w.Code, w.RightToLeft }

// Has reports whether a key has a text.
func (w *Words) Has(key string) bool { _, ok := w.texts[key]; return ok }

// Count is Say with the form that the language has for n, which stands for {n}
// (CLDR, plural rules).
func (w *Words) Count(key string, n int, args ...any) string {
	form := key + "." + categories[plural.Cardinal.MatchPlural(w.tag, n, 0, 0, 0, 0)]
	if !w.Has(form) {
		form = key + ".other"
	}
	return w.Say(form, append([]any{"n", n}, args...)...)
}

var categories = map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many", plural.Other: "other"}

func (w *Words) fill(text string, args []any) string {
	if len(args) == 0 {
		return text
	}
	pairs := make([]string, 0, len(args))
	for i := 0; i+1 < len(args); i += 2 {
		var value string
		switch v := args[i+1].(type) {
		case int:
			value = w.Digits(strconv.Itoa(v))
		case string:
			value = v
			if w.RightToLeft {
				value = isolate(v)
			}
		default:
			value = fmt.Sprint(v)
		}
		pairs = append(pairs, "{"+fmt.Sprint(args[i])+"}", value)
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// isolate keeps a value of unknown direction from turning the text around it
// (Unicode Annex 9, first strong isolate).
func isolate(s string) string { return "\u2068" + s + "\u2069" }

// Digits writes the digits of s as the language does.
func (w *Words) Digits(s string) string {
	if len(w.digits) != 10 {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r >= '0' && r <= '9' {
			return w.digits[r-'0']
		}
		return r
	}, s)
}

// Countdown is a time left, as minutes and seconds.
func (w *Words) Countdown(left time.Duration) string {
	s := int(max(left, 0).Round(time.Second) / time.Second)
	return w.Digits(fmt.Sprintf("%d:%02d", s/60, s%60))
}

// Clock is the time of day.
func (w *Words) Clock(t time.Time) string { return w.Digits(t.Format("15:04")) }

// Clock12 is the time of day with the half of the day (CLDR, dayPeriods).
func (w *Words) Clock12(t time.Time) string {
	// Nothing is isolated: hour and minute are one number for the direction of text.
	return w.Digits(strings.NewReplacer("{hour}", t.Format("3"), "{minute}", t.Format("04"), "{half}", w.halves[t.Hour()/12]).Replace(w.clock12))
}

// A DateFormat is a way to write a date. The zero value is WeekdayDate.
type DateFormat string

// The formats of dates, with the CLDR's names where it has them.
const (
	WeekdayDate DateFormat = "weekday" // the weekday, the day and the month
	LongDate    DateFormat = "long"    // the day, the month and the year
	FullDate    DateFormat = "full"    // all of these
	ISODate     DateFormat = "iso"     // 2006-01-02
)

// Date writes a date.
func (w *Words) Date(f DateFormat, t time.Time) string {
	pattern := w.date
	switch f {
	case LongDate:
		pattern = w.day
	case FullDate:
		pattern = w.full
	case ISODate:
		return w.Digits(t.Format(time.DateOnly))
	}
	return w.fill(pattern, []any{"weekday", w.weekdays[t.Weekday()], "day", t.Day(), "month", w.months[t.Month()-1], "year", t.Year()})
}

// Day is the day, the month and the year.
func (w *Words) Day(t time.Time) string { return w.Date(LongDate, t) }

// Texts returns the texts whose keys begin with group and a dot, without that,
// for an output that lays out by itself. Forms of a plural keep their category.
func (w *Words) Texts(group string) map[string]string {
	some := map[string]string{}
	for k, v := range w.texts {
		if k, ok := strings.CutPrefix(k, group+"."); ok {
			some[k] = v
		}
	}
	return some
}

// Keys are the keys that have a text, in order.
func (w *Words) Keys() []string { return slices.Sorted(maps.Keys(w.texts)) }

// Letters are all the characters that the language's texts on screens are written
// with.
func (w *Words) Letters() []rune {
	seen := map[rune]bool{}
	var texts []string
	for k, s := range w.texts {
		if !slices.ContainsFunc(unpainted, func(group string) bool { return strings.HasPrefix(k, group) }) {
			texts = append(texts, s)
		}
	}
	for _, s := range slices.Concat(texts, w.months, w.weekdays, []string{w.date, w.day, w.full, w.clock12, w.halves[0], w.halves[1], w.Name, string(w.digits)}) {
		for _, r := range s {
			seen[r] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}
