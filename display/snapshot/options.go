package snapshot

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Bounds of a picture, and its size if a client names none.
const (
	minSide       = 16
	maxSide       = 3840
	defaultWidth  = 1920
	defaultHeight = 1080
)

// Options are how a client wants its picture.
type options struct {
	w, h   int // of the file
	rotate int // what people see, in degrees clockwise: 0, 90, 180 or 270
	greys  int // 0 for the colors of the screen
	floyd  bool
	png    bool
}

// parse reads the parameters of a request: how the picture is wanted, and the ETag that
// the client has. Its error is for people.
func parse(query string) (o options, after string, err error) {
	o = options{w: defaultWidth, h: defaultHeight}
	values, err := url.ParseQuery(query)
	if err != nil {
		return o, "", errors.New("the address has a parameter that can't be read")
	}
	for name, all := range values {
		n, err := strconv.Atoi(all[0])
		ok, must := err == nil, fmt.Sprint("be a whole number from ", minSide, " to ", maxSide)
		isSide := ok && n >= minSide && n <= maxSide
		switch name {
		case "w":
			o.w, ok = n, isSide
		case "h":
			o.h, ok = n, isSide
		case "colors":
			o.greys, ok, must = n, ok && n >= 2 && n <= 256, "be a whole number from 2 to 256"
		case "rotate":
			o.rotate, ok, must = n, ok && n >= 0 && n <= 270 && n%90 == 0, "be 0, 90, 180 or 270"
		case "dither":
			o.floyd, must = all[0] == "floyd", "be none or floyd"
			ok = o.floyd || all[0] == "none"
		case "after":
			after, ok = tag(all[0]), true
		default:
			return o, "", fmt.Errorf("there is no parameter %.40q, only w, h, rotate, colors, dither and after", name)
		}
		if len(all) > 1 {
			ok, must = false, "be there once"
		}
		if !ok {
			return o, "", errors.New(name + " must " + must)
		}
	}
	o.floyd = o.floyd && o.greys != 0 // without a palette there is nothing to dither
	return o, after, nil
}

// tag returns an ETag without its quotes, and without the mark of a proxy that
// compresses.
func tag(s string) string { return strings.Trim(strings.TrimPrefix(strings.TrimSpace(s), "W/"), `"`) }

// matches reports whether an If-None-Match header names a tag, which may be one of several
// (RFC 9110, 13.1.2).
func matches(header, tag string) bool {
	return header == "*" || strings.Contains(header, `"`+tag+`"`)
}
