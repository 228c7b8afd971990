package snapshot

// Send sends a picture.
var Send = send

// Kept returns how many bytes of pictures are in memory.
func (s *Server) Kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}
