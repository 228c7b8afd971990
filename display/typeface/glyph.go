package typeface

import (
	"image"
	"image/draw"

	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/font/opentype"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"

	"pickerd/display/pixel"
)

// A glyph is a rasterized shape.
type glyph struct {
	mask *image.Alpha
	at   image.Point // the mask's upper left corner, relative to the dot
}

type glyphKey struct {
	font *font.Font
	id   font.GID
	size fixed.Int26_6
	part uint8 // horizontal position of the dot within a pixel, in quarters
}

// maxCached bounds the memory of cached glyphs, in bytes.
const maxCached = 4 << 20

func (f *Family) drawGlyph(dst *pixel.Image, face *font.Face, size fixed.Int26_6, id font.GID, x, y fixed.Int26_6, c uint32) {
	x += 8 // rounds to the nearest quarter
	k := glyphKey{face.Font, id, size, uint8(x & 63 >> 4)}
	g := f.glyphs[k]
	if g == nil {
		g = rasterize(face, k)
		if f.cached > maxCached {
			clear(f.glyphs)
			f.cached = 0
		}
		f.glyphs[k] = g
		if g.mask != nil {
			f.cached += len(g.mask.Pix)
		}
	}
	if g.mask != nil {
		stamp(dst, g.mask, image.Pt(x.Floor(), y.Round()).Add(g.at), c)
	}
}

// stamp mixes c into dst by the coverage of mask.
func stamp(dst *pixel.Image, mask *image.Alpha, at image.Point, c uint32) {
	r := mask.Rect.Add(at).Intersect(dst.Bounds())
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := dst.Row(y)
		cover := mask.Pix[(y-at.Y)*mask.Stride:]
		for x := r.Min.X; x < r.Max.X; x++ {
			if a := uint32(cover[x-at.X]); a == 255 {
				row[x] = c
			} else if a > 0 {
				row[x] = pixel.Mix(row[x], c, a+a>>7)
			}
		}
	}
}

func rasterize(face *font.Face, k glyphKey) *glyph {
	outline, ok := face.GlyphData(k.id).(font.GlyphOutline)
	if !ok || len(outline.Segments) == 0 {
		return &glyph{}
	}
	scale := float32(k.size) / 64 / float32(face.Upem())
	shift := float32(k.part) / 4
	at := func(p opentype.SegmentPoint) (x, y float32) { return p.X*scale + shift, -p.Y * scale }
	box := bounds(outline.Segments, at)
	r := vector.NewRasterizer(box.Dx(), box.Dy())
	dx, dy := float32(box.Min.X), float32(box.Min.Y)
	point := func(p opentype.SegmentPoint) (x, y float32) { x, y = at(p); return x - dx, y - dy }
	for i, s := range outline.Segments {
		x0, y0 := point(s.Args[0])
		x1, y1 := point(s.Args[1])
		x2, y2 := point(s.Args[2])
		switch s.Op {
		case opentype.SegmentOpMoveTo:
			if i > 0 {
				r.ClosePath()
			}
			r.MoveTo(x0, y0)
		case opentype.SegmentOpLineTo:
			r.LineTo(x0, y0)
		case opentype.SegmentOpQuadTo:
			r.QuadTo(x0, y0, x1, y1)
		case opentype.SegmentOpCubeTo:
			r.CubeTo(x0, y0, x1, y1, x2, y2)
		}
	}
	r.ClosePath()
	mask := image.NewAlpha(image.Rect(0, 0, box.Dx(), box.Dy()))
	r.DrawOp = draw.Src
	r.Draw(mask, mask.Rect, image.Opaque, image.Point{})
	return &glyph{mask, box.Min}
}

// bounds returns the pixels that an outline touches, with a margin.
func bounds(segments []opentype.Segment, at func(opentype.SegmentPoint) (x, y float32)) image.Rectangle {
	x, y := at(segments[0].Args[0])
	left, right, top, bottom := x, x, y, y
	for i := range segments {
		for _, p := range segments[i].ArgsSlice() {
			x, y := at(p)
			left, right, top, bottom = min(left, x), max(right, x), min(top, y), max(bottom, y)
		}
	}
	return image.Rect(int(left)-2, int(top)-2, int(right)+2, int(bottom)+2)
}
