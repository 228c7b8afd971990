package pickertest

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"net/http"
	"strconv"
	"time"
)

// serve sends the bytes of an item, or a range of them if the host honours ranges.
func (s *Server) serve(a *recorder, r *http.Request, kind string, data []byte, ranges bool) {
	s.mu.Lock()
	ranges = ranges && !s.opt.MediaCut.Whole
	w := http.ResponseWriter(a)
	if cut := s.opt.MediaCut; s.cuts[a.id] < cut.Times {
		s.cuts[a.id]++
		w = &cutWriter{ResponseWriter: a, share: cut.Share, left: -1}
	}
	s.mu.Unlock()
	w.Header().Set("Content-Type", kind)
	if !ranges {
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		w.Write(data)
		return
	}
	w.Header().Set("ETag", fmt.Sprintf(`"%x-%08x"`, len(data), crc32.ChecksumIEEE(data)))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(data))
}

// A cutWriter sends a share of a response. net/http closes the connection of a
// response that is shorter than its Content-Length.
type cutWriter struct {
	http.ResponseWriter
	share float64
	left  int // bytes; -1 before the first
}

var errCut = errors.New("the connection is cut")

func (c *cutWriter) Write(b []byte) (int, error) {
	if c.left < 0 {
		n, _ := strconv.Atoi(c.Header().Get("Content-Length"))
		c.left = int(float64(n) * c.share)
	}
	if len(b) <= c.left {
		c.left -= len(b)
		return c.ResponseWriter.Write(b)
	}
	n, err := c.ResponseWriter.Write(b[:c.left])
	c.left = 0
	if err == nil {
		err = errCut
	}
	return n, err
}
