package engine

import (
	"errors"

	"pickerd/device"
	"pickerd/store"
)

// collectionFor returns the ID of the collection with an ID or name, which is stored if
// it is new. Errors are those of package device and a *device.StoreError.
func (r *records) collectionFor(name string, guests bool) (id string, err error) {
	if name == "" {
		return "", nil
	}
	if guests { // names would outlive them
		return "", device.ErrNoCollections
	}
	id, err = r.store.Collections.Ensure(name)
	return id, collectionError(err)
}

// tidyCollections deletes the collections that a pick or pairing has left without photos,
// such as one with a name that somebody chose and went back from, except one by its ID.
// It reports whether there were any. What fails is tried when the next one has ended.
func (r *records) tidyCollections(keep string) bool {
	if r.tidied.Swap(true) {
		return false
	}
	deleted, err := r.store.Collections.DeleteEmpty(keep)
	if err != nil {
		r.log.Warn("empty collections not deleted", "err", err)
	}
	return deleted
}

// renameCollection gives a collection another name.
func (r *records) renameCollection(id, name string) error {
	return collectionError(r.store.Collections.Rename(id, name))
}

// removeCollection deletes a collection and the photos that are in no other.
func (r *records) removeCollection(id string) error {
	defer r.photosChanged()
	if err := r.store.Collections.Delete(id); err != nil {
		return collectionError(err)
	}
	r.log.Info("collection removed", "collection", id)
	return nil
}

// pairFor makes a pairing in progress, nil for none, one that a pick for a collection
// follows.
func (r *records) pairFor(p *store.Pairing, collection string) error {
	if p == nil || p.Collection == collection {
		return nil
	}
	p.Collection = collection
	if p.Previous != nil {
		p.Previous.Collection = collection
	}
	return r.savePairing(*p)
}

func collectionError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, store.ErrNotFound):
		return device.ErrNoCollection
	case errors.Is(err, store.ErrCollectionName):
		return device.ErrCollectionName
	case errors.Is(err, store.ErrCollectionTaken):
		return device.ErrCollectionTaken
	case errors.Is(err, store.ErrFull):
		return device.ErrManyCollections
	}
	return storeError(err)
}

func collectionsOf(list []store.Collection) (out []device.Collection) {
	for _, c := range list {
		out = append(out, device.Collection{ID: c.ID, Name: c.Name})
	}
	return out
}
