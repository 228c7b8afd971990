package phone

import (
	"errors"
	"net/http"
	"net/url"

	g "maragu.dev/gomponents"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/markup"
	"pickerd/display/words"
)

// verbs are what the buttons of a remote send.
var verbs = map[string]display.Verb{"previous": display.Previous, "next": display.Next, "pause": display.Pause, "pick": display.Pick,
	"cancel": display.Cancel, "finish": display.AskForget, "away": display.CloseRemote, "hide": display.Hide, "unhide": display.Unhide, "delete": display.Remove,
	"quieter": display.VolumeDown, "louder": display.VolumeUp, "mute": display.Mute, "screen-off": display.ScreenOff, "screen-on": display.ScreenOn}

// remote shows the remote control that a key belongs to.
func (h *handler) remote(w http.ResponseWriter, r *http.Request) {
	v, err := h.remotes.Remote(r.PathValue("key"))
	if err != nil {
		h.gone(w, r)
		return
	}
	h.renderRemote(w, r, v)
}

// control does what was tapped. Then it shows the remote again, or the page that
// comes next.
func (h *handler) control(w http.ResponseWriter, r *http.Request) {
	key, wish := r.PathValue("key"), r.PostFormValue("wish")
	to, err := h.remotes.Control(r.Context(), key, display.Wish{Verb: verbs[wish], Account: r.PostFormValue("account"), Item: r.PostFormValue("item")})
	h.controlled(w, r, wish, to, err)
}

// controlled answers what became of a wish. to is where the phone goes on, "" for the
// remote.
func (h *handler) controlled(w http.ResponseWriter, r *http.Request, wish, to string, err error) {
	key := r.PathValue("key")
	problem, known := errors.AsType[*device.Problem](err)
	p := pages{Accepted(r, h.lang())}
	switch {
	case errors.Is(err, device.ErrRemoteGone):
		h.gone(w, r)
	case errors.Is(err, device.ErrPINNeeded): // it was entered too long ago
		h.refused(w, r, err, deletePage+"?"+url.Values{"item": {r.PostFormValue("item")}}.Encode())
	case known:
		h.render(w, http.StatusOK, p.problem(problem))
	case device.DiskProblem(err) != nil:
		h.log.Warn("remote failed", "wish", wish, "err", err)
		h.render(w, http.StatusServiceUnavailable, p.problem(device.DiskProblem(err)))
	case errors.Is(err, device.ErrNotThrough):
		h.render(w, http.StatusOK, p.lookAtScreen())
	case wish == "away":
		h.render(w, http.StatusOK, p.message(p.say("remote.put_away_text"), ""))
	case wish == "finish" && err == nil:
		h.render(w, http.StatusOK, p.message(p.say("remote.look"), p.say("page.guest_forgotten_here")))
	default: // the page shown next no longer offers what failed
		if err != nil {
			h.log.Info("remote had no effect", "wish", wish, "err", err)
		}
		if to == "" {
			to = RemotePrefix + key
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

// remote is the remote v with a key. What is on the screen is named in the screen's
// language.
func (p pages) remote(v device.Remote, screen *words.Words, key string) g.Node {
	main, turn, sound, pick, others := g.Group{}, g.Group{}, g.Group{}, g.Group{}, g.Group{}
	for _, b := range v.Buttons {
		button := p.button(b)
		switch {
		case b.Main:
			main = append(main, button)
		case b.Wish.Verb == display.Previous || b.Wish.Verb == display.Next:
			turn = append(turn, button)
		case b.Wish.Verb.IsOfSound():
			sound = append(sound, button)
		case b.Wish.Verb == display.Pick:
			pick = append(pick, button)
		default:
			others = append(others, button)
		}
	}
	if len(pick) > 1 {
		pick = g.Group{markup.Section(markup.H2(markup.Text(p.say("page.who"))), pick)}
	}
	shown, acts := p.shown(v, screen, key)
	title := p.say("remote.title", "name", v.Name)
	return p.page(title,
		markup.H1(markup.Text(title)),
		shown,
		g.If(len(turn) > 0, markup.Div(markup.Class("turn"), turn)),
		markup.Div(markup.ID("main"), main),
		markup.Div(markup.ID("sound"), markup.Class("turn"), sound),
		pick, others, acts,
		g.If(v.Collections, markup.A(markup.Class("button plain"), markup.ID("collections"), markup.Href(RemotePrefix+url.PathEscape(key)+collectionsPage), markup.Text(p.say("settings.collections")))),
		g.If(v.Settings, markup.A(markup.Class("button plain"), markup.ID("settings"), markup.Href(RemotePrefix+url.PathEscape(key)+settingsPage), markup.Text(p.say("settings.title")))),
		markup.P(markup.Class("soft"), markup.Text(p.say("remote.hint"))),
		p.button(device.Button{Wish: display.Wish{Verb: display.CloseRemote}, Key: "remote.put_away"}),
		markup.Script(markup.Src(Prefix+"handset.js"), markup.Defer()),
	)
}

// button is a form with one button, which sends what it stands for.
func (p pages) button(b device.Button) g.Node {
	var wish string
	for name, verb := range verbs {
		if verb == b.Wish.Verb {
			wish = name
		}
	}
	return markup.Form(markup.Method("post"), markup.Input(markup.Type("hidden"), markup.Name("wish"), markup.Value(wish)),
		g.If(b.Wish.Account != "", markup.Input(markup.Type("hidden"), markup.Name("account"), markup.Value(b.Wish.Account))),
		markup.Button(g.If(!b.Main, markup.Class("plain")), markup.Attr("data-wish", wish), markup.Text(b.Label(p.words))))
}
