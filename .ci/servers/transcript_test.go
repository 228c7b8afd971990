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

// A transcript has a line for each exchange, without secrets: the client, the path,
// the names of the form's fields, the status, and the error code or the names of the
// members of the answer. It is logged when the test ends.
type transcript struct {
	mu    sync.Mutex
	lines []string
}

func newTranscript(t *testing.T) *transcript {
	tr := &transcript{}
	t.Cleanup(func() {
		tr.mu.Lock()
		defer tr.mu.Unlock()
		t.Logf("exchanges:\n%s", strings.Join(tr.lines, "\n"))
	})
	return tr
}

func (tr *transcript) add(format string, args ...any) {
	tr.mu.Lock()
	defer tr.mu.Unlock()
	tr.lines = append(tr.lines, fmt.Sprintf(format, args...))
}

// of returns the transport of a client.
func (tr *transcript) of(client string) http.RoundTripper {
	return tr.over(http.DefaultTransport, client)
}

// over returns the transport of a client that uses another network.
func (tr *transcript) over(network http.RoundTripper, client string) http.RoundTripper {
	return recorder{tr, client, network}
}

type recorder struct {
	*transcript
	client  string
	network http.RoundTripper
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
	resp, err := r.network.RoundTrip(req)
	if err != nil {
		r.add("%-6s %s %s: no answer", r.client, req.Method, req.URL.Path)
		return nil, err
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(body))
	r.add("%-6s %s %s %s-> %d%s", r.client, req.Method, req.URL.Path, fields(req, sent), resp.StatusCode, summary(body))
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
		case k == "grant_type": // not secret, and it distinguishes requests
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

// summary returns the error, or the names of the members of an answer without one.
func summary(body []byte) string {
	var m map[string]any
	if json.Unmarshal(body, &m) != nil || len(m) == 0 {
		return ""
	}
	if e, ok := m["error"]; ok {
		return fmt.Sprint(" ", e)
	}
	return " " + strings.Join(slices.Sorted(maps.Keys(m)), " ")
}
