package web

import (
	"io/fs"
	"net/http"
	"os"

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
	http.ServeContent(w, r, r.PathValue("file"), st.ModTime(), f)
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
