package pickertest_test

import (
	"bytes"
	"io"
	"net/http/httptest"
	"testing"

	"pickerd/picker"
	"pickerd/picker/pickertest"
)

// TestMediaCut checks over real connections that a download that is cut off can be
// continued at another address of the item, unless ranges are ignored or the item has
// changed.
func TestMediaCut(t *testing.T) {
	film, other := bytes.Repeat([]byte("film "), 1<<18), bytes.Repeat([]byte("movie"), 1<<18)
	for name, tt := range map[string]struct {
		suffix  string
		ignore  bool
		changed bool
		offset  int // of the second download
	}{
		"stream":          {picker.Video1080Suffix, false, false, len(film) / 2},
		"video":           {picker.VideoSuffix, false, false, 0},
		"photo":           {"=d", false, false, len(film) / 2},
		"ranges ignored":  {picker.Video1080Suffix, true, false, 0},
		"another content": {picker.Video1080Suffix, false, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			item := &pickertest.Item{ID: "v", Type: "VIDEO", MimeType: "video/mp4", Data: film}
			s := pickertest.New(pickertest.Options{MediaCut: pickertest.Cut{Times: 1, Share: 0.5, Whole: tt.ignore}}, item)
			server := httptest.NewServer(s)
			defer server.Close()
			c := client(s)
			c.HTTP, c.BaseURL = server.Client(), server.URL
			x := create(t, s)
			if err := s.Choose(x.ID); err != nil {
				t.Fatal(err)
			}
			download := func(from picker.Resume) (*picker.Media, []byte, error) {
				for m, err := range c.MediaItems(t.Context(), x.ID) {
					if err != nil {
						t.Fatal(err)
					}
					media, err := c.ResumeMedia(t.Context(), m.MediaFile.BaseURL, tt.suffix, from)
					if err != nil {
						t.Fatal(err)
					}
					defer media.Body.Close()
					data, err := io.ReadAll(media.Body)
					return media, data, err
				}
				t.Fatal("no item")
				return nil, nil, nil
			}
			half, data, err := download(picker.Resume{})
			if err != io.ErrUnexpectedEOF || len(data) != len(film)/2 {
				t.Fatalf("%d bytes, %v; want a cut at %d", len(data), err, len(film)/2)
			}
			want := film
			if tt.changed {
				want = other
				s.Change(func(*pickertest.Options) { item.Data = other })
			}
			from := picker.Resume{}
			if half.Validator != "" {
				from = picker.Resume{Offset: int64(len(data)), Length: half.Length, Validator: half.Validator}
			}
			media, rest, err := download(from)
			if err != nil || media.Offset != int64(tt.offset) || media.Length != int64(len(want)) || !bytes.Equal(rest, want[tt.offset:]) {
				t.Errorf("%+v, %d bytes, %v; want from %d", media, len(rest), err, tt.offset)
			}
		})
	}
}
