package picker_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"pickerd/picker"
)

// TestResume checks when a download is continued: only with exactly the missing bytes
// of the same file.
func TestResume(t *testing.T) {
	const whole = "0123456789"
	const tag, date = `"v1"`, "Thu, 01 Jan 2026 00:00:00 GMT"
	partial := func(contentRange string, header ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for i := 0; i+1 < len(header); i += 2 {
				w.Header().Set(header[i], header[i+1])
			}
			if r.Header.Get("Range") == "" {
				io.WriteString(w, whole)
				return
			}
			w.Header().Set("Content-Range", contentRange)
			w.WriteHeader(http.StatusPartialContent)
			io.WriteString(w, whole[4:])
		}
	}
	status := func(n int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") != "" {
				w.WriteHeader(n)
			}
			io.WriteString(w, whole)
		}
	}
	for name, tt := range map[string]struct {
		h         http.HandlerFunc
		validator string
		length    int64
		requests  int
		offset    int64
	}{
		"the rest":                 {partial("bytes 4-9/10", "ETag", tag), tag, 10, 1, 4},
		"the rest, no validator":   {partial("bytes 4-9/10"), tag, 10, 1, 4},
		"the rest, of a date":      {partial("bytes 4-9/10", "Last-Modified", date, "Date", "Thu, 01 Jan 2026 00:00:01 GMT"), date, 10, 1, 4},
		"the rest, length unknown": {partial("bytes 4-9/10"), tag, -1, 1, 4},
		"the rest, no size":        {partial("bytes 4-9/*"), tag, 10, 1, 4},
		"another tag":              {partial("bytes 4-9/10", "ETag", `"v2"`), tag, 10, 2, 0},
		"another date":             {partial("bytes 4-9/10", "Last-Modified", "Fri, 02 Jan 2026 00:00:00 GMT", "Date", "Sat, 03 Jan 2026 00:00:00 GMT"), date, 10, 2, 0},
		"another length":           {partial("bytes 4-9/10"), tag, 11, 2, 0},
		"another beginning":        {partial("bytes 3-9/10"), tag, 10, 2, 0},
		"another end":              {partial("bytes 4-8/10"), tag, 10, 2, 0},
		"no end":                   {partial("bytes 4-9/*"), tag, -1, 2, 0},
		"several ranges":           {partial(""), tag, 10, 2, 0},
		"ignored":                  {status(200), tag, 10, 1, 0},
		"not satisfiable":          {status(416), tag, 10, 2, 0},
	} {
		t.Run(name, func(t *testing.T) {
			requests := 0
			c, _ := newClient(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				if r.Header.Get("Range") != "" && (r.Header.Get("Range") != "bytes=4-" || r.Header.Get("If-Range") != tt.validator) {
					t.Errorf("header %v", r.Header)
				}
				tt.h(w, r)
			}))
			m, err := c.ResumeMedia(t.Context(), "http://p.test/x", "=d", picker.Resume{Offset: 4, Length: tt.length, Validator: tt.validator})
			if err != nil {
				t.Fatal(err)
			}
			defer m.Body.Close()
			b, err := io.ReadAll(m.Body)
			if err != nil || m.Offset != tt.offset || string(b) != whole[m.Offset:] || m.Length != int64(len(whole)) || requests != tt.requests {
				t.Errorf("%+v, %q, %v after %d requests", m, b, err, requests)
			}
		})
	}
}

// TestResumeRedirected checks that the range is requested from the target of a
// redirect too, and that refusals keep their meaning.
func TestResumeRedirected(t *testing.T) {
	for _, status := range []int{206, 403, 429, 500} {
		c, _ := newClient(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Host == "p.test" {
				http.Redirect(w, r, "http://videos.test/y", http.StatusFound)
				return
			}
			if r.Header.Get("Range") != "bytes=4-" || r.Header.Get("Authorization") != "" {
				t.Errorf("header %v", r.Header)
			}
			w.Header().Set("Content-Range", "bytes 4-9/10")
			w.WriteHeader(status)
			io.WriteString(w, "456789")
		}))
		m, err := c.ResumeMedia(t.Context(), "http://p.test/x", "=m37", picker.Resume{Offset: 4, Length: 10, Validator: `"v"`})
		if (err == nil) != (status == 206) || err == nil && m.Offset != 4 {
			t.Errorf("%d: %+v, %v", status, m, err)
		}
	}
}

// TestValidator checks which downloads can be continued.
func TestValidator(t *testing.T) {
	const date, later = "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:01 GMT"
	for _, tt := range []struct {
		header []string
		want   string
	}{
		{nil, ""},
		{[]string{"ETag", `"a"`}, `"a"`},
		{[]string{"ETag", `W/"a"`}, ""},
		{[]string{"ETag", `a`}, ""},
		{[]string{"ETag", `"`}, ""},
		{[]string{"ETag", `"a"b"`}, ""},
		{[]string{"ETag", "\"a\x7f\""}, ""},
		{[]string{"ETag", `"` + strings.Repeat("a", 600) + `"`}, ""},
		{[]string{"ETag", `"a"`, "Last-Modified", date, "Date", later}, `"a"`},
		{[]string{"ETag", `W/"a"`, "Last-Modified", date, "Date", later}, date},
		{[]string{"Last-Modified", date, "Date", date}, ""}, // may change within the second
		{[]string{"Last-Modified", date}, ""},
		{[]string{"Last-Modified", "yesterday", "Date", later}, ""},
		{[]string{"ETag", `"a"`, "Accept-Ranges", "none"}, ""},
		{[]string{"ETag", `"a"`, "Accept-Ranges", "bytes"}, `"a"`},
	} {
		c, _ := newClient(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for i := 0; i+1 < len(tt.header); i += 2 {
				w.Header().Set(tt.header[i], tt.header[i+1])
			}
		}))
		m, err := c.OpenMedia(t.Context(), "http://p.test/x", "=d")
		if err != nil {
			t.Fatal(err)
		}
		m.Body.Close()
		if m.Validator != tt.want {
			t.Errorf("%q: validator %q, want %q", tt.header, m.Validator, tt.want)
		}
	}
}

// FuzzContentRange checks that only ranges are read that a server can have sent.
func FuzzContentRange(f *testing.F) {
	for _, s := range []string{"bytes 4-9/10", "bytes 4-9/*", "bytes */10", "bytes 9-4/10", "bytes 4-10/10", "bytes -4-9/10", "bytes 4-9223372036854775808/*", "items 4-9/10", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		first, last, size, ok := picker.ParseContentRange(s)
		if !ok {
			return
		}
		whole := "*"
		if size >= 0 {
			whole = strconv.FormatInt(size, 10)
		}
		if first < 0 || first > last || size >= 0 && last >= size {
			t.Errorf("%q: %d-%d of %d", s, first, last, size)
		}
		if again := fmt.Sprintf("bytes %d-%d/%s", first, last, whole); len(again) > len(s) {
			t.Errorf("%q was read as %q", s, again)
		}
	})
}
