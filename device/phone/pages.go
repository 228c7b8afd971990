package phone

import (
	_ "embed"
	"html"
	"strings"

	g "maragu.dev/gomponents"

	"pickerd/device"
	"pickerd/display/markup"
	"pickerd/display/words"
)

// unopened is a drawing of a browser that could not open a page.
//
//go:embed assets/unopened.svg
var unopened string

// pages are the pages in one language.
type pages struct{ words *words.Words }

func (p pages) say(key string, args ...any) string { return p.words.Say(key, args...) }

func (p pages) page(title string, content ...g.Node) g.Node { return Page(p.words, title, content...) }

// Page returns a page in the style of all pages for phones, see Style.
func Page(w *words.Words, title string, content ...g.Node) g.Node {
	return markup.Doctype(markup.HTML(markup.Lang(w.Code), markup.Attr("dir", direction(w)),
		markup.Head(
			markup.Meta(markup.Charset("utf-8")),
			markup.Meta(markup.Name("viewport"), markup.Content("width=device-width, initial-scale=1")),
			markup.TitleEl(markup.Text(title)),
			markup.Link(markup.Rel("stylesheet"), markup.Href(Prefix+"phone.css")),
		),
		markup.Body(markup.Main(content...)),
	))
}

func direction(w *words.Words) string {
	if w.RightToLeft {
		return "rtl"
	}
	return "ltr"
}

func (p pages) message(title, text string) g.Node {
	return p.page(title, markup.H1(markup.ID("title"), markup.Text(title)), markup.P(markup.ID("text"), markup.Text(text)))
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
		markup.H1(markup.Text(p.say("page.pair_title", "name", v.Name))),
		g.If(complaint != "", markup.P(markup.Class("complaint"), markup.ID("complaint"), markup.Role("alert"), markup.Text(p.say(complaint)))),
		markup.Ol(p.signIn(v.AuthURL), p.copyAddress(), p.pasteAddress()),
		markup.P(markup.Class("soft"), markup.Text(p.say("phone.once"))),
	)
}

// signIn links to the consent page. The link's scheme needs no check: package
// configs accepts only http(s) addresses.
func (p pages) signIn(authURL string) g.Node {
	return markup.Li(markup.Text(p.say("phone.sign_in_text")),
		markup.A(markup.Class("button"), markup.ID("signin"), markup.Href(authURL), markup.Target("_blank"), markup.Rel("noreferrer"), markup.Text(p.say("phone.sign_in"))))
}

func (p pages) copyAddress() g.Node {
	before, after, _ := strings.Cut(p.say("phone.copy_text"), "{error}")
	return markup.Li(markup.Text(before), markup.B(markup.Text(p.say("phone.copy_error"))), markup.Text(after+" "), g.Raw(p.picture()))
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
	return markup.Li(markup.Text(p.say("phone.paste_text")),
		markup.Form(markup.Method("post"),
			markup.Label(markup.For("address"), markup.Text(p.say("phone.address"))),
			markup.Input(markup.ID("address"), markup.Name("address"), markup.Type("text"), markup.Attr("inputmode", "url"), markup.Dir("ltr"), markup.AutoComplete("off"),
				markup.Attr("autocapitalize", "none"), markup.Attr("spellcheck", "false"), markup.Required()),
			markup.Button(markup.ID("send"), markup.Text(p.say("phone.go_on"))),
		))
}
