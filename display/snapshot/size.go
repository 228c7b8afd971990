package snapshot

import (
	"context"
	"time"
)

const (
	// maxSizes is how many different pictures clients may ask for at once.
	maxSizes = 8
	// maxBytes bounds the pictures in memory when another one is drawn.
	maxBytes = 16 << 20
	// keepFor is how long a picture is kept that nobody asks for. Programs ask again
	// after some seconds.
	keepFor = 2 * time.Minute
)

// A size is what clients share that want the same picture.
type size struct {
	options
	turn  chan struct{}   // full while one of them uses the next three fields
	page  <-chan struct{} // closed when the page that was laid out is replaced
	until time.Time       // when the things on it move
	tag   string          // of its picture; "" before it is laid out

	// Server.mu guards these.
	clients int
	since   time.Time   // without clients
	expiry  *time.Timer // while there are none
	newest  *picture    // drawn last, or nil
}

// A picture is a file for clients.
type picture struct {
	tag  string // its ETag, without quotes
	file []byte
	uses int // by its size and by clients; Server.mu guards it
}

// enter returns the size for a client, or nil if there are maxSizes others.
func (s *Server) enter(o options) *size {
	s.mu.Lock()
	defer s.mu.Unlock()
	z := s.sizes[o]
	if z == nil {
		if len(s.sizes) >= maxSizes && !s.removeIdle() {
			return nil
		}
		z = &size{options: o, turn: make(chan struct{}, 1)}
		s.sizes[o] = z
	}
	if z.expiry != nil {
		z.expiry.Stop()
		z.expiry = nil
	}
	z.clients++
	return z
}

// leave ends the use of a size by a client.
func (s *Server) leave(z *size) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if z.clients--; z.clients > 0 {
		return
	}
	z.since = time.Now()
	z.expiry = time.AfterFunc(keepFor, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if z.clients == 0 {
			s.remove(z)
		}
	})
}

// removeIdle removes the size that has had no client for longest. It reports false if
// all have some.
func (s *Server) removeIdle() bool {
	var oldest *size
	for _, z := range s.sizes {
		if z.clients == 0 && (oldest == nil || z.since.Before(oldest.since)) {
			oldest = z
		}
	}
	if oldest == nil {
		return false
	}
	s.remove(oldest)
	return true
}

// remove removes a size without clients.
func (s *Server) remove(z *size) {
	if s.sizes[z.options] != z {
		return
	}
	delete(s.sizes, z.options)
	s.replace(z, nil)
}

// Run erases the pictures of a person who is forgotten, until ctx ends. It returns ctx's
// error.
func (s *Server) Run(ctx context.Context) error {
	visit := ""
	for {
		page, replaced := s.cfg.Pages.Current()
		if page.Visit != visit {
			visit = page.Visit
			s.mu.Lock()
			for _, z := range s.sizes {
				s.replace(z, nil)
			}
			s.mu.Unlock()
		}
		select {
		case <-replaced:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// newest returns the picture of what was laid out, nil if it must be drawn.
func (s *Server) newest(z *size) *picture {
	s.mu.Lock()
	defer s.mu.Unlock()
	if z.newest == nil || z.newest.tag != z.tag {
		s.replace(z, nil)
		return nil
	}
	z.newest.uses++
	return z.newest
}

// keep keeps a picture of a visit for the next clients of its size. The caller uses it
// too, unless keep reports that the visit has ended: Run may have erased the others.
func (s *Server) keep(z *size, p *picture, visit string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if page, _ := s.cfg.Pages.Current(); page.Visit != visit {
		return false
	}
	s.bytes += len(p.file)
	p.uses = 1
	s.replace(z, p)
	return true
}

// replace replaces the newest picture of a size.
func (s *Server) replace(z *size, p *picture) {
	if p != nil {
		p.uses++
	}
	if z.newest != nil {
		s.unuse(z.newest)
	}
	z.newest = p
}

// drop ends the use of a picture by a client.
func (s *Server) drop(p *picture) {
	if p.file == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unuse(p)
}

func (s *Server) unuse(p *picture) {
	if p.uses--; p.uses == 0 {
		s.bytes -= len(p.file)
	}
}

// makeRoom reports whether another picture may be drawn. Those that no client receives
// give way.
func (s *Server) makeRoom() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, z := range s.sizes {
		if s.bytes > maxBytes {
			s.replace(z, nil)
		}
	}
	return s.bytes <= maxBytes
}
