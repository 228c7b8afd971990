package servers

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

// A transcript keeps a line of each exchange that holds no secret: who asked
// where, the names of the form's fields, the status, and the error code or the
// names in the answer. It is logged when the test ends.
type transcript struct {
	mu    sync.Mutex
	lines []string
}

func newTranscript(t *testing.T) *transcript {
	tr := &transcript{}
	t.Cleanup(func() {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		t.Logf("what went over the wire:\n%s", strings.Join(tr.lines, "\n"))
	})
	return tr
}

func (tr *transcript) add(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.lines = append(tr.lines, fmt.Sprintf(format, args...))
}

// of returns the transport of one who takes part.
func (tr *transcript) of(who string) http.RoundTripper { return recorder{tr, who} }

type recorder struct {
	*transcript
	who string
}

// RoundTrip implements http.RoundTripper.
func (r recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	var sent []byte
	if req.Body != nil {
		var err error
		if sent, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
		req.Body.Close()
		req = req.Clone(req.Context())
		req.Body = io.NopCloser(bytes.NewReader(sent))
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		r.add("%-6s %s %s: no answer", r.who, req.Method, req.URL.Path)
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	r.add("%-6s %s %s %s-> %d%s", r.who, req.Method, req.URL.Path, fields(req, sent), resp.StatusCode, said(body))
	return resp, nil
}

func fields(req *http.Request, body []byte) string {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return "(no form) "
	}
	for k := range req.URL.Query() {
		form.Add(k, "")
	}
	var out []string
	if scheme, _, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok {
		out = append(out, "["+scheme+"]")
	}
	for _, k := range slices.Sorted(maps.Keys(form)) {
		switch {
		case k == "grant_type": // no secret, and tells the requests apart
			k += "=" + path.Base(strings.ReplaceAll(form.Get(k), ":", "/"))
		case form.Get(k) == "" && !req.URL.Query().Has(k):
			k += "(empty)"
		}
		out = append(out, k)
	}
	if len(out) == 0 {
		return ""
	}
	return strings.Join(out, " ") + " "
}

// said names the error, or the members of a good answer.
func said(body []byte) string {
	var m map[string]any
	if json.Unmarshal(body, &m) != nil || len(m) == 0 {
		return ""
	}
	if e, ok := m["error"]; ok {
		return fmt.Sprint(" ", e)
	}
	return " " + strings.Join(slices.Sorted(maps.Keys(m)), " ")
}
