package web_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pickerd/display"
	"pickerd/display/web"
)

// An ear is a web.Viewer that keeps what it is told.
type ear chan string

func (e ear) Cannot(file string, still bool, _ error) {
	if still {
		file += " but its still"
	}
	e <- file
}
func (e ear) Plays(film string, left time.Duration) { e <- fmt.Sprint(film, " for ", left) }
func (e ear) Leave()                                { close(e) }

// TestReports checks that a browser that shows the page can say what it can't show of the
// slide and how much is left of a film, and that nobody can say anything else.
func TestReports(t *testing.T) {
	s := &still{}
	s.pages.Set(display.Page{Slide: &display.Slide{Media: []display.Media{{File: "a.mp4", Video: true}}}})
	e := make(ear, 9)
	srv := httptest.NewServer(web.New(web.Config{Screen: s, Media: s.media, Key: s.key, Font: s.font, Alive: func() bool { return true }, Log: s.log(), Join: func() web.Viewer { return e }}))
	defer srv.Close()
	events, err := http.Get(srv.URL + "/events?w=640&h=480")
	if err != nil {
		t.Fatal(err)
	}
	var page struct{ Stream string }
	for lines := bufio.NewScanner(events.Body); page.Stream == "" && lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if err := json.Unmarshal([]byte(data), &page); err != nil || page.Stream == "" {
				t.Fatalf("no name of the stream: %v", err)
			}
		}
	}
	for _, tt := range []struct {
		path string
		want int
	}{
		{"/cannot/a.mp4?stream=" + page.Stream, http.StatusNoContent},
		{"/cannot/a.mp4?still&stream=" + page.Stream, http.StatusNoContent},
		{"/cannot/b.mp4?stream=" + page.Stream, http.StatusNotFound},
		{"/cannot/a.mp4?stream=another", http.StatusNotFound},
		{"/cannot/a.mp4", http.StatusNotFound},
		{"/plays/a.mp4?left=61.25&stream=" + page.Stream, http.StatusNoContent},
		{"/plays/a.mp4?stream=" + page.Stream, http.StatusNoContent},
		{"/plays/a.mp4?left=0&stream=" + page.Stream, http.StatusNoContent},
		{"/plays/a.mp4?left=86401&stream=" + page.Stream, http.StatusBadRequest},
		{"/plays/a.mp4?left=-1&stream=" + page.Stream, http.StatusBadRequest},
		{"/plays/a.mp4?left=NaN&stream=" + page.Stream, http.StatusBadRequest},
		{"/plays/a.mp4?left=&stream=" + page.Stream, http.StatusBadRequest},
		{"/plays/b.mp4?left=1&stream=" + page.Stream, http.StatusNotFound},
		{"/plays/a.mp4?left=1&stream=another", http.StatusNotFound},
	} {
		resp, err := http.Post(srv.URL+tt.path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tt.want {
			t.Errorf("%s: %d, want %d", tt.path, resp.StatusCode, tt.want)
		}
	}
	events.Body.Close()
	var heard []string
	for file := range e { // closed when the stream has ended
		heard = append(heard, file)
	}
	if got := strings.Join(heard, ", "); got != "a.mp4, a.mp4 but its still, a.mp4 for 1m1.25s, a.mp4 for -1s, a.mp4 for 0s" {
		t.Errorf("heard %s", got)
	}
	limited := false
	for range 5000 {
		w := httptest.NewRecorder()
		srv.Config.Handler.ServeHTTP(w, httptest.NewRequest("POST", "/cannot/a.mp4", nil))
		limited = limited || w.Code == http.StatusTooManyRequests
	}
	if !limited {
		t.Error("reports are not limited")
	}
}
