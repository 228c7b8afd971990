package pickertest

import (
	"net/http"
	"net/netip"
	"time"
)

// streams are the suffixes of the undocumented MP4 streams of a video.
var streams = map[string]bool{"m18": true, "m22": true, "m37": true}

// refused answers with the status that Options.RefusedSuffixes has for a suffix. 200
// is answered with a still, as for an unknown size.
func (s *Server) refused(a *recorder, it *Item, suffix string) bool {
	s.mu.Lock()
	status := s.opt.RefusedSuffixes[suffix]
	s.mu.Unlock()
	switch status {
	case 0:
		return false
	case http.StatusOK:
		a.Header().Set("Content-Type", "image/jpeg")
		a.Write(it.Poster)
	default:
		a.WriteHeader(status)
	}
	return true
}

// redirect sends a request on to another host of videos.
func (s *Server) redirect(a *recorder, r *http.Request, subdomain, path string) {
	host := r.Host
	if _, err := netip.ParseAddrPort(host); err != nil { // a number has no subdomains
		host = subdomain + host
	}
	a.Header().Set("Location", scheme(r)+host+s.prefix(r)+path)
	a.WriteHeader(http.StatusFound)
}

// video returns the host to which downloads of videos redirect, that of =dv or, with
// ranges, that of the MP4 streams. It needs no access token and records one as a
// violation.
func (s *Server) video(ranges bool) func(*recorder, *http.Request) {
	return func(a *recorder, r *http.Request) {
		s.mu.Lock()
		u, ok := s.urls[r.PathValue("ref")]
		if r.Header.Get("Authorization") != "" {
			s.violations = append(s.violations, "access token sent to the video host")
		}
		slow := s.opt.SlowVideo
		s.mu.Unlock()
		if !ok {
			http.NotFound(a, r)
			return
		}
		a.id = u.item.ID
		delay(r, slow)
		s.serve(a, r, "video/mp4", u.item.Data, ranges)
	}
}

// delay waits for d, or drops the request when its client does.
func delay(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
		panic(http.ErrAbortHandler)
	}
}
