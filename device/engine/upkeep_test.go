package engine

import (
	"context"
	"log/slog"
	"testing"

	"pickerd/store"
)

// A photo that was fetched anew since the verification read its record stays.
func TestDropDamaged(t *testing.T) {
	st, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	part, err := st.Photos.NewPart()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write([]byte("a photo")); err != nil {
		t.Fatal(err)
	}
	if err := st.Photos.Add([]store.Addition{{Photo: store.Photo{ID: "p", Pick: "r", MimeType: "image/jpeg"}, Part: part}}, false); err != nil {
		t.Fatal(err)
	}
	changed := 0
	u := &upkeep{store: st, log: slog.New(slog.DiscardHandler), photosChanged: func() { changed++ },
		ask: func(_ context.Context, change func() error) error { return change() }}
	now, err := st.Photos.Get("p")
	if err != nil || now == nil {
		t.Fatalf("%+v, %v", now, err)
	}
	old := *now
	old.CRC32C = "before it was fetched anew"
	if ok, _ := st.Photos.Verify(t.Context(), old); ok {
		t.Error("the old sum is right")
	}
	if err := u.dropDamaged(t.Context(), []store.Photo{old}); err != nil || changed != 0 {
		t.Errorf("%d changes, %v", changed, err)
	}
	if list, _ := st.Photos.Collection(); len(list) != 1 {
		t.Error("a good photo was dropped")
	}
	if err := u.dropDamaged(t.Context(), []store.Photo{*now}); err != nil || changed != 1 {
		t.Errorf("%d changes, %v", changed, err)
	}
	if list, _ := st.Photos.Collection(); len(list) != 0 {
		t.Error("a damaged photo stays")
	}
}
