package device

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
	"unicode"

	"pickerd/display/photo"
	"pickerd/picker"
	"pickerd/store"
)

const (
	maxPhotoBytes = 64 << 20
	maxVideoBytes = 4 << 30
	// stall is how long a download may bring nothing: Google's transcoder
	// takes up to nine seconds for its first byte.
	stall = 60 * time.Second
)

var (
	errNotReady = errors.New("the video is still being processed at Google")
	errNoMedia  = errors.New("the bytes are not a picture or video that can be shown")
	errPage     = errors.New("a page came in the place of the picture or video")
	errTooBig   = errors.New("the file is too big")
	errStalled  = errors.New("the download brought nothing for a minute")
	errCut      = errors.New("the download was cut off")
)

// download brings one item to the disk under a name that doesn't count yet.
func (d *Device) download(ctx context.Context, api *picker.Client, f facts, j job) (store.Addition, error) {
	var none store.Addition
	if j.item.NotReady() {
		return none, errNotReady
	}
	suffix, limit := picker.VideoBytes, int64(maxVideoBytes)
	if j.item.Type != picker.Video {
		w, h := d.cfg.ScreenSize()
		suffix, limit = picker.Sized(w, h), maxPhotoBytes
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(stall, func() { cancel(errStalled) })
	defer watch.Stop()

	m, err := api.OpenMedia(ctx, j.item.MediaFile.BaseURL, suffix)
	if err != nil {
		if context.Cause(ctx) == errStalled {
			return none, errStalled
		}
		return none, err
	}
	defer m.Body.Close()
	room := d.fetched.budget.claim()
	if err := room.reach(min(m.Length, limit)); err != nil {
		return none, err
	}
	part, err := d.cfg.Store.NewPart()
	if err != nil {
		room.drop()
		return none, diskError(err)
	}
	w := &roomWriter{part, room}
	p, err := d.receive(m, w, limit, func() { watch.Reset(stall); d.beat(); d.active() })
	if err == nil && p.Type == picker.Video {
		watch.Stop()
		err = d.addStill(ctx, api, j, w)
	}
	if err != nil {
		part.Discard()
		room.drop()
		return none, err
	}
	room.settle()
	p.ID, p.Filename, p.CreateTime = j.item.ID, showName(j.item.MediaFile.Filename), j.item.CreateTime.Time
	p.Pick, p.Index, p.Grant, p.AddedAt = f.pick.RequestID, j.index, f.grant.ID, time.Now()
	return store.Addition{Photo: p, Part: part}, nil
}

// diskError is the disk's refusal of one download. That it is full concerns this
// one: a smaller one may fit.
func diskError(err error) error {
	if isFull(err) {
		return errDiskFull
	}
	return &storeError{err}
}

// receive copies a download into a part and looks whether it is whole and what
// it is.
func (d *Device) receive(m *picker.Media, w *roomWriter, limit int64, alive func()) (store.Photo, error) {
	var p store.Photo
	n, err := io.Copy(w, io.LimitReader(&liveReader{m.Body, alive}, limit+1))
	d.tally.received(n)
	switch {
	case lacksRoom(err):
		return p, err
	case isDiskError(err):
		return p, diskError(err)
	case err != nil:
		return p, fmt.Errorf("%w after %d bytes", errCut, n)
	case n > limit:
		return p, errTooBig
	case m.Length >= 0 && n != m.Length:
		return p, fmt.Errorf("%w after %d of %d bytes", errCut, n, m.Length)
	}
	return p, inspect(w.part, &p)
}

// A liveReader calls alive whenever bytes came.
type liveReader struct {
	r     io.Reader
	alive func()
}

func (l *liveReader) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	if n > 0 {
		l.alive()
	}
	return n, err
}

// inspect fills in what the bytes themselves say. A server's Content-Type and
// a file's name prove nothing.
func inspect(part *store.Part, p *store.Photo) error {
	head := make([]byte, 512)
	n, err := part.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return &storeError{err}
	}
	head = head[:n]
	p.MimeType, _, _ = strings.Cut(http.DetectContentType(head), ";")
	switch p.MimeType {
	case "image/jpeg", "image/png", "image/gif", "image/webp":
		w, h, err := photo.Size(part, part.Size())
		if err != nil {
			return errNoMedia
		}
		p.Type, p.Width, p.Height = picker.Photo, w, h
	case "video/mp4", "video/webm":
		p.Type = picker.Video
		p.Duration = photo.VideoDuration(part, part.Size())
	case "text/html": // a portal's, or a proxy's: it says nothing about the item
		return errPage
	default:
		if bytes.Contains(head[:min(n, 12)], []byte("ftyp")) { // QuickTime brands
			p.Type, p.MimeType = picker.Video, "video/mp4"
			p.Duration = photo.VideoDuration(part, part.Size())
			return nil
		}
		return errNoMedia
	}
	return nil
}

const maxShownName = 120

// showName makes a person's file name fit to be shown; it is never a path.
func showName(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == '\uFFFD' {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxShownName {
		s = string(r[:maxShownName-1]) + "…"
	}
	return s
}
