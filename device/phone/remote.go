package phone

import (
	"errors"
	"net/http"

	g "maragu.dev/gomponents"
	"maragu.dev/gomponents/html"

	"pickerd/device"
)

// remote shows a remote control to who knows its key.
func (h *handler) remote(w http.ResponseWriter, r *http.Request) {
	v, err := h.device.Remote(r.PathValue("key"))
	if err != nil {
		h.gone(w)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := h.remotePage(v).Render(w); err != nil {
		h.log.Debug("phone: the page was not taken", "err", err)
	}
}

// control does what was tapped, and shows the remote again, or what the person is
// to see next.
func (h *handler) control(w http.ResponseWriter, r *http.Request) {
	key, wish := r.PathValue("key"), r.PostFormValue("wish")
	to, err := h.device.Control(r.Context(), key, wish, r.PostFormValue("account"))
	problem, known := errors.AsType[*device.Problem](err)
	switch {
	case errors.Is(err, device.ErrRemoteGone):
		h.gone(w)
	case known:
		h.say(w, http.StatusOK, message{problem.Message, problem.Remedy})
	case device.DiskProblem(err) != nil:
		h.log.Warn("remote", "wish", wish, "err", err)
		problem = device.DiskProblem(err)
		h.say(w, http.StatusServiceUnavailable, message{problem.Message, problem.Remedy})
	case errors.Is(err, device.ErrNotThrough):
		h.say(w, http.StatusOK, message{h.words.Say("remote.look"), h.words.Say("remote.look_text")})
	case wish == "away":
		h.say(w, http.StatusOK, message{h.words.Say("remote.put_away_text"), ""})
	case wish == "finish" && err == nil:
		h.say(w, http.StatusOK, message{h.words.Say("remote.look"), h.words.Say("page.guest_forgotten_here")})
	default: // what could not be had any more is no longer on the page
		if err != nil {
			h.log.Info("a wish of a remote had no effect", "err", err)
		}
		if to == "" {
			to = RemotePrefix + key
		}
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}

func (h *handler) gone(w http.ResponseWriter) {
	h.say(w, http.StatusGone, message{h.words.Say("remote.gone"), h.words.Say("remote.gone_text")})
}

// say is render in the language of the screen.
func (h *handler) say(w http.ResponseWriter, status int, m message) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = h.document(m.Title, m.content()).Render(w) // a phone that has gone needs no page
}

// document is page in the language of the screen.
func (h *handler) document(title string, content ...g.Node) g.Node {
	return pageIn(h.words.Code, h.words.RightToLeft, title, content...)
}

func (h *handler) remotePage(v device.Remote) g.Node {
	say := h.words.Say
	button := func(wish, label string, more ...g.Node) g.Node {
		if label == "" {
			return nil
		}
		return html.Form(html.Method("post"), html.Input(html.Type("hidden"), html.Name("wish"), html.Value(wish)), g.Group(more), html.Button(g.Attr("data-wish", wish), g.Text(label)))
	}
	var turn, pick g.Node
	if v.Turns {
		turn = html.Div(html.Class("turn"), button("previous", say("remote.previous")), button("next", say("remote.next")))
	}
	if pick = button("pick", v.Pick); len(v.People) > 0 {
		var people []g.Node
		for _, p := range v.People {
			people = append(people, button("pick", p.Label, html.Input(html.Type("hidden"), html.Name("account"), html.Value(p.ID))))
		}
		pick = html.Section(html.H2(g.Text(say("page.who"))), g.Group(people))
	}
	title := say("remote.title", "name", v.Name)
	return h.document(title,
		html.H1(g.Text(title)),
		html.P(html.ID("now"), g.Text(v.Now)),
		turn, button("pause", v.Pause), pick, button("cancel", v.Cancel), button("finish", v.Finish),
		html.P(html.Class("soft"), g.Text(say("remote.hint"))),
		button("away", say("remote.put_away")),
	)
}
