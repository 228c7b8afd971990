package vp8l

// black is opaque.
const black = 0xff000000

// add adds the bytes of two pixels.
func add(a, b uint32) uint32 {
	return (a&0xff00ff00+b&0xff00ff00)&0xff00ff00 | (a&0xff00ff+b&0xff00ff)&0xff00ff
}

// mean returns the rounded down means of the bytes of two pixels.
func mean(a, b uint32) uint32 { return (a^b)&0xfefefefe>>1 + a&b }

// predictLeft adds the pixel to the left.
func predictLeft(row []uint32, from, to int) {
	left := row[from-1]
	for x := from; x < to; x++ {
		left = add(row[x], left)
		row[x] = left
	}
}

// predict undoes the predictions of a row below another one (3.5.1). The first pixel of
// the row is to the right of the last one above, and above is set so.
func (t *transform) predict(row, above []uint32, y int) {
	row[0] = add(row[0], above[0])
	above[len(row)] = row[0]
	blocks := t.data[4*(y>>t.bits*blocksOf(t.w, t.bits)):]
	for from, i := 0, 0; from < len(row); from, i = from+1<<t.bits, i+1 {
		to := min(from+1<<t.bits, len(row))
		predictPart(int(word(blocks, i)>>8&15), row, above, max(from, 1), to)
	}
}

// predictPart adds the prediction in a mode to a part of a row.
func predictPart(mode int, row, above []uint32, from, to int) {
	if from >= to {
		return
	}
	out, top, right, corner := row[from:to], above[from:to], above[from+1:to+1], above[from-1:to-1]
	top, right, corner = top[:len(out)], right[:len(out)], corner[:len(out)]
	left := row[from-1]
	switch mode {
	default:
		for i, v := range out {
			out[i] = add(v, black)
		}
	case 1:
		predictLeft(row, from, to)
	case 2, 3, 4:
		for i, p := range [][]uint32{top, right, corner}[mode-2] {
			out[i] = add(out[i], p)
		}
	case 5:
		for i, v := range out {
			left = add(v, mean(mean(left, right[i]), top[i]))
			out[i] = left
		}
	case 6:
		for i, v := range out {
			left = add(v, mean(left, corner[i]))
			out[i] = left
		}
	case 7:
		for i, v := range out {
			left = add(v, mean(left, top[i]))
			out[i] = left
		}
	case 8:
		for i, v := range out {
			out[i] = add(v, mean(corner[i], top[i]))
		}
	case 9:
		for i, v := range out {
			out[i] = add(v, mean(top[i], right[i]))
		}
	case 10:
		for i, v := range out {
			left = add(v, mean(mean(left, corner[i]), mean(top[i], right[i])))
			out[i] = left
		}
	case 11:
		for i, v := range out {
			left = add(v, closer(left, top[i], corner[i]))
			out[i] = left
		}
	case 12:
		for i, v := range out {
			left = add(v, clampFull(left, top[i], corner[i]))
			out[i] = left
		}
	case 13:
		for i, v := range out {
			left = add(v, clampHalf(mean(left, top[i]), corner[i]))
			out[i] = left
		}
	}
}

// closer returns left or top, whichever is closer to left+top-corner.
func closer(left, top, corner uint32) uint32 {
	if apart(top>>24, corner>>24)+apart(top>>16&0xff, corner>>16&0xff)+apart(top>>8&0xff, corner>>8&0xff)+apart(top&0xff, corner&0xff) <
		apart(left>>24, corner>>24)+apart(left>>16&0xff, corner>>16&0xff)+apart(left>>8&0xff, corner>>8&0xff)+apart(left&0xff, corner&0xff) {
		return left
	}
	return top
}

// apart returns how far two bytes are apart.
func apart(a, b uint32) int32 {
	d := int32(a) - int32(b)
	return max(d, -d)
}

// clampFull returns a+b-c of each byte.
func clampFull(a, b, c uint32) uint32 {
	return clamp(int32(a>>24+b>>24)-int32(c>>24))<<24 |
		clamp(int32(a>>16&0xff+b>>16&0xff)-int32(c>>16&0xff))<<16 |
		clamp(int32(a>>8&0xff+b>>8&0xff)-int32(c>>8&0xff))<<8 |
		clamp(int32(a&0xff+b&0xff)-int32(c&0xff))
}

// clampHalf returns a+(a-b)/2 of each byte.
func clampHalf(a, b uint32) uint32 {
	return half(a>>24, b>>24)<<24 | half(a>>16&0xff, b>>16&0xff)<<16 | half(a>>8&0xff, b>>8&0xff)<<8 | half(a&0xff, b&0xff)
}

func half(a, b uint32) uint32 { return clamp(int32(a) + (int32(a)-int32(b))/2) }

// clamp returns the value within a byte that is closest to v.
func clamp(v int32) uint32 {
	if uint32(v) > 255 {
		return uint32(^(v >> 31)) & 255
	}
	return uint32(v)
}
