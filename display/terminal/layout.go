package terminal

import (
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"

	"pickerd/display"
	"pickerd/display/qr"
	"pickerd/display/words"
)

// beside is the number of columns that words beside a code need.
const beside = 34

// layOut returns the lines of a page: the words, and the code if it fits.
func layOut(p display.Page, w *words.Words, now time.Time, columns, rows int) []string {
	code := codeLines(p.QR)
	wide := 0
	if code != nil {
		wide = len([]rune(strings.TrimPrefix(code[0], white))) + 2
	}
	switch {
	case code == nil:
		return say(p, w, now, columns-2, "")
	case columns >= wide+beside && rows > len(code):
		return join(code, say(p, w, now, columns-wide-1, ""), wide)
	case columns >= wide && rows > len(code)+6:
		return append(code, say(p, w, now, columns-2, "")...)
	}
	return say(p, w, now, columns-2, w.Say("screen.window_small", "columns", wide+beside, "rows", len(code)+1))
}

// join puts words beside a code that is wide columns wide with the gap after it.
func join(code, words []string, wide int) []string {
	gap := plain + "  "
	for i, s := range words {
		if i < len(code) {
			code[i] += gap + s
		} else {
			code = append(code, strings.Repeat(" ", wide)+s)
		}
	}
	return code
}

// white makes light modules the brightest colour on every kind of terminal.
const white = "\x1b[0;1;97;40m"

// codeLines draws a QR code with two rows in each line. It returns nil without a code.
func codeLines(text string) []string {
	if text == "" {
		return nil
	}
	code, err := qr.New(text)
	if err != nil {
		return nil
	}
	var lines []string
	for y := 0; y < len(code); y += 2 {
		var b strings.Builder
		b.WriteString(white)
		for x := range code[y] {
			upper, lower := !code[y][x], y+1 < len(code) && !code[y+1][x]
			switch {
			case upper && lower:
				b.WriteRune('█')
			case upper:
				b.WriteRune('▀')
			case lower:
				b.WriteRune('▄')
			default:
				b.WriteRune(' ')
			}
		}
		lines = append(lines, b.String())
	}
	return lines
}

// say returns the lines of a page's words. A non-empty note comes first.
func say(p display.Page, w *words.Words, now time.Time, columns int, note string) []string {
	columns = max(columns, 10)
	var out []string
	add := func(style, s string) {
		for _, l := range wrap(printable(s), columns) {
			out = append(out, style+l+plain)
		}
	}
	gap := func() {
		if len(out) > 0 && out[len(out)-1] != "" {
			out = append(out, "")
		}
	}
	add("", note)
	add("", p.Device)
	if p.QR == "" {
		add("", strings.TrimSpace(p.Clock+" "+p.Date))
	}
	gap()
	if p.Slide != nil {
		add(bold, p.Slide.Alt)
		add("", p.Slide.Caption)
	}
	add(bold, p.Title)
	add("", p.Text)
	for i, s := range p.Steps {
		add("", w.Digits(strconv.Itoa(i+1))+". "+s)
	}
	if p.Link != "" {
		gap()
		add("", w.Say("screen.or_open"))
		add("", p.Link)
	}
	if p.Code != "" {
		add("", w.Say("screen.and_enter"))
		add(bold, p.Code)
	}
	if left := p.Until.Sub(now); !p.Until.IsZero() && left < 6*time.Hour {
		add("", w.Say("screen.good_for", "time", w.Countdown(left)))
	}
	gap()
	if p.Progress != nil {
		add("", w.Say("screen.progress", "done", p.Progress.Done, "total", p.Progress.Total))
	}
	for _, s := range []string{p.Receipt, p.Paused, p.Account} {
		add("", s)
	}
	if !p.LeavesAt.IsZero() {
		add(bold, w.Say("screen.leaving", "time", w.Countdown(p.LeavesAt.Sub(now))))
	}
	add(bold, p.Problem)
	add("", p.Remedy)
	if left := p.RetryAt.Sub(now); !p.RetryAt.IsZero() && left > 0 {
		add("", w.Say("screen.retry_seconds", "n", int(left.Round(time.Second)/time.Second)))
	}
	return out
}

// printable removes control characters, because some texts come from servers.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		if unicode.IsSpace(r) {
			return ' '
		}
		return -1
	}, s)
}

// wrap breaks a text into lines of a width, between words if possible.
func wrap(s string, columns int) []string {
	var lines []string
	line, used := "", 0
	for _, word := range strings.Fields(s) {
		n := columnsOf(word)
		if used > 0 && used+1+n <= columns {
			line, used = line+" "+word, used+1+n
			continue
		}
		if used > 0 {
			lines = append(lines, line)
		}
		for n > columns {
			head := cut(word, columns)
			lines = append(lines, head)
			word = word[len(head):]
			n = columnsOf(word)
		}
		line, used = word, n
	}
	if used > 0 {
		lines = append(lines, line)
	}
	return lines
}

func columnOf(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

func columnsOf(s string) (n int) {
	for _, r := range s {
		n += columnOf(r)
	}
	return n
}

// cut returns the beginning of s that fits.
func cut(s string, columns int) string {
	for i, r := range s {
		if columns -= columnOf(r); columns < 0 {
			return s[:i]
		}
	}
	return s
}
