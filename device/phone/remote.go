package phone

import (
	"errors"
	"net/http"

	g "maragu.dev/gomponents"
	"maragu.dev/gomponents/html"

	"pickerd/device"
	"pickerd/display"
	"pickerd/display/httpserve"
	"pickerd/display/words"
)

// verbs are what the buttons of a remote send.
var verbs = map[string]display.Verb{"previous": display.Previous, "next": display.Next, "pause": display.Pause, "pick": display.Pick,
	"cancel": display.Cancel, "finish": display.AskForget, "away": display.CloseRemote}

// remote shows the remote control that a key belongs to.
func (h *handler) remote(w http.ResponseWriter, r *http.Request) {
	v, err := h.remotes.Remote(r.PathValue("key"))
	if err != nil {
		h.gone(w, r)
		return
	}
	h.render(w, http.StatusOK, pages{accepted(r, h.words)}.remote(v, h.words))
}

// control does what was tapped. Then it shows the remote again, or the page that
// comes next.
func (h *handler) control(w http.ResponseWriter, r *http.Request) {
	key, wish := r.PathValue("key"), r.PostFormValue("wish")
	to, err := h.remotes.Control(r.Context(), key, display.Wish{Verb: verbs[wish], Account: r.PostFormValue("account")})
	problem, known := errors.AsType[*device.Problem](err)
	p := pages{accepted(r, h.words)}
	switch {
	case errors.Is(err, device.ErrRemoteGone):
		h.gone(w, r)
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

// gone answers a request with a key that is not that of a remote.
func (h *handler) gone(w http.ResponseWriter, r *http.Request) {
	if !h.limits.guess(httpserve.RemoteAddr(r)) {
		h.busy(w, r)
		return
	}
	p := pages{accepted(r, h.words)}
	h.render(w, http.StatusGone, p.message(p.say("remote.gone"), p.say("remote.gone_text")))
}

// remote is the remote v. What is on the screen is named in the screen's language.
func (p pages) remote(v device.Remote, screen *words.Words) g.Node {
	button := func(wish, label string, more ...g.Node) g.Node {
		return html.Form(html.Method("post"), html.Input(html.Type("hidden"), html.Name("wish"), html.Value(wish)), g.Group(more),
			html.Button(g.Attr("data-wish", wish), g.Text(label)))
	}
	// buttons are those of a verb.
	buttons := func(wish string) (list g.Group) {
		for _, b := range v.Buttons {
			if b.Wish.Verb != verbs[wish] {
				continue
			}
			var who g.Group
			if b.Wish.Account != "" {
				who = append(who, html.Input(html.Type("hidden"), html.Name("account"), html.Value(b.Wish.Account)))
			}
			list = append(list, button(wish, b.Label(p.words), who...))
		}
		return list
	}
	var turn, pick g.Node = nil, buttons("pick")
	if slides := append(buttons("previous"), buttons("next")...); len(slides) > 0 {
		turn = html.Div(html.Class("turn"), slides)
	}
	if len(buttons("pick")) > 1 {
		pick = html.Section(html.H2(g.Text(p.say("page.who"))), pick)
	}
	title := p.say("remote.title", "name", v.Name)
	return p.page(title,
		html.H1(g.Text(title)),
		html.P(html.ID("now"), html.Lang(screen.Code), html.Dir(direction(screen)), g.Text(v.Now)),
		turn, buttons("pause"), pick, buttons("cancel"), buttons("finish"),
		html.P(html.Class("soft"), g.Text(p.say("remote.hint"))),
		button("away", p.say("remote.put_away")),
	)
}
