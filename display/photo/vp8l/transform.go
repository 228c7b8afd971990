package vp8l

import "fmt"

// Kinds of transforms (3.5).
const (
	predictor = iota
	colorTransform
	subtractGreen
	colorIndexing
)

// A transform was applied to a picture before it was coded.
type transform struct {
	kind int
	w    int    // width of the picture before
	bits uint   // blocks have 1<<bits pixels, or a coded pixel has 1<<bits indexes
	data []byte // pixels with the parameters of each block
	// table has the colors of indexes, transparent ones above those in the file.
	table [256]uint32
}

// readTransforms reads the transforms of a picture of h rows.
func (d *decoder) readTransforms(h int) error {
	seen := 0
	for d.bits.read(1) == 1 {
		t := &transform{kind: d.bits.read(2), w: d.w}
		if seen&(1<<t.kind) != 0 {
			return fmt.Errorf("%w: a transform twice", ErrFormat)
		}
		seen |= 1 << t.kind
		var err error
		switch t.kind {
		case predictor, colorTransform:
			t.bits = uint(d.bits.read(3)) + 2
			t.data, err = d.readPart(blocksOf(t.w, t.bits), blocksOf(h, t.bits))
		case colorIndexing:
			err = d.readColors(t)
		}
		if err != nil {
			return err
		}
		d.transforms = append(d.transforms, t)
	}
	return d.bits.torn()
}

// readColors reads the colors that indexes stand for (3.5.4).
func (d *decoder) readColors(t *transform) error {
	n := d.bits.read(8) + 1
	for _, most := range []int{16, 4, 2} {
		if n <= most {
			t.bits++
		}
	}
	d.w = blocksOf(t.w, t.bits)
	colors, err := d.readPart(n, 1)
	if err != nil {
		return err
	}
	last := uint32(0)
	for i := range n { // each is the difference to the one before
		last = add(last, word(colors, i))
		t.table[i] = last
	}
	return nil
}

// undo undoes a transform in row y. above has the row above, which undo sets for the
// next row.
func (t *transform) undo(row, above []uint32, y int) {
	row = row[:t.w]
	switch t.kind {
	case predictor:
		if y == 0 {
			row[0] = add(row[0], black)
			predictLeft(row, 1, len(row))
		} else {
			t.predict(row, above[:t.w+1], y)
		}
		copy(above, row)
	case colorTransform:
		t.colors(row, y)
	case subtractGreen:
		for x, v := range row {
			green := v >> 8 & 0xff
			row[x] = v&0xff00ff00 | (v&0xff00ff+green<<16+green)&0xff00ff
		}
	case colorIndexing:
		t.index(row)
	}
}

// index replaces indexes by colors. It starts at the end: there is no coded pixel to the
// right of where its indexes belong.
func (t *transform) index(row []uint32) {
	width, mask := 8>>t.bits, uint32(1)<<(8>>t.bits)-1
	for x := (len(row) - 1) >> t.bits; x >= 0; x-- {
		indexes := row[x] >> 8 & 0xff
		for i := min(x<<t.bits+1<<t.bits, len(row)) - 1; i >= x<<t.bits; i-- {
			row[i] = t.table[indexes>>(i&(1<<t.bits-1)*width)&mask]
		}
	}
}

// colors undoes a color transform (3.5.2).
func (t *transform) colors(row []uint32, y int) {
	blocks := t.data[4*(y>>t.bits*blocksOf(t.w, t.bits)):]
	for from, i := 0, 0; from < len(row); from, i = from+1<<t.bits, i+1 {
		v := word(blocks, i)
		greenToRed, greenToBlue, redToBlue := int32(int8(v)), int32(int8(v>>8)), int32(int8(v>>16))
		part := row[from:min(from+1<<t.bits, len(row))]
		for x, v := range part {
			green := int32(int8(v >> 8))
			red := v>>16 + uint32(greenToRed*green>>5)
			blue := v + uint32(greenToBlue*green>>5) + uint32(redToBlue*int32(int8(red))>>5)
			part[x] = v&0xff00ff00 | red&0xff<<16 | blue&0xff
		}
	}
}
