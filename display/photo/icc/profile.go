package icc

import (
	"encoding/binary"
	"errors"
	"math"
)

// MaxProfile bounds the bytes of a profile. Those of a matrix have a few thousand.
const MaxProfile = 1 << 20

// maxTags bounds the tags that are looked at.
const maxTags = 100

// errProfile means that a profile is damaged or of an unknown kind.
var errProfile = errors.New("icc: not a profile of a matrix and curves")

// Parse returns the transform of a profile, nil if it is that of sRGB. It reads
// versions 2 and 4 (ICC.1:2022).
func Parse(profile []byte) (*Transform, error) {
	if len(profile) < 132 || len(profile) > MaxProfile || string(profile[36:40]) != "acsp" || string(profile[20:24]) != "XYZ " {
		return nil, errProfile
	}
	switch string(profile[16:20]) {
	case "GRAY":
		f := curveOf(tag(profile, "kTRC"))
		if f == nil {
			return nil, errProfile
		}
		t := newTransform([3]linear{f, f, f}, matrix{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}})
		if t != nil {
			t.Gray = true
		}
		return t, nil
	case "RGB ":
		var curves [3]linear
		var columns matrix
		for i, name := range []string{"r", "g", "b"} {
			f, xyz := curveOf(tag(profile, name+"TRC")), tag(profile, name+"XYZ")
			if f == nil || len(xyz) < 20 || string(xyz[:4]) != "XYZ " {
				return nil, errProfile
			}
			curves[i] = f
			for j := range 3 {
				columns[j][i] = s15Fixed16(xyz[8+4*j:])
			}
		}
		return newTransform(curves, multiply(fromXYZ, columns)), nil
	}
	return nil, errProfile
}

// fromXYZ converts CIE XYZ of the profile connection space, whose white is D50, to
// linear sRGB: the inverse of the colorants of IEC 61966-2-1, adapted by Bradford's
// method.
var fromXYZ = matrix{
	{3.1338561, -1.6168667, -0.4906146},
	{-0.9787684, 1.9161415, 0.0334540},
	{0.0719453, -0.2289914, 1.4052427},
}

// tag returns the data of a tag, or nil.
func tag(profile []byte, name string) []byte {
	n := min(binary.BigEndian.Uint32(profile[128:]), maxTags)
	for at := 132; n > 0 && at+12 <= len(profile); at, n = at+12, n-1 {
		if string(profile[at:at+4]) != name {
			continue
		}
		from, size := uint64(binary.BigEndian.Uint32(profile[at+4:])), uint64(binary.BigEndian.Uint32(profile[at+8:]))
		if from+size > uint64(len(profile)) {
			return nil
		}
		return profile[from : from+size]
	}
	return nil
}

func s15Fixed16(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / (1 << 16) }

// curveOf returns the curve of a tag, or nil.
func curveOf(data []byte) linear {
	if len(data) < 12 {
		return nil
	}
	switch string(data[:4]) {
	case "curv":
		return tabulated(binary.BigEndian.Uint32(data[8:]), data[12:])
	case "para":
		return parametric(binary.BigEndian.Uint16(data[8:]), data[12:])
	}
	return nil
}

// tabulated returns a curve of n points: none for the identity, one for a power.
func tabulated(n uint32, data []byte) linear {
	if uint64(len(data)) < 2*uint64(n) {
		return nil
	}
	switch n {
	case 0:
		return func(v float64) float64 { return v }
	case 1:
		return power(float64(binary.BigEndian.Uint16(data)) / 256)
	}
	return func(v float64) float64 {
		at := v * float64(n-1)
		i := min(int(at), int(n)-2)
		low, high := float64(binary.BigEndian.Uint16(data[2*i:])), float64(binary.BigEndian.Uint16(data[2*i+2:]))
		return (low + (high-low)*(at-float64(i))) / 65535
	}
}

func power(g float64) linear { return func(v float64) float64 { return math.Pow(v, g) } }

// parametric returns a curve of type parametricCurveType (ICC.1:2022, 10.18).
func parametric(kind uint16, data []byte) linear {
	counts := []int{1, 3, 4, 5, 7}
	if int(kind) >= len(counts) || len(data) < 4*counts[kind] {
		return nil
	}
	var p [7]float64 // g, a, b, c, d, e, f
	for i := range counts[kind] {
		p[i] = s15Fixed16(data[4*i:])
	}
	g, a, b, c, d, e, f := p[0], p[1], p[2], p[3], p[4], p[5], p[6]
	switch kind {
	case 0:
		a, b, c, d = 1, 0, 0, 0
	case 1: // zero below d
		c, d = 0, -b/a
	case 2: // c below d and added above it
		c, d, e, f = 0, -b/a, c, c
	}
	return func(v float64) float64 {
		if v >= d {
			return math.Pow(a*v+b, g) + e
		}
		return c*v + f
	}
}

func multiply(a, b matrix) (m matrix) {
	for i := range 3 {
		for j := range 3 {
			for k := range 3 {
				m[i][j] += a[i][k] * b[k][j]
			}
		}
	}
	return m
}
