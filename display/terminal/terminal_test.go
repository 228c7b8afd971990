package terminal

import (
	"context"
	"errors"
	"fmt"
	"image"
	"image/color"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"

	"pickerd/display"
	"pickerd/display/words"
)

// A tty is what a terminal shows: cells that letters were put into.
type tty struct {
	mu      sync.Mutex
	cells   [][]rune
	x, y    int
	written int
}

func newTTY(columns, rows int) *tty {
	t := &tty{}
	for range rows {
		t.cells = append(t.cells, []rune(strings.Repeat(" ", columns)))
	}
	return t
}

// taken is how many bytes came since the last time.
func (t *tty) taken() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.written
	t.written = 0
	return n
}

var escape = regexp.MustCompile("^\x1b\\[([0-9;?]*)([A-Za-z])")

func (t *tty) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.written += len(b)
	s := string(b)
	for s != "" {
		if m := escape.FindStringSubmatch(s); m != nil {
			t.control(m[1], m[2])
			s = s[len(m[0]):]
			continue
		}
		r := []rune(s)[0]
		s = s[len(string(r)):]
		if r == '\n' {
			t.y++
			continue
		}
		if t.y < len(t.cells) && t.x < len(t.cells[t.y]) {
			t.cells[t.y][t.x] = r
		}
		t.x++
	}
	return len(b), nil
}

func (t *tty) control(arg, kind string) {
	switch kind {
	case "H":
		fmt.Sscanf(arg, "%d;%d", &t.y, &t.x)
		t.y, t.x = t.y-1, t.x-1
	case "G":
		fmt.Sscanf(arg, "%d", &t.x)
		t.x--
	case "K":
		for x := t.x; t.y < len(t.cells) && x < len(t.cells[t.y]); x++ {
			t.cells[t.y][x] = ' '
		}
	case "J":
		for y := range t.cells {
			for x := range t.cells[y] {
				t.cells[y][x] = ' '
			}
		}
	}
}

func (t *tty) text() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var b strings.Builder
	for _, row := range t.cells {
		b.WriteString(strings.TrimRight(string(row), " ") + "\n")
	}
	return b.String()
}

// scan reads the code off the screen as a phone does.
func (t *tty) scan() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	const edge = 6
	m := image.NewGray(image.Rect(0, 0, len(t.cells[0])*edge, 2*len(t.cells)*edge))
	for y, row := range t.cells {
		for x, r := range row {
			for half := range 2 {
				if r == '█' || r == '▀' && half == 0 || r == '▄' && half == 1 {
					for i := range edge * edge {
						m.SetGray(x*edge+i%edge, (2*y+half)*edge+i/edge, color.Gray{255})
					}
				}
			}
		}
	}
	bitmap, err := gozxing.NewBinaryBitmapFromImage(m)
	if err != nil {
		return ""
	}
	got, err := qrcode.NewQRCodeReader().Decode(bitmap, map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_TRY_HARDER: true})
	if err != nil {
		return ""
	}
	return got.GetText()
}

const link = "https://www.google.com/device?user_code=GQVQ-JKEC"

func pairing() display.Page {
	return display.Page{Device: "Kitchen", Title: "Show your photos on Kitchen", Steps: []string{"Scan the code with your phone and sign in to Google."},
		QR: link, Link: "https://www.google.com/device", Code: "GQVQ-JKEC", Ends: display.Ends{Until: time.Now().Add(10 * time.Minute)}}
}

func TestTerminal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		screen := newTTY(100, 30)
		var size atomic.Pointer[[2]int]
		size.Store(&[2]int{100, 30})
		var pages display.Board[display.Page]
		tail := NewTail()
		term := New(Config{Pages: &pages, Out: screen, Size: func() (int, int) { s := size.Load(); return s[0], s[1] }, Tail: tail})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		pages.Set(pairing())
		go func() { ended <- term.Run(ctx) }()
		synctest.Wait()
		if got := screen.scan(); got != link {
			t.Errorf("the code reads %q\n%s", got, screen.text())
		}
		for _, want := range []string{"Show your photos on Kitchen", "1. Scan the code", "GQVQ-JKEC", "https://www.google.com/device", "Code expires in 10:00"} {
			if !strings.Contains(screen.text(), want) {
				t.Errorf("%q is not there:\n%s", want, screen.text())
			}
		}
		screen.taken()
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if n := screen.taken(); n > 10*200 || !strings.Contains(screen.text(), "Code expires in 9:50") {
			t.Errorf("a countdown of ten seconds wrote %d bytes\n%s", n, screen.text())
		}
		fmt.Fprintln(tail, "level=INFO msg=hello")
		synctest.Wait()
		if !strings.Contains(screen.text(), "msg=hello") {
			t.Error("the log is not there")
		}
		pages.Set(display.Page{Device: "Kitchen", Slide: &display.Slide{Alt: "Photo 3 of 12"}, Problem: "No internet connection."})
		synctest.Wait()
		if text := screen.text(); screen.scan() != "" || !strings.Contains(text, "Photo 3 of 12") || !strings.Contains(text, "No internet") || strings.Contains(text, "GQVQ") {
			t.Errorf("the photo's page:\n%s", text)
		}
		pages.Set(pairing())
		size.Store(&[2]int{60, 20})
		time.Sleep(time.Second)
		synctest.Wait()
		if !strings.Contains(strings.Join(strings.Fields(screen.text()), " "), "too small for the QR code") || !strings.Contains(screen.text(), "GQVQ-JKEC") {
			t.Errorf("in a small window:\n%s", screen.text())
		}
		cancel()
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

// A code fits into the smallest usual terminal, and long ones stand alone.
func TestSizes(t *testing.T) {
	now := time.Now()
	for _, size := range [][2]int{{80, 24}, {132, 43}, {50, 40}, {200, 50}} {
		screen := newTTY(size[0], size[1])
		for i, l := range layOut(pairing(), words.English(), now, size[0], size[1]) {
			fmt.Fprintf(screen, "\x1b[%d;1H%s", i+1, l)
		}
		if got := screen.scan(); got != link {
			t.Errorf("%v: the code reads %q\n%s", size, got, screen.text())
		}
	}
}

func TestWrap(t *testing.T) {
	for text, want := range map[string][]string{
		"one two three":    {"one two", "three"},
		"":                 nil,
		"abcdefghijklmnop": {"abcdefghij", "klmnop"},
		"写真を選んでください":       {"写真を選ん", "でください"},
	} {
		if got := wrap(text, 10); strings.Join(got, "|") != strings.Join(want, "|") {
			t.Errorf("%q: %q", text, got)
		}
	}
}

func TestTail(t *testing.T) {
	tail := NewTail()
	for i := range 10 {
		fmt.Fprintf(tail, "line %d that is long\n", i)
	}
	if got := tail.last(3, 10); len(got) != 3 || got[0] != "" || got[2] != "line 9 th" {
		t.Errorf("%q", got)
	}
	var none *Tail
	if none.last(3, 10) != nil || none.news() != nil {
		t.Error("no tail has lines")
	}
}
