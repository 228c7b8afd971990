package fetch

import (
	"context"
	"errors"
	"net/http"

	"pickerd/picker"
	"pickerd/store"
)

// minProgress is what a download has to bring, or else half of what is missing, so that
// its end is nothing against the item: a film may be cut off often, but not at every
// byte.
const minProgress = 1 << 20

// A transfer is one download of an item on its way into a part. The part may hold what
// an earlier one brought.
type transfer struct {
	media *picker.Media
	part  *store.Part
	room  *claim
	found int64 // bytes of the part at the beginning
}

// begin requests an item, or the rest of it if its download was cut off before.
func (f *Fetcher) begin(ctx context.Context, s Session, j job, suffix string, alive func()) (*transfer, error) {
	t := &transfer{room: f.ledger.budget.claim()}
	var err error
	if t.part, err = f.cfg.Store.Photos.ContinuePart(ctx, j.item.ID, alive); err != nil {
		return nil, err
	}
	var from picker.Resume
	if t.part != nil {
		t.found = t.part.Size()
		t.room.adopt(t.found)
		if src := t.part.Source(); src.Variant == suffix {
			from = picker.Resume{Offset: t.found, Length: src.Length, Validator: src.Validator}
		}
	}
	if from.Offset > 0 && from.Offset == from.Length {
		// Only its still is missing. There is no range behind the last byte.
		t.media = &picker.Media{Body: http.NoBody, Offset: from.Offset, Length: from.Length, Validator: from.Validator}
	} else if t.media, err = s.API.ResumeMedia(ctx, j.item.MediaFile.BaseURL, suffix, from); err != nil {
		t.end(false)
		return nil, err
	}
	switch {
	case t.media.Offset > 0:
		f.cfg.Log.Debug("download continued", "item", j.item.ID, "at", t.found, "bytes", t.media.Length, "request_id", s.RequestID)
	case t.part != nil:
		t.part.Discard()
		t.part, t.found = nil, 0
		t.room.drop()
		t.room = f.ledger.budget.claim()
	}
	if t.part == nil {
		if t.part, err = f.cfg.Store.Photos.NewPart(); err != nil {
			t.end(true)
			return nil, diskError(err)
		}
		if t.media.Validator != "" {
			t.part.SetSource(store.Source{ID: j.item.ID, Pick: s.RequestID, Variant: suffix, Length: t.media.Length, Validator: t.media.Validator})
		}
	}
	return t, nil
}

// end ends a transfer whose photo is not added. Unless discard is set, the part is kept
// for the next one if it can be continued.
func (t *transfer) end(discard bool) (kept bool) {
	if t.media != nil {
		t.media.Body.Close()
	}
	if t.part == nil {
		t.room.drop()
		return false
	}
	if discard {
		t.part.Discard()
	} else {
		kept = t.part.Keep()
	}
	if kept {
		t.room.keep()
	} else {
		t.room.drop()
	}
	return kept
}

// fail ends a transfer with the error of its download. The error is a *partialError if
// the next one has less to do.
func (t *transfer) fail(err error) error {
	came, missing := t.part.Size()-t.found, t.media.Length-t.found
	enough := came >= minProgress || came > 0 && t.media.Length > 0 && came >= missing-came
	if t.end(!errors.Is(err, ErrCut)) && enough {
		return &partialError{err}
	}
	return err
}

// A partialError is the end of a download that brought a good part of an item, which is
// kept.
type partialError struct{ err error }

func (e *partialError) Error() string { return e.err.Error() + "; the rest follows" }
func (e *partialError) Unwrap() error { return e.err }

// hasGrown reports whether a failed download brought a good part of the item.
func hasGrown(err error) bool {
	_, ok := errors.AsType[*partialError](err)
	return ok
}
