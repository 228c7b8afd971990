package fetch

import (
	"errors"
	"net/http"
	"sync"

	"pickerd/picker"
)

// maxUnreached is how often in a row the hosts of a suffix may not answer, or fail,
// before the next suffix is tried: networks block some hosts of videos.
const maxUnreached = 2

// screenSuffixes and originalSuffixes are the suffixes for videos in the order in
// which they are tried.
var (
	screenSuffixes   = []string{picker.Video1080Suffix, picker.Video720Suffix, picker.VideoSuffix}
	originalSuffixes = []string{picker.VideoSuffix, picker.Video1080Suffix, picker.Video720Suffix}
)

// A suffixes knows which suffix each video of a pick is to be fetched by next. After
// the last one the first is tried again: its address may have expired.
type suffixes struct {
	list []string

	mu        sync.Mutex
	at        map[string]int  // index in list, by item ID
	unreached map[string]int  // by item ID
	offered   map[string]bool // suffixes by which a video of the pick has come
}

func newSuffixes(original bool) *suffixes {
	s := &suffixes{list: screenSuffixes, at: map[string]int{}, unreached: map[string]int{}, offered: map[string]bool{}}
	if original {
		s.list = originalSuffixes
	}
	return s
}

// of returns the suffix for a video.
func (s *suffixes) of(id string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.list[s.at[id]]
}

// failed notes how a download of an item ended. It reports whether the video is worth
// another download at once, by another suffix.
func (s *suffixes) failed(item *picker.MediaItem, err error) (again bool) {
	if item.Type != picker.Video {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id := item.ID
	switch suffix := s.list[s.at[id]]; {
	case err == nil:
		s.offered[suffix] = true
		return false
	case isUnreached(err), isForbidden(err) && s.offered[suffix]:
		// The network may be to blame, or a limit of the host.
		if s.unreached[id]++; s.unreached[id] < maxUnreached {
			return false
		}
	case isNotOffered(err):
		again = s.at[id]+1 < len(s.list)
	default:
		s.unreached[id] = 0
		return false
	}
	s.at[id], s.unreached[id] = (s.at[id]+1)%len(s.list), 0
	return again
}

// isNotOffered reports whether a host refuses a video by a suffix, or sends something
// else.
func isNotOffered(err error) bool {
	if errors.Is(err, errNoVideo) || errors.Is(err, errNoMedia) || errors.Is(err, errEmpty) || errors.Is(err, ErrPage) || errors.Is(err, picker.ErrBadMediaURL) {
		return true
	}
	e, ok := errors.AsType[*picker.Error](err)
	if !ok || isThrottled(err) {
		return false
	}
	switch e.HTTPStatus {
	case http.StatusUnauthorized, http.StatusProxyAuthRequired, http.StatusRequestTimeout, http.StatusTooEarly,
		http.StatusPreconditionFailed, http.StatusRequestedRangeNotSatisfiable:
		return false // it says nothing of the suffix
	}
	return e.HTTPStatus >= 400 && e.HTTPStatus < 500
}

func isForbidden(err error) bool {
	e, ok := errors.AsType[*picker.Error](err)
	return ok && e.HTTPStatus == http.StatusForbidden
}

// isUnreached reports whether a download failed before anything of the video came.
func isUnreached(err error) bool {
	e, ok := errors.AsType[*picker.Error](err)
	return ok && (e.HTTPStatus == 0 || e.HTTPStatus >= 500)
}
