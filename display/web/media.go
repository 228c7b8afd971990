package web

import (
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"strings"

	"pickerd/display/photo"
)

// media serves a file of a page. Names are the store's, and the content of a name
// never changes.
func (s *Server) media(w http.ResponseWriter, r *http.Request) {
	f, st := s.openMedia(w, r)
	if f == nil {
		return
	}
	defer f.Close()
	head, _ := photo.Head(f)
	content := io.NewSectionReader(f, 0, st.Size())
	format := photo.Format(head)
	switch {
	case needsCopy(r, format):
		w.Header().Set("Vary", "Accept")
		if s.serveCopy(w, r) {
			return
		}
		s.askAgain(w)
	case format == "image/jpeg": // browsers want its first marker at the beginning
		lead := int64(photo.Lead(head))
		content = io.NewSectionReader(f, lead, st.Size()-lead)
	case strings.HasPrefix(format, "video/"):
		content = photo.WithoutStill(f, st.Size())
	}
	if format != "" {
		w.Header().Set("Content-Type", format)
	}
	http.ServeContent(w, r, "", st.ModTime(), content)
}

// needsCopy reports whether a photo's format is one that only some browsers show, and
// that the browser doesn't say to be one of them.
func needsCopy(r *http.Request, format string) bool {
	switch format {
	case "image/heic", "image/avif", "image/jxl":
		return !strings.Contains(r.Header.Get("Accept"), format)
	}
	return false
}

// serveCopy answers with the copy of the requested file. It reports false if there is
// none.
func (s *Server) serveCopy(w http.ResponseWriter, r *http.Request) bool {
	if s.cfg.Copy == nil {
		return false
	}
	c, err := s.cfg.Copy(r.Context(), r.PathValue("file"))
	if err != nil {
		s.cfg.Log.Debug("no copy", "file", r.PathValue("file"), "err", err)
		return false
	}
	defer c.Close()
	st, err := c.Stat()
	if err != nil {
		return false
	}
	http.ServeContent(w, r, "copy.jpg", st.ModTime(), c)
	return true
}

// orientation serves the Exif orientation of a photo as a number, for browsers that don't
// turn photos: Chromium before 81, Safari before 13.1 on a Mac.
func (s *Server) orientation(w http.ResponseWriter, r *http.Request) {
	f, st := s.openMedia(w, r)
	if f == nil {
		return
	}
	defer f.Close()
	fmt.Fprint(w, photo.Orientation(f, st.Size()))
}

// still serves the picture inside a video's file, which a browser shows until
// the video plays. A video without one gets 404.
func (s *Server) still(w http.ResponseWriter, r *http.Request) {
	f, st := s.openMedia(w, r)
	if f == nil {
		return
	}
	defer f.Close()
	still, err := photo.Still(f, st.Size())
	if err != nil {
		head, _ := photo.Head(f)
		if strings.HasPrefix(photo.Format(head), "video/") && s.serveCopy(w, r) {
			return
		}
		s.askAgain(w)
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", st.ModTime(), still)
}

// openMedia opens the requested file and sets how long it may be cached. It answers
// 404 and returns nil if there is no such file.
func (s *Server) openMedia(w http.ResponseWriter, r *http.Request) (*os.File, fs.FileInfo) {
	f, err := s.cfg.Media(r.PathValue("file"))
	if err != nil {
		http.NotFound(w, r)
		return nil, nil
	}
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		f.Close()
		http.NotFound(w, r)
		return nil, nil
	}
	if !s.cfg.Transient {
		w.Header().Set("Cache-Control", "private, max-age=3600")
	}
	return f, st
}

// askAgain makes a browser ask again next time, when there may be a copy.
func (s *Server) askAgain(w http.ResponseWriter) {
	if !s.cfg.Transient {
		w.Header().Set("Cache-Control", "no-cache")
	}
}

// turn adds the Exif orientation of WebP pictures, which browsers ignore
// (https://zpl.fi/exif-orientation-in-different-formats). Animated ones stay as they are.
func (s *Server) turn(slide *slideMsg) {
	if slide == nil {
		return
	}
	for i := range slide.Media {
		m := &slide.Media[i]
		if strings.HasSuffix(m.Src, ".webp") {
			m.Turn, m.Wide = s.orientationOf(strings.TrimPrefix(m.Src, "media/"))
		}
	}
}

// orientationOf returns the Exif orientation of a WebP picture, 0 if it is upright, and
// whether a browser that ignores it shows it wider than high.
func (s *Server) orientationOf(file string) (turn int, wide bool) {
	f, err := s.cfg.Media(file)
	if err != nil {
		return 0, false
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return 0, false
	}
	var head [21]byte // up to the flags of the chunk VP8X, RFC 9649, 2.7.1
	if n, _ := f.ReadAt(head[:], 0); n < len(head) || string(head[12:16]) != "VP8X" || head[20]&2 != 0 {
		return 0, false
	}
	w, h, err := photo.Size(f, st.Size())
	turn = photo.Orientation(f, st.Size())
	if err != nil || turn < 2 {
		return 0, false
	}
	if turn > 4 {
		w, h = h, w
	}
	return turn, w > h
}
