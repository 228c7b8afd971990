package photo

import "image"

// A Limit is the size in pixels of the screen or copy that a photo is decoded for, 0 if
// it is needed in its own size. It bounds the memory that the photo may take.
type Limit struct {
	W, H int
	// Fill and Auto are those of the Layout. They need larger photos.
	Fill, Auto bool
	// Still has only the first frame of an animation decoded.
	Still bool
}

// needs returns how many pixels of a photo of w by h pixels are needed.
func (l Limit) needs(w, h int) (nw, nh int) {
	x, y := float64(l.W)/float64(w), float64(l.H)/float64(h)
	f := min(x, y)
	if (Layout{Fill: l.Fill, Auto: l.Auto}).covers(image.Pt(w, h), l.W, l.H) {
		f = max(x, y)
	}
	return int(float64(w)*f + 0.5), int(float64(h)*f + 0.5)
}

// A photo may take 90 MB on a screen of up to smallScreen pixels and 180 MB on one of
// largeScreen or more: maxForDecoder, and bytesPerPixel for each pixel of the screen.
// Of these, bytesScene are for the scene and for the photo fitted to it, 4 each.
const (
	smallScreen   = 1920 * 1080
	largeScreen   = 3840 * 2160
	maxForDecoder = 57e6
	maxPhoto      = 180e6
	bytesPerPixel = 14.8
	bytesScene    = 8
	maxScene      = 3840 * 3840 // pixels; a copy of any size takes less than such a scene
)

// Bytes returns how many bytes decoding may take, with its result: at least maxForDecoder.
// A picture may be larger than any screen: then its scene takes more of maxPhoto.
func (l Limit) Bytes() int64 {
	size := float64(l.W) * float64(l.H)
	pixels := min(max(size, smallScreen), largeScreen)
	return int64(min(maxForDecoder+(bytesPerPixel-bytesScene)*pixels, maxPhoto-bytesScene*min(size, maxScene)))
}
