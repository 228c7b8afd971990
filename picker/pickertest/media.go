package pickertest

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"image"
	"image/color"
	"image/draw"
	"image/jpeg"
	_ "image/png" // for image.Decode
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An Item is a photo or video in the library.
type Item struct {
	ID         string
	Filename   string
	MimeType   string
	Type       string // "" means PHOTO
	Width      int
	Height     int
	CreateTime time.Time
	Data       []byte // the original
	Poster     []byte // the still image of a video
	Unscaled   bool   // send Data unchanged for every size
	Processing string // a video's processingStatus; "" means READY
}

func (s *Server) renderItem(r *http.Request, it *Item) map[string]any {
	ref := "base-" + Mark + rand.Text()
	s.urls[ref] = mediaURL{it, time.Now().Add(s.opt.URLLife)}
	meta := map[string]any{"width": it.Width, "height": it.Height}
	if s.opt.StringNumbers {
		meta = map[string]any{"width": strconv.Itoa(it.Width), "height": strconv.Itoa(it.Height)}
	}
	kind := it.Type
	if kind == "" {
		kind = "PHOTO"
	}
	if kind == "VIDEO" {
		status := it.Processing
		if status == "" {
			status = "READY"
		}
		meta["videoMetadata"] = map[string]any{"fps": 24, "processingStatus": status}
	}
	at := scheme(r) + r.Host
	if s.opt.ForeignMedia != "" && slices.Index(s.items, it)%2 == 1 {
		at = s.opt.ForeignMedia
	}
	return map[string]any{
		"id":         it.ID,
		"createTime": it.CreateTime.UTC().Format(time.RFC3339Nano),
		"type":       kind,
		"mediaFile": map[string]any{
			"baseUrl":           at + s.prefix(r) + "/media/" + ref,
			"mimeType":          it.MimeType,
			"filename":          it.Filename,
			"mediaFileMetadata": meta,
		},
	}
}

// scheme returns how the server is reached, also without a socket.
func scheme(r *http.Request) string {
	if r.TLS != nil || r.URL.Scheme == "https" {
		return "https://"
	}
	return "http://"
}

// prefix returns the path under which the server is mounted.
func (s *Server) prefix(r *http.Request) string {
	at, _, _ := strings.Cut(r.RequestURI, "/v1/")
	at, _, _ = strings.Cut(at, "/media/")
	return strings.TrimSuffix(at, "/")
}

var sizeSuffix = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^w(\d+)-h(\d+)(-c|-no)?$`) })

// media serves a baseUrl with its suffix.
func (s *Server) media(a *recorder, r *http.Request) {
	ref, suffix, _ := strings.Cut(r.PathValue("ref"), "=")
	s.mu.Lock()
	u, known := s.urls[ref]
	var fault http.HandlerFunc
	if known {
		a.id = u.item.ID
		fault = s.itemFaults[a.id]
	}
	access, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	problem := ""
	if s.opt.Check != nil {
		_, problem = s.opt.Check(access)
	} else if access == "" {
		problem = "unauthenticated"
	}
	s.mu.Unlock()
	switch {
	case problem != "", !known, !time.Now().Before(u.expires):
		a.Header().Set("Content-Type", "image/png")
		a.WriteHeader(http.StatusForbidden)
		a.Write([]byte("\x89PNG\r\n\x1a\n"))
		return
	case fault != nil:
		fault(a, r)
		return
	case s.limited(a):
		return
	}
	it := u.item
	size := sizeSuffix().FindStringSubmatch(suffix)
	switch {
	case s.refused(a, it, suffix):
	case suffix == "dv" && it.Type == "VIDEO":
		s.redirect(a, r, "video-downloads.", "/video/"+ref)
	case streams[suffix] && it.Type == "VIDEO":
		s.redirect(a, r, "rr1.googlevideo.", "/stream/"+ref)
	case size != nil:
		w, _ := strconv.Atoi(size[1])
		h, _ := strconv.Atoi(size[2])
		data := it.still(w, h, size[3] == "-c")
		s.serve(a, r, http.DetectContentType(data), data, true)
	case suffix == "d":
		s.serve(a, r, it.MimeType, it.Data, true)
	default:
		http.NotFound(a, r)
	}
}

// limited refuses a download beyond Options.MediaLimit.
func (s *Server) limited(w http.ResponseWriter) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	l, now := s.opt.MediaLimit, time.Now()
	if l.N == 0 {
		return false
	}
	if len(s.served) == l.N {
		if left := l.Per - now.Sub(s.served[0]); left > 0 {
			if l.RetryAfter {
				w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(left.Seconds()))))
			}
			w.WriteHeader(cmp.Or(l.Status, http.StatusTooManyRequests))
			return true
		}
		s.served = s.served[1:]
	}
	s.served = append(s.served, now)
	return false
}

// still returns a picture of an item of at most maxW by maxH pixels.
func (it *Item) still(maxW, maxH int, crop bool) []byte {
	data := it.Data
	if it.Type == "VIDEO" {
		data = it.Poster
	}
	if it.Unscaled {
		return data
	}
	return scaled(data, maxW, maxH, crop)
}

// scaled returns a picture of at most maxW by maxH pixels as Google does: never
// enlarged, and with crop cut to exactly that size.
func scaled(data []byte, maxW, maxH int, crop bool) []byte {
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return data
	}
	from := img.Bounds()
	w, h := from.Dx(), from.Dy()
	if crop {
		if w*maxH > h*maxW {
			cut := h * maxW / maxH
			from.Min.X += (w - cut) / 2
			from.Max.X = from.Min.X + cut
		} else {
			cut := w * maxH / maxW
			from.Min.Y += (h - cut) / 2
			from.Max.Y = from.Min.Y + cut
		}
		w, h = maxW, maxH
	} else {
		if w <= maxW && h <= maxH {
			return data
		}
		f := min(float64(maxW)/float64(w), float64(maxH)/float64(h))
		w, h = max(1, int(float64(w)*f)), max(1, int(float64(h)*f))
	}
	var b bytes.Buffer
	if jpeg.Encode(&b, resized(img, from, w, h), &jpeg.Options{Quality: 85}) != nil {
		return data
	}
	return b.Bytes()
}

// resized returns a part of an image at a size. Each pixel is the mean of its part of
// the image, or the nearest pixel.
func resized(img image.Image, from image.Rectangle, w, h int) image.Image {
	all := image.NewRGBA(from)
	draw.Draw(all, from, img, from.Min, draw.Src)
	out := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		y0 := y * from.Dy() / h
		y1 := max((y+1)*from.Dy()/h, y0+1)
		for x := range w {
			x0 := x * from.Dx() / w
			x1 := max((x+1)*from.Dx()/w, x0+1)
			var sum [4]int
			for j := y0; j < y1; j++ {
				row := all.Pix[j*all.Stride:]
				for i := 4 * x0; i < 4*x1; i++ {
					sum[i&3] += int(row[i])
				}
			}
			n := (x1 - x0) * (y1 - y0)
			for c, v := range sum {
				out.Pix[out.PixOffset(x, y)+c] = uint8(v / n)
			}
		}
	}
	return out
}

// PlainPhotos returns n small photos of one colour each, with the ids "item-1" to
// "item-n".
func PlainPhotos(n int) []*Item {
	items := make([]*Item, n)
	for i := range items {
		img := image.NewRGBA(image.Rect(0, 0, 48, 32))
		c := color.RGBA{uint8(i * 37), uint8(i * 91), uint8(i * 151), 255}
		draw.Draw(img, img.Bounds(), image.NewUniform(c), image.Point{}, draw.Src)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, img, nil); err != nil {
			panic(err) // impossible for a buffer and a plain picture
		}
		id := strconv.Itoa(i + 1)
		items[i] = &Item{ID: "item-" + id, Filename: "IMG_" + id + ".jpg", MimeType: "image/jpeg",
			Width: 48, Height: 32, CreateTime: time.Date(2026, 5, 1, 12, i, 0, 0, time.UTC), Data: b.Bytes()}
	}
	return items
}

// ServeOriginal sends an item's original.
func ServeOriginal(w http.ResponseWriter, it *Item) {
	w.Header().Set("Content-Type", it.MimeType)
	w.Header().Set("Content-Length", strconv.Itoa(len(it.Data)))
	w.Write(it.Data)
}
