package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"pickerd/device/screen/screentest"
	"pickerd/display"
	"pickerd/display/web"
	"pickerd/display/words"
)

// boxesApart lays out pages in a browser and returns which of their boxes intersect or
// are cut off. Things move as they do in the course of some minutes.
const boxesApart = `
window.place = turn => {
	document.body.classList.toggle("swap", turn % 2 === 1);
	document.body.dataset.corner = turn % 4;
	document.documentElement.style.setProperty("--drift", ((turn * 7) % 5 - 2) / 2);
};
slides.show = slide => {
	document.body.classList.toggle("photos", !!slide);
	slides.caption = slide ? slide.caption : "";
	layOutBars(page);
};
window.boxesApart = pages => {
	const bad = [];
	pages.forEach(([name, p], turn) => {
		place(turn);
		layOut(p);
		showOffline(turn % 5 === 4);
		const selector = p.menu ? "#menutitle, #menutext, #facts > *, #items > *, #menuscan" : "#words > *, #byhand > p:not(.heard), #qr, #bars > *, #buttons > *, #clock";
		const all = [...document.querySelectorAll(selector)].filter(e => e.checkVisibility({visibilityProperty: true})).map(e => [e.id || e.textContent, e, e.getBoundingClientRect()]);
		for (const [i, [id, e, r]] of all.entries()) {
			if (!p.menu && (r.left < -1 || r.top < -1 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1)) bad.push(name + ": " + id + " is cut off");
			if (e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== "inline") bad.push(name + ": the text of " + id + " is too wide");
			for (const [other, , o] of all.slice(0, i)) {
				if (r.left < o.right - 1 && r.right > o.left + 1 && r.top < o.bottom - 1 && r.bottom > o.top + 1) bad.push(name + ": " + id + " covers " + other);
			}
		}
	});
	return bad;
};
true`

// messages returns pages as browsers get them, each with its name.
func messages(t *testing.T, pages []screentest.Page, board *display.Board[display.Page], url string) string {
	t.Helper()
	board.Set(pages[0].Page)
	ctx, cancel := context.WithTimeout(t.Context(), maxWait)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"events", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	lines := bufio.NewScanner(res.Body)
	lines.Buffer(nil, 1<<20)
	var all bytes.Buffer
	for i := 0; i < len(pages) && lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: {")
		if !ok {
			continue
		}
		name, err := json.Marshal(pages[i].Name)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&all, "[%s,{%s],", name, data)
		if i++; i < len(pages) {
			board.Set(pages[i].Page)
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return "[" + strings.TrimSuffix(all.String(), ",") + "]"
}

// everyBox makes TestBoxesApart take minutes.
var everyBox = flag.Bool("boxes", false, "lay out every notice in every state, size and language")

// TestBoxesApart checks that no two boxes of a page intersect and all are on the
// screen: every notice in every state and size, each in a third of the languages.
func TestBoxesApart(t *testing.T) {
	chromium := newBrowser(t)
	for n, code := range words.Languages() {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			w, err := words.For(code)
			if err != nil {
				t.Fatal(err)
			}
			board := new(display.Board[display.Page])
			srv := httptest.NewServer(web.New(pageOf(board, noMedia)))
			t.Cleanup(srv.CloseClientConnections)
			url := srv.URL + "/"
			var pages []screentest.Page
			for i, p := range screentest.Pages(w, time.Now()) {
				if *everyBox || i%3 == n%3 {
					pages = append(pages, p)
				}
			}
			list := messages(t, pages, board, url)
			board.Set(pages[0].Page)
			tb := chromium.open(t, 1920, 1080, url)
			tb.until("document.documentElement.lang === '" + code + "' && texts.menu")
			// The pages that follow come from the test alone.
			tb.do("close the stream", chromedp.Evaluate[chromedp.Void]("stream.close(); connect = take = () => {}; ask = () => {}; for (const f of document.fonts) f.load(); showButtons = () => {}"))
			tb.until("document.fonts.status === 'loaded'")
			tb.do("prepare", chromedp.Evaluate[chromedp.Void](boxesApart))
			tb.do("take the pages", chromedp.Evaluate[chromedp.Void]("window.list = "+list+"; true"))
			for _, size := range [][2]int64{{1920, 1080}, {1280, 720}, {800, 480}, {1080, 1920}} {
				tb.do("turn", chromedp.EmulateViewport(size[0], size[1]))
				tb.untilSettled(size[0], size[1])
				ctx, cancel := context.WithTimeout(tb.ctx, maxWait)
				bad, err := chromedp.Run(ctx, chromedp.Evaluate[[]string]("boxesApart(list)"))
				cancel()
				if err != nil {
					t.Fatal(err)
				}
				for _, s := range bad {
					t.Errorf("%dx%d: %s", size[0], size[1], s)
				}
			}
		})
	}
}
