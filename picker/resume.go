package picker

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxValidator bounds the entity tags that are kept. Real ones are far shorter.
const maxValidator = 512

// A Resume says how far a download came before it was cut off. The zero value asks
// for all of it.
type Resume struct {
	Offset    int64  // bytes that are there already
	Length    int64  // of the whole; -1 if the server did not say
	Validator string // Media.Validator of the first response
}

// header returns the fields that ask for the rest, if it is still of the same bytes.
//
// RFC 9110 §13.1.5 and §14.2
func (r Resume) header() http.Header {
	if r.Offset == 0 {
		return nil
	}
	return http.Header{"Range": {"bytes=" + strconv.FormatInt(r.Offset, 10) + "-"}, "If-Range": {r.Validator}}
}

// continues reports whether a response has exactly the bytes that are missing, of
// the same file.
func (r Resume) continues(resp *http.Response) bool {
	first, last, size, ok := parseContentRange(resp.Header.Get("Content-Range"))
	switch {
	case !ok, first != r.Offset:
		return false
	case size >= 0 && last != size-1, r.Length >= 0 && last != r.Length-1:
		return false
	case size < 0 && r.Length < 0:
		return false // nothing says where it ends
	case resp.ContentLength >= 0 && resp.ContentLength != last-first+1:
		return false
	}
	// A server repeats the validators in a 206, but does not have to.
	now := cmp.Or(validatorOf(resp), r.Validator)
	return now == r.Validator || isEntityTag(now) != isEntityTag(r.Validator)
}

// validatorOf returns what identifies the bytes of a response in If-Range: a strong
// entity tag, or else a date of modification that is strong. It returns "" if the
// download can't be continued.
//
// RFC 9110 §8.8.2.2, §8.8.3 and §14.3
func validatorOf(resp *http.Response) string {
	if resp.Uncompressed || resp.Header.Get("Accept-Ranges") == "none" {
		return ""
	}
	if tag := resp.Header.Get("ETag"); isEntityTag(tag) {
		return tag
	}
	modified := resp.Header.Get("Last-Modified")
	at, err := http.ParseTime(modified)
	sent, derr := http.ParseTime(resp.Header.Get("Date"))
	if err != nil || derr != nil || sent.Sub(at) < time.Second {
		return ""
	}
	return modified
}

// isEntityTag reports whether s is a strong entity tag that can be sent back.
func isEntityTag(s string) bool {
	if len(s) < 2 || len(s) > maxValidator || s[0] != '"' || s[len(s)-1] != '"' {
		return false
	}
	return !strings.ContainsFunc(s[1:len(s)-1], func(r rune) bool { return r < '!' || r > '~' || r == '"' })
}

// parseContentRange reads a Content-Range of bytes. size is -1 if it is unknown.
//
// RFC 9110 §14.4
func parseContentRange(s string) (first, last, size int64, ok bool) {
	s, ok = strings.CutPrefix(s, "bytes ")
	span, whole, cut := strings.Cut(s, "/")
	from, to, dash := strings.Cut(span, "-")
	if !ok || !cut || !dash {
		return 0, 0, 0, false
	}
	numbers := []string{from, to, whole}
	if whole == "*" {
		numbers, size = numbers[:2], -1
	}
	for i, p := range []*int64{&first, &last, &size}[:len(numbers)] {
		n, err := strconv.ParseUint(numbers[i], 10, 63)
		if err != nil {
			return 0, 0, 0, false
		}
		*p = int64(n)
	}
	return first, last, size, first <= last && (size < 0 || last < size)
}
