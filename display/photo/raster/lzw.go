package raster

// lzw decodes GIF's variant of LZW (GIF89a, appendix F).
type lzw struct {
	prefix [4096]uint16
	suffix [4096]byte
	out    [4096]byte // of one code, filled from its end
	pixels [2 * 4096]byte
}

// decode decodes codes until p has all its pixels or the data ends. The byte before
// them is the bits of a pixel.
func (z *lzw) decode(b *blocks, p *gifPixels) error {
	bits, err := b.r.ReadByte()
	if err != nil {
		return noEOF(err)
	}
	if bits < 1 || bits > 8 {
		return errTorn
	}
	const none = 1 << 12
	reset := 1 << bits
	next, width, before := reset+2, int(bits)+1, none
	var buf uint32
	var have int // bits in buf
	n := 0       // in pixels
	defer func() { p.put(z.pixels[:n]) }()
	for left := p.frame.area.Dx() * p.frame.area.Dy(); left > 0; {
		for have < width {
			c, err := b.ReadByte()
			if b.end {
				return nil
			}
			if err != nil {
				return err
			}
			buf |= uint32(c) << have
			have += 8
		}
		code := int(buf & (1<<width - 1))
		buf, have = buf>>width, have-width
		switch {
		case code == reset:
			next, width, before = reset+2, int(bits)+1, none
			continue
		case code == reset+1:
			return nil
		case code > next || before == none && code > reset:
			return errTorn
		}
		at, c := len(z.out), code
		if code == next {
			c = before
			at--
		}
		for ; c > reset; c = int(z.prefix[c]) {
			at--
			z.out[at] = z.suffix[c]
		}
		at--
		first := byte(c)
		z.out[at] = first
		if code == next {
			z.out[len(z.out)-1] = first
		}
		if before != none && next < 1<<12 {
			z.prefix[next], z.suffix[next] = uint16(before), first
			if next++; next == 1<<width && width < 12 {
				width++
			}
		}
		before = code
		left -= len(z.out) - at
		n += copy(z.pixels[n:], z.out[at:])
		if n >= len(z.out) {
			if !p.put(z.pixels[:n]) {
				break
			}
			n = 0
		}
	}
	return nil
}
