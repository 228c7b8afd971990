// Package control serves the control API to other programs on the box, as HTTP/1.1
// with JSON on a unix socket. It also has the client that pickerd's commands use.
package control

import (
	"bytes"
	"compress/gzip"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/httpserve"
	"pickerd/display/words"
)

// say returns a text in English, for programs and for pickerd's commands.
func say(key string, args ...any) string { return english().Say(key, args...) }

var english = sync.OnceValue(words.English)

// An Actor carries out wishes. When Do returns, the status shows the outcome.
type Actor interface {
	Do(ctx context.Context, w display.Wish) error
}

// A Box is what the API reads from. It also imports token files.
type Box interface {
	Import(ctx context.Context, sealed []byte) (tried bool, err error)
	Sessions() ([]device.Session, error)
	// ItemsIn returns the items of a collection by its ID or name, or with "" all. The
	// error is device.ErrNoCollection.
	ItemsIn(collection string) ([]device.Item, error)
	Collections() ([]device.Collection, error)
	OpenItem(id string) (*os.File, *device.Item, error)
	CopyItem(ctx context.Context, id string, w, h int) ([]byte, *device.Item, error)
}

// Statuses provides the device's current status and each newer one.
type Statuses interface {
	Get() device.Status
	Watch(ctx context.Context) iter.Seq[device.Status]
}

// Config is what a Handler needs.
type Config struct {
	Actor    Actor
	Box      Box             // nil while the state directory can't be used
	Settings device.Settings // nil where there are none
	Statuses Statuses
	Displays Displays // nil while the state directory can't be used
	// Reset stores the order to erase the box, which then begins.
	Reset func() error
	Log   *slog.Logger
}

// Handler returns the API.
func Handler(cfg Config) http.Handler {
	h := &handler{cfg.Actor, cfg.Box, cfg.Settings, cfg.Statuses, cfg.Displays, cfg.Reset, cfg.Log}
	mux := http.NewServeMux()
	for pattern, f := range h.routes() {
		mux.HandleFunc(pattern, f)
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		h.problem(w, http.StatusNotFound, say("api.no_route", "method", r.Method, "path", r.URL.Path))
	})
	return mux
}

// routes are the operations of the API. openapi.json describes them; run pack.sh after each change of it.
func (h *handler) routes() map[string]http.HandlerFunc {
	routes := map[string]http.HandlerFunc{
		"GET /v1/status":             h.status,
		"GET /v1/events":             h.events,
		"POST /v1/picks":             h.pick,
		"DELETE /v1/picks/current":   h.cancel,
		"GET /v1/sessions":           h.withBox(h.sessions),
		"GET /v1/items":              h.withBox(h.items),
		"GET /v1/items/{id}/content": h.withBox(h.content),
		"PATCH /v1/items/{id}":       h.change,
		"DELETE /v1/items/{id}":      h.remove,
		"POST /v1/activity":          h.activity,
		"PATCH /v1/screen":           h.changeScreen,
		"POST /v1/pairing":           h.renew,
		"POST /v1/account":           h.withBox(h.importToken),
		"DELETE /v1/account":         h.unpair,
		"POST /v1/reset":             h.reset,
		"GET /v1/settings":           h.listSettings,
		"PATCH /v1/settings":         h.changeSettings,
		"GET /v1/openapi.json":       h.describe,
	}
	routes["POST /v1/slideshow/{action}"] = h.slideshow
	maps.Copy(routes, h.displayRoutes())
	maps.Copy(routes, h.collectionRoutes())
	return routes
}

// packed is openapi.json, compressed by pack.sh.
//
//go:embed openapi.json.gz
var packed []byte

// describe answers with openapi.json.
func (h *handler) describe(w http.ResponseWriter, r *http.Request) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		h.explainError(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.Copy(w, z) // the client may have gone
}

type handler struct {
	actor    Actor
	box      Box
	settings device.Settings
	statuses Statuses
	displays Displays
	erase    func() error
	log      *slog.Logger
}

// withBox answers device.ErrUnready or device.ErrNotSetUp while there is no box to
// serve from.
func (h *handler) withBox(f http.HandlerFunc) http.HandlerFunc {
	if h.box != nil {
		return f
	}
	return func(w http.ResponseWriter, r *http.Request) { h.explainError(w, r, h.unready()) }
}

// unready returns why there is nothing to serve from.
func (h *handler) unready() error {
	if h.statuses.Get().State == device.SetUp {
		return device.ErrNotSetUp
	}
	return device.ErrUnready
}

// A Problem is the JSON form of an error (RFC 9457).
type Problem struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`

	// Code, Key and Nearest say why a setting was not changed. See device.SettingError.
	Code    string `json:"code,omitempty"`
	Key     string `json:"key,omitempty"`
	Nearest string `json:"nearest,omitempty"`
}

// NewProblem returns a Problem without a type of its own. code may be "".
func NewProblem(status int, code, detail string) Problem {
	return Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail, Code: code}
}

func (h *handler) problem(w http.ResponseWriter, status int, detail string) {
	h.sendProblem(w, NewProblem(status, "", detail))
}

func (h *handler) sendProblem(w http.ResponseWriter, p Problem) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	h.encode(w, p)
}

func (h *handler) encode(w http.ResponseWriter, v any) {
	if err := json.NewEncoder(w).Encode(v); err != nil {
		h.log.Debug("control answer not delivered", "err", err)
	}
}

func (h *handler) reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	h.encode(w, v)
}

func (h *handler) status(w http.ResponseWriter, _ *http.Request) {
	h.reply(w, http.StatusOK, h.statuses.Get())
}

// do carries out a wish and answers with the status that follows.
func (h *handler) do(w http.ResponseWriter, r *http.Request, wish display.Wish) {
	if err := h.actor.Do(r.Context(), wish); err != nil {
		h.explainError(w, r, err)
		return
	}
	h.reply(w, http.StatusAccepted, h.statuses.Get())
}

// account returns the parameter account, "" if it is absent. A present but empty one
// is refused, because it must not mean all accounts.
func (h *handler) account(w http.ResponseWriter, r *http.Request) (account string, ok bool) {
	q := r.URL.Query()
	if q.Has("account") && q.Get("account") == "" {
		h.problem(w, http.StatusBadRequest, say("api.account_empty"))
		return "", false
	}
	return q.Get("account"), true
}

// maxPickWait bounds how long an answer waits until the status shows the pick.
const maxPickWait = 2 * time.Second

// pick starts a pick for the named account and collection. Without a name the screen
// asks whose it is if there are several accounts. The status in the answer shows that the pick has begun.
func (h *handler) pick(w http.ResponseWriter, r *http.Request) {
	account, ok := h.account(w, r)
	if !ok {
		return
	}
	collection, ok := h.pickedCollection(w, r)
	if !ok {
		return
	}
	if err := h.actor.Do(r.Context(), display.Wish{Verb: display.Pick, Account: account, Collection: collection}); err != nil {
		h.explainError(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), maxPickWait)
	defer cancel()
	last := h.statuses.Get()
	for last = range h.statuses.Watch(ctx) {
		if last.Pick != nil || last.Asking != "" || last.State == device.Pairing || last.Problem != nil {
			break
		}
	}
	h.reply(w, http.StatusAccepted, last)
}

func (h *handler) cancel(w http.ResponseWriter, r *http.Request) {
	h.do(w, r, display.Wish{Verb: display.Cancel})
}

// maxSweepWait bounds how long an unpair waits for the sessions to be deleted. The
// status reports what is left as outstanding.
const maxSweepWait = 10 * time.Second

// reset orders that the box be erased. It answers before that is done: the daemon ends
// and starts anew.
func (h *handler) reset(w http.ResponseWriter, r *http.Request) {
	if err := h.erase(); err != nil {
		h.explainError(w, r, &device.StoreError{Err: err})
		return
	}
	h.reply(w, http.StatusAccepted, h.statuses.Get())
}

func (h *handler) unpair(w http.ResponseWriter, r *http.Request) {
	account, ok := h.account(w, r)
	if !ok {
		return
	}
	everywhere := false
	switch v := r.URL.Query().Get("everywhere"); v {
	case "true":
		everywhere = true
	case "", "false":
	default:
		h.problem(w, http.StatusBadRequest, say("api.everywhere"))
		return
	}
	if err := h.actor.Do(r.Context(), display.Wish{Verb: display.Forget, Account: account, Everywhere: everywhere}); err != nil {
		h.explainError(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), maxSweepWait)
	defer cancel()
	last := h.statuses.Get()
	for last = range h.statuses.Watch(ctx) {
		gone := account == "" && len(last.Accounts) == 0 && last.Pick == nil ||
			account != "" && !slices.ContainsFunc(last.Accounts, func(a device.AccountStatus) bool { return a.ID == account })
		if gone && last.Outstanding == nil {
			break
		}
	}
	h.reply(w, http.StatusOK, last)
}

func (h *handler) renew(w http.ResponseWriter, r *http.Request) {
	h.do(w, r, display.Wish{Verb: display.Renew})
}

// maxToken bounds a request body. Token files have about 1 kB.
const maxToken = 64 << 10

// importToken takes a token file sealed for this box. It answers 200 if the token
// works, 202 if it could not be tried yet.
func (h *handler) importToken(w http.ResponseWriter, r *http.Request) {
	sealed, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxToken))
	if err != nil {
		h.problem(w, http.StatusRequestEntityTooLarge, say("api.token_too_long"))
		return
	}
	tried, err := h.box.Import(r.Context(), sealed)
	if e, ok := errors.AsType[*device.TokenError](err); ok {
		h.problem(w, http.StatusUnprocessableEntity, e.Message)
		return
	}
	if err != nil {
		h.explainError(w, r, err)
		return
	}
	status := http.StatusOK
	if !tried {
		status = http.StatusAccepted
	}
	h.reply(w, status, h.statuses.Get())
}

func (h *handler) sessions(w http.ResponseWriter, r *http.Request) {
	list, err := h.box.Sessions()
	if err != nil {
		h.explainError(w, r, err)
		return
	}
	h.reply(w, http.StatusOK, sessionList{list})
}

func (h *handler) items(w http.ResponseWriter, r *http.Request) {
	list, err := h.box.ItemsIn(r.URL.Query().Get("collection"))
	if err != nil {
		h.explainError(w, r, err)
		return
	}
	h.reply(w, http.StatusOK, itemList{list})
}

type sessionList struct {
	Sessions []device.Session `json:"sessions"`
}

type itemList struct {
	Items []device.Item `json:"items"`
}

func (h *handler) remove(w http.ResponseWriter, r *http.Request) {
	h.do(w, r, display.Wish{Verb: display.Remove, Item: r.PathValue("id")})
}

// An itemChange is a merge patch of an item (RFC 7396).
type itemChange struct {
	Hidden *bool `json:"hidden"`
}

func (h *handler) change(w http.ResponseWriter, r *http.Request) {
	var c itemChange
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxToken))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil || c.Hidden == nil {
		h.problem(w, http.StatusBadRequest, say("api.change"))
		return
	}
	verb := display.Unhide
	if *c.Hidden {
		verb = display.Hide
	}
	h.do(w, r, display.Wish{Verb: verb, Item: r.PathValue("id")})
}

const (
	maxPixels   = 8192        // of the width and height of a copy
	maxCopyTime = time.Minute // for a client to take a copy
)

// content serves an item as it is, or, with w or h, a JPEG within that size. The
// content of an id never changes, so clients may cache it indefinitely.
func (h *handler) content(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Has("w") || q.Has("h") {
		h.smallCopy(w, r, q)
		return
	}
	f, item, err := h.box.OpenItem(r.PathValue("id"))
	if err != nil {
		h.explainError(w, r, err)
		return
	}
	defer f.Close()
	w.Header().Set("Content-Type", item.MimeType)
	w.Header().Set("ETag", etag(r.PathValue("id"), item, ""))
	http.ServeContent(w, r, "", item.AddedAt, f)
}

func (h *handler) smallCopy(w http.ResponseWriter, r *http.Request, q url.Values) {
	size := [2]int{maxPixels, maxPixels} // for an absent parameter
	for i, name := range []string{"w", "h"} {
		if !q.Has(name) {
			continue
		}
		n, err := strconv.Atoi(q.Get(name))
		if err != nil || n < 1 || n > maxPixels {
			h.problem(w, http.StatusBadRequest, say("api.pixels", "name", name, "max", maxPixels))
			return
		}
		size[i] = n
	}
	data, item, err := h.box.CopyItem(r.Context(), r.PathValue("id"), size[0], size[1])
	if r.Context().Err() != nil {
		return // the client has gone
	}
	if err != nil {
		h.explainError(w, r, err)
		return
	}
	// A client that does not read must not keep the copy in memory. Not every
	// ResponseWriter supports deadlines.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(maxCopyTime))
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("ETag", etag(r.PathValue("id"), item, fmt.Sprint(size)))
	http.ServeContent(w, r, "", item.AddedAt, bytes.NewReader(data))
}

// etag returns the entity tag of an item, or of the variant of it that is a copy.
func etag(id string, item *device.Item, variant string) string {
	return fmt.Sprintf("%q", httpserve.Digest(fmt.Append(nil, id, item.AddedAt.UnixNano(), item.Bytes, variant)))
}

// events streams statuses. The current one comes first, unless the client sends its
// id as Last-Event-ID.
func (h *handler) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	rc := http.NewResponseController(w)
	known := r.Header.Get("Last-Event-ID")
	for s := range h.statuses.Watch(r.Context()) {
		data, err := json.Marshal(s)
		if err != nil {
			h.log.Error("status not encoded", "err", err)
			return
		}
		id := httpserve.Digest(data)
		event := fmt.Sprintf("event: status\nid: %s\ndata: %s\n\n", id, data)
		if id == known {
			event = ": nothing new\n\n"
		}
		known = ""
		if _, err := io.WriteString(w, event); err != nil {
			return
		}
		if err := rc.Flush(); err != nil {
			return
		}
	}
}
