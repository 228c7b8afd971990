package mqtt

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"pickerd/device/control"
)

// maxPayload bounds a message in bytes.
const maxPayload = 64 << 10

// maxID bounds the ID of a command in bytes.
const maxID = 128

// A command is a message on the topic command.
type command struct {
	Command string          `json:"command"`
	ID      string          `json:"id"`
	Args    json.RawMessage `json:"args,omitempty"`
}

// A reply says what became of a command.
type reply struct {
	ID      string           `json:"id"`
	OK      bool             `json:"ok"`
	Problem *control.Problem `json:"problem,omitempty"`
	Data    *data            `json:"data,omitempty"`   // of the command logs
	Serial  uint64           `json:"serial,omitempty"` // OrderError.Highest
}

// data is what a command asked for.
type data struct {
	Lines []string `json:"lines"`
}

// A request is what a command asks of the control API, which checks and explains it.
type request struct {
	method, path string
	query        url.Values
	body         []byte
}

// An operation is a command's name in the control API.
type operation struct {
	// signed says that the command changes settings or people: it must come in an envelope
	// that is signed by the operator.
	signed bool
	// waivable says that a box may be told to take it without.
	waivable bool
	request  func(args json.RawMessage) (request, error)
}

// operations are the commands.
var operations = map[string]operation{
	"pick":     {request: pick},
	"cancel":   {request: plain(http.MethodDelete, "/v1/picks/current")},
	"next":     {request: plain(http.MethodPost, "/v1/slideshow/next")},
	"previous": {request: plain(http.MethodPost, "/v1/slideshow/previous")},
	"pause":    {request: pause},
	"screen":   {request: screen},
	"show":     {signed: true, request: hide(false)},
	"hide":     {signed: true, request: hide(true)},
	"settings": {signed: true, waivable: true, request: settings},
	"unpair":   {signed: true, request: unpair},
	"logs":     {signed: true}, // not of the control API
}

// mustBeSigned reports whether this box takes an operation only from the operator.
func (b *Bridge) mustBeSigned(o operation) bool {
	return o.signed && !(o.waivable && b.cfg.UnsignedSettings)
}

// plain is a command without arguments.
func plain(method, path string) func(json.RawMessage) (request, error) {
	return func(args json.RawMessage) (request, error) {
		return request{method: method, path: path}, strict(args, &struct{}{})
	}
}

func pick(args json.RawMessage) (request, error) {
	var a struct{ Account, Collection *string }
	err := strict(args, &a)
	return request{method: http.MethodPost, path: "/v1/picks", query: query("account", a.Account, "collection", a.Collection)}, err
}

// pause pauses the slideshow, or with "on": false resumes it.
func pause(args json.RawMessage) (request, error) {
	var a struct{ On *bool }
	err := strict(args, &a)
	r := request{method: http.MethodPost, path: "/v1/slideshow/pause"}
	if a.On != nil && !*a.On {
		r.path = "/v1/slideshow/resume"
	}
	return r, err
}

func screen(args json.RawMessage) (request, error) {
	return request{method: http.MethodPatch, path: "/v1/screen", body: args}, nil
}

func hide(hidden bool) func(json.RawMessage) (request, error) {
	return func(args json.RawMessage) (request, error) {
		var a struct{ Item string }
		if err := strict(args, &a); err != nil {
			return request{}, err
		}
		if a.Item == "" {
			return request{}, errors.New("item is missing")
		}
		return request{method: http.MethodPatch, path: "/v1/items/" + url.PathEscape(a.Item), body: fmt.Appendf(nil, `{"hidden":%t}`, hidden)}, nil
	}
}

func settings(args json.RawMessage) (request, error) {
	return request{method: http.MethodPatch, path: "/v1/settings", body: args}, nil
}

func unpair(args json.RawMessage) (request, error) {
	var a struct {
		Account    *string
		Everywhere bool
	}
	err := strict(args, &a)
	r := request{method: http.MethodDelete, path: "/v1/account", query: query("account", a.Account)}
	if a.Everywhere {
		r.query.Set("everywhere", "true")
	}
	return r, err
}

// query makes a query of names and values, nil for none.
func query(pairs ...any) url.Values {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if v := pairs[i+1].(*string); v != nil {
			q.Set(pairs[i].(string), *v)
		}
	}
	return q
}

// strict decodes one JSON value that has no unknown member. Nothing counts as {}.
func strict(data []byte, v any) error {
	if len(data) == 0 {
		data = []byte("{}")
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one value")
	}
	return nil
}

// parse returns the command in a message. With an error only its ID may be there.
func parse(payload []byte) (command, error) {
	if len(payload) > maxPayload {
		return command{}, fmt.Errorf("longer than %d bytes", maxPayload)
	}
	var c command
	err := strict(payload, &c)
	if len(c.ID) > maxID {
		c.ID = ""
	}
	switch {
	case err != nil:
		return command{ID: c.ID}, errors.New(`not {"command":…,"id":…,"args":…}`)
	case c.ID == "":
		return command{}, fmt.Errorf("without an id, or with one longer than %d bytes", maxID)
	}
	return c, nil
}

// run carries out a command that may be.
func (b *Bridge) run(ctx context.Context, c command, signed bool) reply {
	o, ok := operations[c.Command]
	switch {
	case !ok:
		return refuse(c.ID, http.StatusNotFound, "unknown_command", "There is no command "+quote(c.Command)+". Choose one of "+strings.Join(names(), ", ")+".")
	case !signed && b.mustBeSigned(o) && b.cfg.Operator == nil:
		return refuse(c.ID, http.StatusForbidden, "not_allowed", "This box takes "+c.Command+" by MQTT only with mqtt.operator_key.")
	case !signed && b.mustBeSigned(o):
		return refuse(c.ID, http.StatusForbidden, "unsigned", "The command "+c.Command+" must be signed with the operator's key.")
	}
	if c.Command == "logs" {
		return b.logs(c)
	}
	r, err := o.request(c.Args)
	if err != nil {
		return refuse(c.ID, http.StatusBadRequest, "invalid_args", "The args of "+c.Command+" are not valid: "+err.Error()+".")
	}
	return b.call(ctx, c.ID, r)
}

// names returns the names of the commands, sorted.
func names() []string {
	var list []string
	for name := range operations {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// quote returns the beginning of what a stranger wrote, in quotes.
func quote(s string) string { return fmt.Sprintf("%.40q", s) }

func refuse(id string, status int, code, detail string) reply {
	p := control.NewProblem(status, code, detail)
	return reply{ID: id, Problem: &p}
}

// call asks the control API.
func (b *Bridge) call(ctx context.Context, id string, r request) reply {
	u := url.URL{Path: "/", RawQuery: r.query.Encode()}
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(r.body))
	if err == nil {
		req.URL, err = url.ParseRequestURI(r.path)
	}
	if err != nil {
		return refuse(id, http.StatusBadRequest, "invalid_args", "The args are not valid.")
	}
	req.URL.RawQuery = u.RawQuery
	var w answer
	b.cfg.API.ServeHTTP(&w, req)
	if w.status < 300 {
		return reply{ID: id, OK: true}
	}
	var p control.Problem
	if err := json.Unmarshal(w.body.Bytes(), &p); err != nil {
		p = control.NewProblem(w.status, "", "")
	}
	return reply{ID: id, Problem: &p}
}

// An answer is an http.ResponseWriter that keeps what is written.
type answer struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answer) Header() http.Header {
	if a.header == nil {
		a.header = http.Header{}
	}
	return a.header
}

func (a *answer) WriteHeader(status int) {
	if a.status == 0 {
		a.status = status
	}
}

func (a *answer) Write(p []byte) (int, error) {
	a.WriteHeader(http.StatusOK)
	return a.body.Write(p)
}
