package phone

import (
	_ "embed"
	"html"
	"strings"

	g "maragu.dev/gomponents"
	h "maragu.dev/gomponents/html"

	"pickerd/device"
	"pickerd/display/words"
)

// unopened is a drawing of a browser that could not open a page.
//
//go:embed assets/unopened.svg
var unopened string

// pages are the pages in one language.
type pages struct{ words *words.Words }

func (p pages) say(key string, args ...any) string { return p.words.Say(key, args...) }

func (p pages) page(title string, content ...g.Node) g.Node {
	return h.Doctype(h.HTML(h.Lang(p.words.Code), g.Attr("dir", direction(p.words)),
		h.Head(
			h.Meta(h.Charset("utf-8")),
			h.Meta(h.Name("viewport"), h.Content("width=device-width, initial-scale=1")),
			h.TitleEl(g.Text(title)),
			h.Link(h.Rel("stylesheet"), h.Href(Prefix+"phone.css")),
		),
		h.Body(h.Main(content...)),
	))
}

func direction(w *words.Words) string {
	if w.RightToLeft {
		return "rtl"
	}
	return "ltr"
}

func (p pages) message(title, text string) g.Node {
	return p.page(title, h.H1(h.ID("title"), g.Text(title)), h.P(h.ID("text"), g.Text(text)))
}

// problem shows a problem of the box.
func (p pages) problem(problem *device.Problem) g.Node {
	message, remedy, _ := problem.In(p.words)
	return p.message(message, remedy)
}

func (p pages) lookAtScreen() g.Node {
	return p.message(p.say("remote.look"), p.say("remote.look_text"))
}

// address takes a copied address. complaint is the key of a text about the last
// one, "" without.
func (p pages) address(v device.Visit, complaint string) g.Node {
	return p.page(p.say("phone.title", "name", v.Name),
		h.H1(g.Text(p.say("page.pair_title", "name", v.Name))),
		g.If(complaint != "", h.P(h.Class("complaint"), h.ID("complaint"), h.Role("alert"), g.Text(p.say(complaint)))),
		h.Ol(p.signIn(v.AuthURL), p.copyAddress(), p.pasteAddress()),
		h.P(h.Class("soft"), g.Text(p.say("phone.once"))),
	)
}

// signIn links to the consent page. The link's scheme needs no check: package
// configs accepts only http(s) addresses.
func (p pages) signIn(authURL string) g.Node {
	return h.Li(g.Text(p.say("phone.sign_in_text")),
		h.A(h.Class("button"), h.ID("signin"), h.Href(authURL), h.Target("_blank"), h.Rel("noreferrer"), g.Text(p.say("phone.sign_in"))))
}

func (p pages) copyAddress() g.Node {
	before, after, _ := strings.Cut(p.say("phone.copy_text"), "{error}")
	return h.Li(g.Text(before), h.B(g.Text(p.say("phone.copy_error"))), g.Text(after+" "), g.Raw(p.picture()))
}

// picture draws the page that the browser could not open.
func (p pages) picture() string {
	var pairs []string
	for placeholder, key := range map[string]string{
		"{picture}": "phone.picture", "{copy}": "phone.picture_copy", "{error}": "phone.picture_error", "{refused}": "phone.picture_refused",
	} {
		pairs = append(pairs, placeholder, html.EscapeString(p.say(key)))
	}
	return strings.NewReplacer(pairs...).Replace(unopened)
}

func (p pages) pasteAddress() g.Node {
	return h.Li(g.Text(p.say("phone.paste_text")),
		h.Form(h.Method("post"),
			h.Label(h.For("address"), g.Text(p.say("phone.address"))),
			h.Input(h.ID("address"), h.Name("address"), h.Type("text"), g.Attr("inputmode", "url"), h.Dir("ltr"), h.AutoComplete("off"),
				g.Attr("autocapitalize", "none"), g.Attr("spellcheck", "false"), h.Required()),
			h.Button(h.ID("send"), g.Text(p.say("phone.go_on"))),
		))
}
