package phone

import (
	_ "embed"

	g "maragu.dev/gomponents"
	"maragu.dev/gomponents/html"

	"pickerd/device"
)

//go:embed assets/unopened.svg
var unopened string

func page(title string, content ...g.Node) g.Node { return pageIn("en", false, title, content...) }

func pageIn(language string, rightToLeft bool, title string, content ...g.Node) g.Node {
	dir := "ltr"
	if rightToLeft {
		dir = "rtl"
	}
	return html.Doctype(html.HTML(html.Lang(language), g.Attr("dir", dir),
		html.Head(
			html.Meta(html.Charset("utf-8")),
			html.Meta(html.Name("viewport"), html.Content("width=device-width, initial-scale=1")),
			html.TitleEl(g.Text(title)),
			html.Link(html.Rel("stylesheet"), html.Href(Prefix+"phone.css")),
		),
		html.Body(html.Main(content...)),
	))
}

func messagePage(m message) g.Node {
	return page(m.Title, m.content())
}

func (m message) content() g.Node {
	return g.Group{html.H1(html.ID("title"), g.Text(m.Title)), html.P(html.ID("text"), g.Text(m.Text))}
}

func addressPage(v device.Visit, complaint string) g.Node {
	return page("Link "+v.Name,
		html.H1(g.Text("Show your photos on "+v.Name)),
		g.If(complaint != "", html.P(html.Class("complaint"), html.ID("complaint"), html.Role("alert"), g.Text(complaint))),
		html.Ol(signIn(v.AuthURL), copyAddress(), pasteAddress()),
		html.P(html.Class("soft"), g.Text("The address is good once, for this screen, and for a few minutes. Don’t give it to anybody else.")),
	)
}

// signIn's link needs no look at its scheme: package configs takes nothing but
// http(s) addresses.
func signIn(authURL string) g.Node {
	return html.Li(g.Text("Sign in to Google. It opens in a new tab; keep this one. "),
		html.A(html.Class("button"), html.ID("signin"), html.Href(authURL), html.Target("_blank"), html.Rel("noreferrer"),
			g.Text("Sign in to Google")))
}

func copyAddress() g.Node {
	return html.Li(g.Text("At the end your browser says that "), html.B(g.Text("a page can’t be opened")),
		g.Text(". That is right. Tap the address at its top and copy all of it. "), g.Raw(unopened))
}

func pasteAddress() g.Node {
	return html.Li(g.Text("Come back to this page and paste it here."),
		html.Form(html.Method("post"),
			html.Label(html.For("address"), g.Text("The address that you copied")),
			html.Input(html.ID("address"), html.Name("address"), html.Type("text"), g.Attr("inputmode", "url"), html.AutoComplete("off"),
				g.Attr("autocapitalize", "none"), g.Attr("spellcheck", "false"), html.Required()),
			html.Button(html.ID("send"), g.Text("Go on")),
		))
}
