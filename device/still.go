package device

import (
	"bytes"
	"context"
	"io"
	"time"

	"pickerd/display/photo"
	"pickerd/picker"
	"pickerd/store"
)

// maxStill is far above a JPEG of a screen's size.
const maxStill = 8 << 20

// stillIn is how long a still may take to come: the video is here already.
const stillIn = 20 * time.Second

// addStill puts a picture of a video behind it in its file, for screens that
// can't play it. Without one the video is still a video: the only errors that
// count are the disk's.
func (d *Device) addStill(ctx context.Context, api *picker.Client, j job, w *roomWriter) error {
	ctx, cancel := context.WithTimeout(ctx, stillIn)
	defer cancel()
	width, height := d.cfg.ScreenSize()
	var data []byte
	for _, suffix := range []string{picker.Still(width, height), picker.Sized(width, height)} {
		m, err := api.OpenMedia(ctx, j.item.MediaFile.BaseURL, suffix)
		if err != nil {
			d.log.Debug("a still of a video", "err", err)
			continue
		}
		data, err = io.ReadAll(io.LimitReader(m.Body, maxStill+1))
		m.Body.Close()
		if err == nil && len(data) <= maxStill && isImage(data) {
			break
		}
		data = nil
	}
	if data == nil || w.claim.reach(w.claim.written+photo.StillSize(len(data))) != nil {
		return nil // no room for it is no reason to be without the video
	}
	err := photo.WriteStill(w, w.part, w.part.Size(), data)
	switch {
	case lacksRoom(err):
		return err
	case isDiskError(err), store.IsDisk(err):
		return diskError(err)
	}
	return nil
}

func isImage(data []byte) bool {
	_, _, err := photo.Size(bytes.NewReader(data), int64(len(data)))
	return err == nil
}
