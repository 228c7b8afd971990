package control

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"

	"pickerd/device"
	"pickerd/display"
)

// collectionRoutes are the operations about collections.
func (h *handler) collectionRoutes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"GET /v1/collections":         h.withBox(h.collections),
		"PATCH /v1/collections/{id}":  h.renameCollection,
		"DELETE /v1/collections/{id}": h.removeCollection,
	}
}

type collectionList struct {
	Collections []device.Collection `json:"collections"`
}

func (h *handler) collections(w http.ResponseWriter, r *http.Request) {
	list, err := h.box.Collections()
	if err != nil {
		h.explainError(w, r, err)
		return
	}
	h.reply(w, http.StatusOK, collectionList{list})
}

func (h *handler) renameCollection(w http.ResponseWriter, r *http.Request) {
	if name, ok := h.readName(w, r, true); ok {
		h.do(w, r, display.Wish{Verb: display.RenameCollection, Collection: r.PathValue("id"), Name: name})
	}
}

func (h *handler) removeCollection(w http.ResponseWriter, r *http.Request) {
	h.do(w, r, display.Wish{Verb: display.RemoveCollection, Collection: r.PathValue("id")})
}

// A pickRequest is the body of a request to start a pick.
type pickRequest struct {
	Collection *string `json:"collection"`
}

// pickedCollection returns the collection in the body of a request to start a pick, ""
// if it names none. ok is false if the request has been answered.
func (h *handler) pickedCollection(w http.ResponseWriter, r *http.Request) (collection string, ok bool) {
	var body pickRequest
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxToken))
	d.DisallowUnknownFields()
	err := d.Decode(&body)
	switch {
	case errors.Is(err, io.EOF), err == nil && body.Collection == nil:
		return "", true
	case err != nil || *body.Collection == "":
		h.problem(w, http.StatusBadRequest, say("api.pick_body"))
		return "", false
	}
	return *body.Collection, true
}

// Collections returns the collections, the default one first.
func (c *Client) Collections(ctx context.Context) ([]device.Collection, error) {
	list, err := call[collectionList](ctx, c, http.MethodGet, "/v1/collections", nil)
	if err != nil {
		return nil, err
	}
	return list.Collections, nil
}

// RenameCollection gives a collection another name. A *Problem with status 404 means
// that there is none with that ID, 409 that another one has the name, 422 that it is
// none.
func (c *Client) RenameCollection(ctx context.Context, id, name string) error {
	_, err := call[device.Status](ctx, c, http.MethodPatch, "/v1/collections/"+url.PathEscape(id), nameBody(name))
	return err
}

// RemoveCollection deletes a collection and the items that are in no other. A *Problem
// with status 404 means that there is none with that ID.
func (c *Client) RemoveCollection(ctx context.Context, id string) error {
	_, err := call[device.Status](ctx, c, http.MethodDelete, "/v1/collections/"+url.PathEscape(id), nil)
	return err
}

// pickBody is the body of a request to start a pick for a collection.
func pickBody(collection string) []byte {
	if collection == "" {
		return nil
	}
	body, _ := json.Marshal(pickRequest{&collection}) // a string is always encoded
	return body
}
