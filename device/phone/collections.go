package phone

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"

	g "maragu.dev/gomponents"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/markup"
)

// The pages about collections, below the address of a remote.
const (
	collectionsPage = "/collections"
	removePage      = "/collections/remove"
)

// removeLink is the page that asks whether to delete a collection, below the address of
// a remote.
func removeLink(id string) string {
	return removePage + "?" + url.Values{"collection": {id}}.Encode()
}

// collectionVerbs are what the forms of the page about collections send.
var collectionVerbs = map[string]display.Verb{"pick": display.Pick, "rename": display.RenameCollection, "remove": display.RemoveCollection}

// collectionComplaints are the texts about what could not be done.
var collectionComplaints = []struct {
	err error
	key string
}{
	{device.ErrCollectionName, "phone.collection_name_wrong"},
	{device.ErrCollectionTaken, "phone.collection_taken"},
	{device.ErrManyCollections, "phone.collection_many"},
	{device.ErrPickRunning, "phone.collection_busy"},
}

// collections lists the collections, to choose photos for them and to change them.
func (h *handler) collections(w http.ResponseWriter, r *http.Request) {
	h.showCollections(w, r, http.StatusOK, "")
}

func (h *handler) showCollections(w http.ResponseWriter, r *http.Request, status int, complaint string) {
	key := r.PathValue("key")
	v, err := h.remotes.RemoteCollections(key)
	if err != nil {
		h.refused(w, r, err, collectionsPage)
		return
	}
	h.renderRemoteForm(w, r, status, func(p pages) g.Node { return p.collections(v, key, complaint) })
}

// changeCollections starts a pick for a collection, or renames or deletes one.
func (h *handler) changeCollections(w http.ResponseWriter, r *http.Request) {
	key, wish := r.PathValue("key"), r.PostFormValue("wish")
	one := display.Wish{Verb: collectionVerbs[wish], Account: r.PostFormValue("account"), Collection: r.PostFormValue("collection"), Name: r.PostFormValue("name")}
	if one.Verb == display.Pick {
		if one.Name = ""; one.Collection == "" { // the field of a new name is empty
			h.showCollections(w, r, http.StatusUnprocessableEntity, "phone.collection_name_wrong")
			return
		}
	}
	to, err := h.remotes.Control(r.Context(), key, one)
	for _, c := range collectionComplaints {
		if errors.Is(err, c.err) {
			h.showCollections(w, r, http.StatusUnprocessableEntity, c.key)
			return
		}
	}
	switch {
	case errors.Is(err, device.ErrPINNeeded): // it was entered too long ago
		h.refused(w, r, err, removeLink(one.Collection))
	case one.Verb == display.Pick || errors.Is(err, device.ErrRemoteGone) || device.DiskProblem(err) != nil:
		h.controlled(w, r, wish, to, err)
	default: // what was to be changed may have gone
		http.Redirect(w, r, RemotePrefix+url.PathEscape(key)+collectionsPage, http.StatusSeeOther)
	}
}

// askRemove asks whether to delete a collection.
func (h *handler) askRemove(w http.ResponseWriter, r *http.Request) {
	key, id := r.PathValue("key"), r.FormValue("collection")
	v, err := h.remotes.RemoteCollections(key)
	if err == nil {
		err = h.remotes.MayRemoveCollection(key)
	}
	if err != nil {
		h.refused(w, r, err, removeLink(id))
		return
	}
	for _, c := range v.Collections {
		if c.ID == id && c.Name != "" {
			h.renderRemoteForm(w, r, http.StatusOK, func(p pages) g.Node { return p.askRemove(key, c) })
			return
		}
	}
	http.Redirect(w, r, RemotePrefix+url.PathEscape(key)+collectionsPage, http.StatusSeeOther)
}

// collections are the collections v of the remote with a key. complaint is the key of a
// text about what could not be done, "" without.
func (p pages) collections(v device.RemoteCollections, key, complaint string) g.Node {
	list := g.Group{}
	for i, c := range v.Collections {
		list = append(list, p.collection(v, key, strconv.Itoa(i), c))
	}
	title := p.say("settings.collections")
	if complaint != "" {
		complaint = p.say(complaint)
	}
	return p.page(title, markup.H1(markup.Text(title)), said(complaint),
		list,
		g.If(len(v.Pick) > 0, markup.Section(markup.H2(markup.Text(p.say("phone.collection_new"))),
			p.pickFor(v, key, p.nameField("new", "collection", "")))),
		p.backTo(key, "page.back"))
}

// collection is what can be done with a collection.
func (p pages) collection(v device.RemoteCollections, key, n string, c device.Collection) g.Node {
	name := c.Name
	if name == "" {
		name = p.say("settings.collection_general")
	}
	parts := g.Group{
		markup.H2(markup.Dir("auto"), markup.Text(name)),
		markup.P(markup.Class("soft"), markup.Text(p.words.Count("page.photos", c.Items))),
	}
	if len(v.Pick) > 0 {
		parts = append(parts, p.pickFor(v, key, markup.Input(markup.Type("hidden"), markup.Name("collection"), markup.Value(c.ID))))
	}
	if c.Name != "" {
		parts = append(parts,
			markup.Details(markup.Summary(markup.Text(p.say("phone.collection_change"))),
				p.collectionForm(key, "rename", markup.Input(markup.Type("hidden"), markup.Name("collection"), markup.Value(c.ID)),
					p.nameField("name-"+n, "name", c.Name), markup.Button(markup.Class("plain"), markup.Text(p.say("phone.collection_rename")))),
				markup.A(markup.Class("button plain"), markup.Href(RemotePrefix+url.PathEscape(key)+removeLink(c.ID)), markup.Text(p.say("settings.delete_yes")))))
	}
	return markup.Section(parts)
}

// pickFor is a form that starts a pick for the collection in a field, with a button for
// each person who may choose.
func (p pages) pickFor(v device.RemoteCollections, key string, field g.Node) g.Node {
	buttons := g.Group{}
	for _, b := range v.Pick {
		label := p.say("page.choose_photos")
		if b.Wish.Account != "" {
			label = b.Label(p.words)
		}
		buttons = append(buttons, markup.Button(markup.Name("account"), markup.Value(b.Wish.Account), markup.Text(label)))
	}
	who := g.If(len(v.Pick) > 1, markup.P(markup.Text(p.say("page.who"))))
	return p.collectionForm(key, "pick", field, who, buttons)
}

func (p pages) collectionForm(key, wish string, parts ...g.Node) g.Node {
	return markup.Form(markup.Method("post"), markup.Action(RemotePrefix+url.PathEscape(key)+collectionsPage),
		markup.Input(markup.Type("hidden"), markup.Name("wish"), markup.Value(wish)), g.Group(parts))
}

// nameField is a field for the name of a collection.
func (p pages) nameField(id, name, value string) g.Node {
	return g.Group{markup.Label(markup.For(id), markup.Text(p.say("phone.collection_name"))),
		markup.Input(markup.ID(id), markup.Name(name), markup.Value(value), markup.MaxLength("40"), markup.AutoComplete("off"), markup.Dir("auto"), markup.Required())}
}

// askRemove asks whether to delete a collection.
func (p pages) askRemove(key string, c device.Collection) g.Node {
	title := p.say("phone.collection_delete_ask", "name", c.Name)
	return p.page(title, markup.H1(markup.Text(title)),
		markup.P(markup.Text(p.words.Count("page.photos", c.Items))),
		markup.P(markup.Text(p.say("phone.collection_delete_text"))),
		p.collectionForm(key, "remove", markup.Input(markup.Type("hidden"), markup.Name("collection"), markup.Value(c.ID)),
			markup.Button(markup.Class("danger"), markup.ID("delete"), markup.Text(p.say("settings.delete_yes")))),
		p.backTo(key, "page.keep"))
}
