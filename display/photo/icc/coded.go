package icc

import "math"

// Chromaticities are x and y of white, red, green and blue, in this order.
type Chromaticities [8]float64

// primaries are those of ColourPrimaries in Rec. ITU-T H.273, table 2.
func primaries(code byte) (Chromaticities, bool) {
	switch code {
	case 1:
		return bt709, true
	case 4:
		return Chromaticities{0.310, 0.316, 0.67, 0.33, 0.21, 0.71, 0.14, 0.08}, true
	case 5:
		return Chromaticities{0.3127, 0.3290, 0.64, 0.33, 0.29, 0.60, 0.15, 0.06}, true
	case 6, 7:
		return Chromaticities{0.3127, 0.3290, 0.630, 0.340, 0.310, 0.595, 0.155, 0.070}, true
	case 9:
		return Chromaticities{0.3127, 0.3290, 0.708, 0.292, 0.170, 0.797, 0.131, 0.046}, true
	case 11:
		return Chromaticities{0.314, 0.351, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060}, true
	case 12:
		return Chromaticities{0.3127, 0.3290, 0.680, 0.320, 0.265, 0.690, 0.150, 0.060}, true
	}
	return Chromaticities{}, false
}

var bt709 = Chromaticities{0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06}

// transfer returns the curve of a code of TransferCharacteristics in Rec. ITU-T
// H.273, table 3, or nil. As in Chromium, those of television are the 2.4 of ITU-R
// BT.1886, and a picture of high dynamic range is clipped at the white of
// ITU-R BT.2408, 203 cd/m².
func transfer(code byte) linear {
	switch code {
	case 1, 6, 11, 14, 15:
		return power(2.4)
	case 4:
		return power(2.2)
	case 5:
		return power(2.8)
	case 8:
		return power(1)
	case 13:
		return ofSRGB
	case 16:
		return perceptual
	case 18:
		return hybrid
	}
	return nil
}

// perceptual is the PQ curve (SMPTE ST 2084), toned down by Reinhard's extended
// operator: 203 cd/m², the white of ITU-R BT.2408, becomes half of the light of a
// screen, and 1000 cd/m² all of it.
func perceptual(v float64) float64 {
	const m1, m2, c1, c2, c3 = 0.1593017578125, 78.84375, 0.8359375, 18.8515625, 18.6875
	const white, brightest = 203.0 / 10000, 1000.0 / 203
	p := math.Pow(v, 1/m2)
	light := math.Pow(max(p-c1, 0)/(c2-c3*p), 1/m1) / white
	return light * (1 + light/(brightest*brightest)) / (1 + light)
}

// hybrid is the HLG curve (ARIB STD-B67), with a factor that keeps it as bright as
// Chromium shows it.
func hybrid(v float64) float64 {
	const a, b, c, factor = 0.17883277, 0.28466892, 0.55991073, 1.5
	if v <= 0.5 {
		return factor * v * v / 3
	}
	return factor * (math.Exp((v-c)/a) + b) / 12
}

// FromCodes returns the transform of a pair of codes of Rec. ITU-T H.273, nil for
// those of sRGB. ok is false if one of them is not known.
func FromCodes(colors, characteristics byte) (t *Transform, ok bool) {
	c, ok := primaries(colors)
	f := transfer(characteristics)
	if !ok || f == nil {
		return nil, false
	}
	return fromChromaticities(c, f)
}

// FromGamma returns the transform of an image whose values are linear light to the
// power of gamma, nil if it is sRGB. c is nil if only gamma is known. Then, like
// browsers, it takes what is within a twentieth of 1/2.2 for sRGB. ok is false if the
// values make no sense.
func FromGamma(gamma float64, c *Chromaticities) (t *Transform, ok bool) {
	switch {
	case !(gamma > 0.01 && gamma < 100):
		return nil, false
	case c == nil && math.Abs(gamma*2.2-1) <= 0.05:
		return nil, true
	case c == nil:
		c = &bt709
	}
	return fromChromaticities(*c, power(1/gamma))
}

func fromChromaticities(c Chromaticities, f linear) (*Transform, bool) {
	to, ok := c.toXYZ()
	if !ok {
		return nil, false
	}
	return newTransform([3]linear{f, f, f}, multiply(fromXYZ, to)), true
}

// bradford converts CIE XYZ to the responses of the cones, in which the white of an
// image is adapted to that of another one, and d50 is that of the profile connection
// space (ICC.1:2022, annex E).
var (
	bradford = matrix{{0.8951, 0.2664, -0.1614}, {-0.7502, 1.7135, 0.0367}, {0.0389, -0.0685, 1.0296}}
	d50      = [3]float64{0.96422, 1, 0.82521}
)

// toXYZ returns the matrix from linear colors to CIE XYZ, adapted to D50.
func (c Chromaticities) toXYZ() (m matrix, ok bool) {
	var xyz [4][3]float64
	for i := range xyz {
		x, y := c[2*i], c[2*i+1]
		if !(x >= 0 && x <= 1 && y > 0.001 && y <= 1) {
			return m, false
		}
		xyz[i] = [3]float64{x / y, 1, (1 - x - y) / y}
	}
	for i := range 3 {
		m[i] = [3]float64{xyz[1][i], xyz[2][i], xyz[3][i]}
	}
	inverse, ok := invert(m)
	if !ok {
		return m, false
	}
	shares := apply(inverse, xyz[0]) // of the primaries in white
	from, to := apply(bradford, xyz[0]), apply(bradford, d50)
	var adapt matrix
	for i := range 3 {
		for j := range 3 {
			m[j][i] *= shares[i]
		}
		adapt[i][i] = to[i] / from[i]
	}
	back, _ := invert(bradford)
	return multiply(back, multiply(adapt, multiply(bradford, m))), from[0] > 0 && from[1] > 0 && from[2] > 0
}

func apply(m matrix, v [3]float64) (out [3]float64) {
	for i := range 3 {
		out[i] = m[i][0]*v[0] + m[i][1]*v[1] + m[i][2]*v[2]
	}
	return out
}

// invert returns the inverse of m by its cofactors, if it has one.
func invert(m matrix) (out matrix, ok bool) {
	cofactor := func(i, j int) float64 {
		a, b, c, d := (i+1)%3, (i+2)%3, (j+1)%3, (j+2)%3
		return m[a][c]*m[b][d] - m[a][d]*m[b][c]
	}
	det := m[0][0]*cofactor(0, 0) + m[0][1]*cofactor(0, 1) + m[0][2]*cofactor(0, 2)
	if math.Abs(det) < 1e-9 {
		return out, false
	}
	for i := range 3 {
		for j := range 3 {
			out[j][i] = cofactor(i, j) / det
		}
	}
	return out, true
}
