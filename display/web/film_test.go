package web

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
	"time"

	"pickerd/display"
)

// TestFilmRanges checks that twenty displays get parts of a large film, by ranges and
// from its beginning, without a film in memory.
func TestFilmRanges(t *testing.T) {
	const displays, part, whole = 20, 2 << 20, 1 << 30
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "film.mp4"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.WriteString("\x00\x00\x00\x10ftypisom\x00\x00\x00\x00")
	if err := f.Truncate(whole); err != nil {
		t.Fatal(err)
	}
	if f.Close(); err != nil {
		t.Fatal(err)
	}
	r := newRig(t)
	r.serve(t, dir)
	srv := httptest.NewServer(r.web)
	defer srv.Close()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	var wg sync.WaitGroup
	for i := range displays {
		wg.Go(func() {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+"/media/film.mp4", nil)
			if err != nil {
				t.Error(err)
				return
			}
			want, status := int64(whole), http.StatusOK
			if at := int64(i) * whole / displays; i%2 == 1 {
				req.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", at, at+part-1))
				want, status = part, http.StatusPartialContent
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			n, err := io.CopyN(io.Discard, resp.Body, part)
			if n != part || err != nil || resp.StatusCode != status || resp.ContentLength != want || resp.Header.Get("Content-Type") != "video/mp4" || resp.Header.Get("Accept-Ranges") != "bytes" {
				t.Errorf("%d bytes of %d, %d, %v, %v", n, resp.ContentLength, resp.StatusCode, resp.Header, err)
			}
		})
	}
	wg.Wait()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > displays<<20 {
		t.Errorf("%d kB of memory for %d kB of film", n>>10, displays*part>>10)
	}
}

// TestFilmMessage checks what a page is told of where its film is.
func TestFilmMessage(t *testing.T) {
	now := time.Now()
	film := []display.Media{{File: "film.mp4", Video: true}}
	for name, tt := range map[string]struct {
		display.Position
		at   float64
		held bool
	}{
		"no film":        {display.Position{}, 0, false},
		"just begun":     {display.Position{Began: now}, 0, false},
		"plays":          {display.Position{Began: now.Add(-90 * time.Second)}, 90, false},
		"paused":         {display.Position{Began: now.Add(-time.Hour), Held: now.Add(-59 * time.Minute)}, 60, true},
		"is yet to come": {display.Position{Began: now.Add(time.Second)}, 0, false},
	} {
		if m := slideOf(&display.Slide{Media: film, Position: tt.Position}, display.Look{}, now); m.At != tt.at || m.Held != tt.held {
			t.Errorf("%s: at %v, held %v", name, m.At, m.Held)
		}
	}
}
