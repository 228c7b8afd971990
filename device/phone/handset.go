package phone

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	g "maragu.dev/gomponents"

	"pickerd/device"
	"pickerd/display/httpserve"
	"pickerd/display/markup"
	"pickerd/display/words"
)

// A Handset is what a remote has beside its buttons: thumbnails, settings, deleting
// and the PIN. Each method returns device.ErrRemoteGone for a wrong key.
type Handset interface {
	Glance(key string) (device.Remote, error)
	Thumbnail(ctx context.Context, key, item string) ([]byte, error)
	MayDelete(key, item string) error
	RemoteSettings(key string) ([]device.Choice, error)
	ChangeRemote(ctx context.Context, key string, values map[string]string) error
	EnterRemotePIN(key, pin string) error
	RemoteCollections(key string) (device.RemoteCollections, error)
	MayRemoveCollection(key string) error
}

// The pages of a remote, below its own address.
const (
	nowPage      = "/now"
	thumbPage    = "/thumbnail/"
	settingsPage = "/settings"
	deletePage   = "/delete"
	pinPage      = "/pin"
)

// remotePolicy also allows the thumbnails and the script that renews them.
const remotePolicy = policy + "; img-src 'self'; script-src 'self'; connect-src 'self'"

// handset adds the pages of a remote to mux.
func (h *handler) handset(mux *http.ServeMux) {
	const remote = RemotePrefix + "{key}"
	mux.HandleFunc("GET "+remote+nowPage, h.now)
	mux.HandleFunc("GET "+remote+thumbPage+"{item}", h.thumbnail)
	mux.HandleFunc("GET "+remote+settingsPage, h.settings)
	mux.HandleFunc("POST "+remote+settingsPage, h.changeSettings)
	mux.HandleFunc("GET "+remote+deletePage, h.askDelete)
	mux.HandleFunc("POST "+remote+pinPage, h.enterPIN)
	mux.HandleFunc("GET "+remote+collectionsPage, h.collections)
	mux.HandleFunc("POST "+remote+collectionsPage, h.changeCollections)
	mux.HandleFunc("GET "+remote+removePage, h.askRemove)
	mux.HandleFunc("GET "+Prefix+"handset.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFileFS(w, r, assets, "assets/handset.js")
	})
}

// now is the remote again, for its script. It is no sign of somebody who uses it.
func (h *handler) now(w http.ResponseWriter, r *http.Request) {
	v, err := h.remotes.Glance(r.PathValue("key"))
	if err != nil {
		h.gone(w, r)
		return
	}
	h.renderRemote(w, r, v)
}

func (h *handler) renderRemote(w http.ResponseWriter, r *http.Request, v device.Remote) {
	w.Header().Set("Content-Security-Policy", remotePolicy)
	h.render(w, http.StatusOK, pages{Accepted(r, h.lang())}.remote(v, h.lang(), r.PathValue("key")))
}

func (h *handler) thumbnail(w http.ResponseWriter, r *http.Request) {
	jpeg, err := h.remotes.Thumbnail(r.Context(), r.PathValue("key"), r.PathValue("item"))
	switch {
	case errors.Is(err, device.ErrRemoteGone):
		h.gone(w, r)
	case err != nil:
		if !errors.Is(err, fs.ErrNotExist) && r.Context().Err() == nil {
			h.log.Info("no thumbnail", "err", err)
		}
		http.Error(w, http.StatusText(http.StatusNotFound), http.StatusNotFound)
	default:
		w.Header().Set("Content-Type", "image/jpeg")
		_, _ = w.Write(jpeg) // a phone that has gone needs none
	}
}

func (h *handler) settings(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	list, err := h.remotes.RemoteSettings(key)
	if err != nil {
		h.refused(w, r, err, settingsPage)
		return
	}
	h.renderRemoteForm(w, r, http.StatusOK, func(p pages) g.Node { return p.settings(list, key, "") })
}

func (h *handler) renderRemoteForm(w http.ResponseWriter, r *http.Request, status int, page func(pages) g.Node) {
	w.Header().Set("Content-Security-Policy", remotePolicy)
	h.render(w, status, page(pages{Accepted(r, h.lang())}))
}

// changeSettings takes the form of the settings. Values that it was made with are not
// set: somebody else may have changed them meanwhile.
func (h *handler) changeSettings(w http.ResponseWriter, r *http.Request) {
	key := r.PathValue("key")
	list, err := h.remotes.RemoteSettings(key)
	if err != nil {
		h.refused(w, r, err, settingsPage)
		return
	}
	values := map[string]string{}
	for _, c := range list {
		if v := r.PostFormValue(c.Key); r.PostForm.Has(c.Key) && v != r.PostFormValue("was."+c.Key) {
			values[c.Key] = v
		}
	}
	said, status := "settings.saved", http.StatusOK
	if err := h.remotes.ChangeRemote(r.Context(), key, values); err != nil {
		said, status = "settings.failed", http.StatusServiceUnavailable
		if e, ok := errors.AsType[*device.SettingError](err); ok && e.Code == device.SettingLocked {
			said, status = "settings.locked", http.StatusForbidden
		}
		h.log.Warn("settings not changed", "err", err)
	}
	if list, err = h.remotes.RemoteSettings(key); err != nil {
		h.refused(w, r, err, settingsPage)
		return
	}
	h.renderRemoteForm(w, r, status, func(p pages) g.Node { return p.settings(list, key, said) })
}

// askDelete asks whether to delete an item.
func (h *handler) askDelete(w http.ResponseWriter, r *http.Request) {
	key, item := r.PathValue("key"), r.FormValue("item")
	if err := h.remotes.MayDelete(key, item); err != nil {
		h.refused(w, r, err, deletePage+"?"+url.Values{"item": {item}}.Encode())
		return
	}
	h.renderRemoteForm(w, r, http.StatusOK, func(p pages) g.Node { return p.askDelete(key, item) })
}

// refused answers a request for a page that a remote does not get, or not before the
// PIN. next is where the PIN leads, below the remote's address.
func (h *handler) refused(w http.ResponseWriter, r *http.Request, err error, next string) {
	key := r.PathValue("key")
	switch {
	case errors.Is(err, device.ErrRemoteGone):
		h.gone(w, r)
	case errors.Is(err, device.ErrPINNeeded):
		h.renderRemoteForm(w, r, http.StatusForbidden, func(p pages) g.Node { return p.askPIN(key, next, "") })
	default:
		http.Redirect(w, r, RemotePrefix+url.PathEscape(key), http.StatusSeeOther)
	}
}

// enterPIN takes a PIN and leads on to the page that needs it.
func (h *handler) enterPIN(w http.ResponseWriter, r *http.Request) {
	key, item := r.PathValue("key"), r.PostFormValue("item")
	next := settingsPage
	if item != "" {
		next = deletePage + "?" + url.Values{"item": {item}}.Encode()
	}
	if c := r.PostFormValue("collection"); c != "" {
		next = removeLink(c)
	}
	err := h.remotes.EnterRemotePIN(key, r.PostFormValue("pin"))
	said := "settings.failed"
	wait, waits := errors.AsType[*device.PINWaitError](err)
	switch {
	case err == nil || errors.Is(err, device.ErrNotOffered):
		http.Redirect(w, r, RemotePrefix+url.PathEscape(key)+next, http.StatusSeeOther)
		return
	case errors.Is(err, device.ErrRemoteGone):
		h.gone(w, r)
		return
	case waits:
		said = "settings.pin_wait"
	case errors.Is(err, device.ErrPINWrong):
		said = "settings.pin_wrong"
	default:
		h.log.Error("PIN not checked", "err", err)
	}
	h.renderRemoteForm(w, r, http.StatusForbidden, func(p pages) g.Node {
		text := p.say(said)
		if waits {
			text = p.say(said, "n", wait.Minutes())
		}
		return p.askPIN(key, next, text)
	})
}

// gone answers a request with a key that is not that of a remote.
func (h *handler) gone(w http.ResponseWriter, r *http.Request) {
	if !h.limits.Guess(httpserve.RemoteAddr(r)) {
		h.busy(w, r)
		return
	}
	p := pages{Accepted(r, h.lang())}
	h.render(w, http.StatusGone, p.message(p.say("remote.gone"), p.say("remote.gone_text")))
}

// backTo leads back to the remote with a key.
func (p pages) backTo(key, label string) g.Node {
	return markup.A(markup.Class("button plain"), markup.ID("back"), markup.Href(RemotePrefix+url.PathEscape(key)), markup.Text(p.say(label)))
}

// said is what became of a form, "" without.
func said(text string) g.Node {
	return g.If(text != "", markup.P(markup.Class("complaint"), markup.ID("said"), markup.Role("status"), markup.Text(text)))
}

// settings is a form with a list of values for each setting. key is that of the remote,
// outcome that of a text about the form sent before.
func (p pages) settings(list []device.Choice, key, outcome string) g.Node {
	fields := g.Group{}
	locked := false
	for _, c := range list {
		options := g.Group{}
		for _, o := range c.Options {
			options = append(options, markup.Option(markup.Value(o.Value), g.If(o.Value == c.Value, markup.Selected()), markup.Text(o.Label.In(p.words))))
		}
		locked = locked || c.Locked
		fields = append(fields, markup.Label(markup.For(c.Key), markup.Text(c.Title(p.words))),
			markup.Select(markup.ID(c.Key), markup.Name(c.Key), g.If(c.Locked, g.Group{markup.Disabled(), markup.Aria("describedby", "locked")}), options),
			markup.Input(markup.Type("hidden"), markup.Name("was."+c.Key), markup.Value(c.Value)))
	}
	title := p.say("settings.title")
	if outcome != "" {
		outcome = p.say(outcome)
	}
	return p.page(title, markup.H1(markup.Text(title)), said(outcome),
		markup.Form(markup.Method("post"), fields,
			g.If(locked, markup.P(markup.Class("soft"), markup.ID("locked"), markup.Text(p.say("settings.locked")))),
			markup.Button(markup.ID("save"), markup.Text(p.say("settings.save")))),
		p.backTo(key, "page.back"))
}

// askDelete asks whether to delete an item.
func (p pages) askDelete(key, item string) g.Node {
	title := p.say("settings.delete_ask")
	return p.page(title, markup.H1(markup.Text(title)),
		markup.Img(markup.Class("thumbnail"), markup.Src(thumbOf(key, item)), markup.Alt("")),
		markup.P(markup.Text(p.say("settings.delete_text"))),
		markup.Form(markup.Method("post"), markup.Action(RemotePrefix+url.PathEscape(key)),
			markup.Input(markup.Type("hidden"), markup.Name("wish"), markup.Value("delete")),
			markup.Input(markup.Type("hidden"), markup.Name("item"), markup.Value(item)),
			markup.Button(markup.Class("danger"), markup.ID("delete"), markup.Text(p.say("settings.delete_yes")))),
		p.backTo(key, "page.keep"))
}

func thumbOf(key, item string) string {
	return RemotePrefix + url.PathEscape(key) + thumbPage + url.PathEscape(item)
}

// askPIN asks for the PIN before the page next.
func (p pages) askPIN(key, next, outcome string) g.Node {
	title := p.say("settings.pin_title")
	var item, collection string
	if u, err := url.Parse(next); err == nil {
		item, collection = u.Query().Get("item"), u.Query().Get("collection")
	}
	return p.page(title, markup.H1(markup.Text(title)), said(outcome),
		markup.Form(markup.Method("post"), markup.Action(RemotePrefix+url.PathEscape(key)+pinPage),
			g.If(item != "", markup.Input(markup.Type("hidden"), markup.Name("item"), markup.Value(item))),
			g.If(collection != "", markup.Input(markup.Type("hidden"), markup.Name("collection"), markup.Value(collection))),
			markup.Label(markup.For("pin"), markup.Text(p.say("settings.pin"))),
			markup.Input(markup.ID("pin"), markup.Name("pin"), markup.Type("password"), markup.Attr("inputmode", "numeric"), markup.Attr("pattern", "[0-9]*"),
				markup.MaxLength("12"), markup.AutoComplete("off"), markup.Dir("ltr"), markup.Required()),
			markup.Button(markup.ID("enter"), markup.Text(p.say("screen.key_ok")))),
		p.backTo(key, "page.back"))
}

// shown are the photos on the screen, and what can be done with each. Their text is in
// the screen's language.
func (p pages) shown(v device.Remote, screen *words.Words, key string) (shown, act g.Node) {
	pictures, acts := g.Group{}, g.Group{}
	for i, photo := range v.Photos {
		alt := ""
		if i == 0 {
			alt = v.Now
		}
		pictures = append(pictures, markup.Img(markup.Class("thumbnail"), markup.Src(thumbOf(key, photo.Item)), markup.Alt(alt), markup.Lang(screen.Code)))
		if photo.Hide != "" {
			acts = append(acts, p.act("hide", photo.Hide, photo.Item))
		}
	}
	for _, photo := range v.Photos {
		if photo.Delete != "" {
			acts = append(acts, markup.A(markup.Class("button plain"), markup.Attr("data-delete", photo.Item),
				markup.Href(RemotePrefix+url.PathEscape(key)+deletePage+"?"+url.Values{"item": {photo.Item}}.Encode()), markup.Text(p.say(photo.Delete))))
		}
	}
	return markup.Div(markup.ID("shown"),
			g.If(len(pictures) > 0, markup.Div(markup.Class("pictures"), pictures)),
			markup.P(markup.ID("now"), markup.Lang(screen.Code), markup.Dir(direction(screen)), markup.Text(v.Now)),
			p.playing(v)),
		markup.Div(markup.ID("acts"), markup.Class("turn"), acts)
}

// playing says how the slide is played: that it is paused, that there is no sound, and
// how much is left of a film.
func (p pages) playing(v device.Remote) g.Node {
	var says []string
	if v.Playing.Paused != "" {
		says = append(says, p.say("page.paused"))
	}
	if v.Film && v.Playing.Muted {
		says = append(says, p.say("phone.muted"))
	}
	if left := time.Until(v.Playing.NextAt); v.Film && left > 0 {
		says = append(says, p.say("phone.left", "time", p.words.Countdown(left)))
	}
	return g.If(len(says) > 0, markup.P(markup.ID("playing"), markup.Class("soft"), markup.Text(strings.Join(says, " · "))))
}

// act is a button that does something with an item.
func (p pages) act(wish, label, item string) g.Node {
	return markup.Form(markup.Method("post"), markup.Input(markup.Type("hidden"), markup.Name("wish"), markup.Value(wish)),
		markup.Input(markup.Type("hidden"), markup.Name("item"), markup.Value(item)),
		markup.Button(markup.Class("plain"), markup.Attr("data-wish", wish), markup.Text(p.say(label))))
}
