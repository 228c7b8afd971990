package fetch

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode"

	"pickerd/device"
	"pickerd/display/photo"
	"pickerd/picker"
	"pickerd/store"
)

const (
	maxPhotoBytes = 64 << 20
	maxVideoBytes = 4 << 30
	maxStillBytes = 8 << 20 // far above a JPEG of a screen's size
	// maxStall is how long a download may bring nothing: Google's transcoder takes
	// up to nine seconds for its first byte.
	maxStall = 60 * time.Second
	// maxAddressAge is how long the address of an item is used. Google's are valid
	// for an hour.
	maxAddressAge = 55 * time.Minute
	// stillTimeout bounds one request for a video's still. The video is here already.
	stillTimeout = 20 * time.Second
)

// paced downloads one item when the hosts of the media allow it, unless open ends
// before. A host that has too many requests is asked again later, and one that does
// not offer a video by one suffix is asked by the next: both are nothing against the
// item. errPassOver leaves the item to a pass with new addresses.
func (f *Fetcher) paced(ctx, open context.Context, s Session, j job) (store.Addition, error) {
	for {
		started, err := f.throttle.acquire(open)
		if err != nil {
			return store.Addition{}, errPassOver
		}
		err = errPassOver
		var add store.Addition
		if time.Since(j.listed) < maxAddressAge {
			add, err = f.download(ctx, s, j)
		}
		if f.suffixes.failed(j.item, err) {
			f.throttle.release(started, j.item.ID, errNoVideo) // the refusal was of the suffix
			continue
		}
		switch f.throttle.release(started, j.item.ID, err) {
		case stands:
			return add, err
		case refuses:
			return add, errPassOver
		}
	}
}

// download brings one item to the disk under a temporary name.
func (f *Fetcher) download(ctx context.Context, s Session, j job) (store.Addition, error) {
	var none store.Addition
	if j.item.Processing() {
		return none, errNotReady
	}
	suffix, limit := f.suffixes.of(j.item.ID), int64(maxVideoBytes)
	if j.item.Type != picker.Video {
		w, h := f.cfg.ScreenSize()
		suffix, limit = picker.ImageSuffix(w, h), maxPhotoBytes
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watch := time.AfterFunc(maxStall, func() { cancel(ErrStalled) })
	defer watch.Stop()

	alive := func() { watch.Reset(maxStall); f.cfg.Alive() }

	t, err := f.begin(ctx, s, j, suffix, alive)
	if err != nil {
		if context.Cause(ctx) == ErrStalled {
			return none, ErrStalled
		}
		return none, err
	}
	defer t.media.Body.Close()
	w := &claimWriter{t.part, t.room}
	p, err := f.receive(t.media, w, limit, alive)
	if err == nil && j.item.Type == picker.Video && p.Type != picker.Video {
		err = errNoVideo
	}
	if err == nil && p.Type == picker.Video {
		watch.Stop()
		err = f.addStill(ctx, s, j, w)
	}
	if err != nil {
		return none, t.fail(err)
	}
	t.room.settle()
	p.ID, p.Filename, p.CreateTime = j.item.ID, printableName(j.item.MediaFile.Filename), j.item.CreateTime.Time
	p.Pick, p.Index, p.Collection, p.Grant, p.AddedAt = s.RequestID, j.index, s.Collection, s.GrantID, f.cfg.Now()
	return store.Addition{Photo: p, Part: t.part}, nil
}

// copyBytes is how much of a download is copied at a time: fewer bytes take more system
// calls.
const copyBytes = 128 << 10

var buffers = sync.Pool{New: func() any { return new([copyBytes]byte) }}

// receive copies a download into a part and checks whether it is whole and what
// it is.
func (f *Fetcher) receive(m *picker.Media, w *claimWriter, limit int64, alive func()) (store.Photo, error) {
	var p store.Photo
	if err := w.claim.extend(min(m.Length, limit)); err != nil {
		return p, err
	}
	buffer := buffers.Get().(*[copyBytes]byte)
	n, err := io.CopyBuffer(w, io.LimitReader(&liveReader{m.Body, alive}, limit+1-m.Offset), buffer[:])
	buffers.Put(buffer)
	f.cfg.Received(n)
	n += m.Offset
	switch {
	case lacksRoom(err):
		return p, err
	case isDiskError(err):
		return p, diskError(err)
	case err != nil:
		return p, fmt.Errorf("%w after %d bytes", ErrCut, n)
	case n > limit:
		return p, errTooBig
	case m.Length >= 0 && n != m.Length:
		return p, fmt.Errorf("%w after %d of %d bytes", ErrCut, n, m.Length)
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

// inspect fills in what the bytes themselves say. Whether an output can decode a photo
// is not asked: browsers and outside decoders show more than this program.
func inspect(part *store.Part, p *store.Photo) error {
	if part.Size() == 0 {
		return errEmpty
	}
	head, err := photo.Head(part) // as much as http.DetectContentType looks at
	if err != nil {
		return &device.StoreError{Err: err}
	}
	p.MimeType = photo.Format(head)
	switch {
	case strings.HasPrefix(http.DetectContentType(head), "text/html"):
		return ErrPage
	case strings.HasPrefix(p.MimeType, "image/"):
		w, h, err := photo.Size(part, part.Size())
		if err != nil {
			return errNoMedia
		}
		p.Type, p.Width, p.Height = picker.Photo, w, h
	case p.MimeType != "" && !photo.HasPictures(part, part.Size()):
		return errNoVideo // sound alone is no film
	case p.MimeType != "":
		p.Type = picker.Video
		p.Duration = photo.VideoDuration(part, part.Size())
	default:
		return errNoMedia
	}
	return nil
}

// addStill appends a picture of a video to its file, for screens that can't play
// it. Without one the video is still a video: only errors of the disk count.
func (f *Fetcher) addStill(ctx context.Context, s Session, j job, w *claimWriter) error {
	width, height := f.cfg.ScreenSize()
	var data []byte
	for _, suffix := range []string{picker.StillSuffix(width, height), picker.ImageSuffix(width, height)} {
		var err error
		if data, err = f.still(ctx, s, j, suffix); err == nil {
			break
		}
		f.cfg.Log.Debug("no still of a video", "err", err, "item", j.item.ID)
	}
	if data == nil && ctx.Err() != nil && w.part.Source() != nil {
		return fmt.Errorf("%w before its still", ErrCut) // the next pass continues here
	}
	if data == nil || w.claim.extend(w.claim.written+photo.StillSize(len(data))) != nil {
		return nil // lack of room for it is no reason to lose the video
	}
	err := photo.WriteStill(w, w.part, data)
	switch {
	case lacksRoom(err):
		return err
	case isDiskError(err):
		return diskError(err)
	}
	return nil
}

// still downloads a picture of a video when the hosts of the media allow it.
func (f *Fetcher) still(ctx context.Context, s Session, j job, suffix string) ([]byte, error) {
	for {
		began := time.Now()
		data, err := downloadStill(ctx, s, j, suffix)
		if !isThrottled(err) || time.Since(j.listed) >= maxAddressAge {
			return data, err
		}
		if err := f.throttle.yield(ctx, began, err); err != nil {
			return nil, err
		}
	}
}

func downloadStill(ctx context.Context, s Session, j job, suffix string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, stillTimeout)
	defer cancel()
	m, err := s.API.OpenMedia(ctx, j.item.MediaFile.BaseURL, suffix)
	if err != nil {
		return nil, err
	}
	defer m.Body.Close()
	data, err := io.ReadAll(io.LimitReader(m.Body, maxStillBytes+1))
	switch {
	case err != nil:
		return nil, err
	case len(data) > maxStillBytes:
		return nil, errTooBig
	case !photo.IsPicture(data):
		return nil, errNoMedia
	}
	return data, nil
}

const maxNameRunes = 120

// printableName makes a person's file name fit to be shown. It is never a path.
func printableName(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || r == '\uFFFD' {
			return -1
		}
		return r
	}, s)
	if r := []rune(s); len(r) > maxNameRunes {
		s = string(r[:maxNameRunes-1]) + "…"
	}
	return s
}
