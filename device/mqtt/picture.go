package mqtt

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"
)

const (
	// pictureEvery is the shortest time between two pictures of the screen.
	pictureEvery = 2 * time.Second
	// pictureRetry is the time until the next picture after one that could not be made, or
	// while the broker is away.
	pictureRetry = 10 * time.Second
)

// pictureSizes are the widths and heights of pictures of the screen, largest first. The
// first one that fits into a message is published.
var pictureSizes = [][2]int{{960, 540}, {640, 360}, {480, 270}, {320, 180}}

// takePictures has a picture of the screen published whenever it shows something else.
func (b *Bridge) takePictures(ctx context.Context) {
	etag, size, connection := "", 0, 0
	for ctx.Err() == nil {
		pause := pictureRetry
		up, n := b.isUp()
		if n != connection {
			etag, size, connection = "", 0, n // the next connection gets a picture at once
		}
		if up {
			w := b.screen(ctx, pictureSizes[size], etag)
			switch {
			case w.status == http.StatusNotModified:
				pause = 0
			case w.status == http.StatusOK && w.body.Len() > maxPayload && size+1 < len(pictureSizes):
				size, pause = size+1, 0
			case w.status == http.StatusOK && w.body.Len() <= maxPayload:
				etag, pause = w.Header().Get("ETag"), pictureEvery
				b.mu.Lock()
				b.picture = w.body.Bytes()
				b.mu.Unlock()
				stir(b.wake)
			}
		}
		if !Pause(ctx, pause) {
			return
		}
	}
}

// isUp reports whether there is a connection, and how many were lost.
func (b *Bridge) isUp() (up bool, lost int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.up, b.losses
}

// screen asks for a picture that is another one than that of an ETag.
func (b *Bridge) screen(ctx context.Context, size [2]int, after string) *answer {
	target := fmt.Sprintf("/screen.jpg?w=%d&h=%d", size[0], size[1])
	if after != "" {
		target += "&after=" + url.QueryEscape(after)
	}
	w := &answer{}
	if req, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody); err == nil {
		b.cfg.Picture.ServeHTTP(w, req)
	}
	return w
}
