package phone

import (
	"errors"
	"net/http"

	g "maragu.dev/gomponents"
	"maragu.dev/gomponents/html"

	"pickerd/device"
	"pickerd/display/words"
)

// remote shows the remote control that a key belongs to.
func (h *handler) remote(w http.ResponseWriter, r *http.Request) {
	v, err := h.device.Remote(r.PathValue("key"))
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
	to, err := h.device.Control(r.Context(), key, wish, r.PostFormValue("account"))
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

func (h *handler) gone(w http.ResponseWriter, r *http.Request) {
	p := pages{accepted(r, h.words)}
	h.render(w, http.StatusGone, p.message(p.say("remote.gone"), p.say("remote.gone_text")))
}

// labels are the keys of what a remote's buttons are called.
var labels = []string{"remote.pause", "remote.go_on", "page.choose_photos", "page.try_again", "page.back_to_photos", "page.cancel", "page.stop", "page.finish", "page.somebody_else"}

// label translates a label of the screen's. Names of accounts stay as they are.
func (p pages) label(text string, screen *words.Words) string {
	for _, key := range labels {
		if text == screen.Say(key) {
			return p.say(key)
		}
	}
	return text
}

// remote is the remote v, whose own texts are in the language of the screen.
func (p pages) remote(v device.Remote, screen *words.Words) g.Node {
	button := func(wish, label string, more ...g.Node) g.Node {
		if label == "" {
			return nil
		}
		return html.Form(html.Method("post"), html.Input(html.Type("hidden"), html.Name("wish"), html.Value(wish)), g.Group(more),
			html.Button(g.Attr("data-wish", wish), g.Text(label)))
	}
	var turn, pick g.Node
	if v.Turns {
		turn = html.Div(html.Class("turn"), button("previous", p.say("remote.previous")), button("next", p.say("remote.next")))
	}
	if pick = button("pick", p.label(v.Pick, screen)); len(v.People) > 0 {
		var people []g.Node
		for i, who := range v.People {
			label := p.label(who.Label, screen)
			if who.Label == screen.Say("page.person", "n", i+1) {
				label = p.say("page.person", "n", i+1)
			}
			people = append(people, button("pick", label, html.Input(html.Type("hidden"), html.Name("account"), html.Value(who.ID))))
		}
		pick = html.Section(html.H2(g.Text(p.say("page.who"))), g.Group(people))
	}
	title := p.say("remote.title", "name", v.Name)
	return p.page(title,
		html.H1(g.Text(title)),
		html.P(html.ID("now"), html.Lang(screen.Code), g.Attr("dir", direction(screen)), g.Text(v.Now)), // quotes the screen
		turn, button("pause", p.label(v.Pause, screen)), pick, button("cancel", p.label(v.Cancel, screen)), button("finish", p.label(v.Finish, screen)),
		html.P(html.Class("soft"), g.Text(p.say("remote.hint"))),
		button("away", p.say("remote.put_away")),
	)
}
