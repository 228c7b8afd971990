package slideshow

import (
	"time"

	"pickerd/display/words"
)

// defaultInterval is how long a photo stays.
const defaultInterval = 10 * time.Second

// Options are the part of a Config that may change while the slideshow runs.
type Options struct {
	Interval time.Duration // that a photo stays; 0 means 10 s
	Shuffle  bool          // instead of the order picked
	Newest   bool          // the newest pick first, instead of the order picked
	// Collection is the name or ID of the one that is shown; "" means all photos.
	Collection string
	Pairs      bool // two upright photos side by side where the screen is wide, or two wide ones where it is upright
	Captions   bool // when a photo was taken

	Words *words.Words   // for captions; nil means English
	Zone  *time.Location // of the days in captions; nil means the system's
}

// Collection returns the name or ID of the collection that is shown, "" for all photos.
func (s *Slideshow) Collection() string { return s.options.Load().Collection }

// Configure replaces the options, in any goroutine. The photo on the screen stays.
func (s *Slideshow) Configure(o Options) {
	if o.Interval <= 0 {
		o.Interval = defaultInterval
	}
	if o.Words == nil {
		o.Words = words.English()
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if old := s.options.Swap(&o); old != nil && old.Collection != o.Collection {
		s.Reload()
	}
	select {
	case s.configured <- struct{}{}:
	default:
	}
}
