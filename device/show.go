package device

import (
	"context"
	"fmt"
	"time"

	"pickerd/display"
	"pickerd/store"
)

// longestFilm is how long a video may hold up the slideshow.
const longestFilm = 5 * time.Minute

// reloadEvery is how often at most the collection is read again while photos
// pour in.
const reloadEvery = 500 * time.Millisecond

// slideshow chooses the photo on the screen, until ctx ends. It runs in every
// state; whether the photo is seen is the page's affair.
func (d *Device) slideshow(ctx context.Context) {
	photos, at := d.reloadSlides(nil, -1)
	turn := time.Now().Add(d.slideTime(photos, at)) // when the next photo comes
	var read time.Time                              // when the collection was read last
	stale := false
	for {
		next := turn
		if again := d.slide(photos, at); !again.IsZero() && again.Before(next) {
			next = again
		}
		if due := read.Add(reloadEvery); stale && due.Before(next) {
			next = due
		}
		t := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-d.slideNow:
			t.Stop()
			stale = true
		case <-d.untilNow: // the page has another end than it had
			t.Stop()
		case <-t.C:
		}
		now := time.Now()
		if stale && (len(photos) == 0 || !now.Before(read.Add(reloadEvery))) {
			had := shownID(photos, at)
			photos, at = d.reloadSlides(photos, at)
			read, stale = now, false
			if shownID(photos, at) != had {
				turn = now.Add(d.slideTime(photos, at))
			}
		}
		if !now.Before(turn) {
			if len(photos) > 0 {
				at = (at + 1) % len(photos)
			}
			turn = now.Add(d.slideTime(photos, at))
		}
	}
}

func shownID(photos []store.Photo, at int) string {
	if at < 0 || at >= len(photos) {
		return ""
	}
	return photos[at].ID
}

// reloadSlides reads the collection again and keeps its place where the photo
// on the screen is still part of it.
func (d *Device) reloadSlides(old []store.Photo, at int) ([]store.Photo, int) {
	photos, err := d.cfg.Store.Photos()
	if err != nil {
		d.log.Error("slideshow", "err", err)
		return old, at
	}
	var bytes int64
	place := 0
	for i, p := range photos {
		bytes += p.Bytes
		if p.ID == shownID(old, at) {
			place = i
		}
	}
	d.screen.update(func(v *view) { v.library = Library{Items: len(photos), Bytes: bytes} })
	return photos, place
}

// slide puts photo at on the page. It returns when the page has something else
// to take away, zero when it doesn't.
func (d *Device) slide(photos []store.Photo, at int) (again time.Time) {
	var now, next *display.Media
	if n := len(photos); n > 0 {
		now = media(photos, at)
		if n > 1 {
			next = media(photos, (at+1)%n)
		}
	}
	d.screen.update(func(v *view) {
		v.photo, v.nextPhoto = now, next
		again = v.expire(time.Now())
	})
	return again
}

func media(photos []store.Photo, i int) *display.Media {
	p := photos[i]
	kind := "Photo"
	if p.Type == "VIDEO" {
		kind = "Video"
	}
	return &display.Media{File: p.File, Video: kind == "Video", Alt: fmt.Sprintf("%s %d of %d", kind, i+1, len(photos))}
}

// slideTime is how long a photo stays: a video until its end.
func (d *Device) slideTime(photos []store.Photo, at int) time.Duration {
	if len(photos) == 0 {
		return time.Hour
	}
	return max(d.cfg.Interval, min(photos[at].Duration, longestFilm))
}
