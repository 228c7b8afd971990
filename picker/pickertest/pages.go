package pickertest

import (
	_ "embed"
	"net/url"
	"strconv"

	g "maragu.dev/gomponents"
	"maragu.dev/gomponents/html"
)

//go:embed picker.css
var pickerCSS string

//go:embed picker.js
var pickerJS string

func page(content ...g.Node) g.Node {
	return html.Doctype(html.HTML(html.Lang("en"),
		html.Head(
			html.Meta(html.Charset("utf-8")),
			html.Meta(html.Name("viewport"), html.Content("width=device-width, initial-scale=1")),
			html.TitleEl(g.Text("Choose photos")),
			html.StyleEl(g.Raw(pickerCSS)),
		),
		html.Body(html.Main(
			html.Small(g.Text("Simulated photo picker · no account, no network")),
			g.Group(content),
		)),
	))
}

func waitPage() g.Node {
	return page(html.H1(g.Text("One moment…")), html.P(g.Text("Your photos open as soon as the screen is ready.")))
}

func donePage(chosen int) g.Node {
	return outcomePage("Done: "+strconv.Itoa(chosen)+" chosen", "Look at your screen.")
}

func nothingPage() g.Node {
	return outcomePage("Nothing chosen", "Go back and choose at least one photo.")
}

func deadLinkPage() g.Node {
	return outcomePage("This link no longer works", "Each link can be used once. Scan the new code on your screen.")
}

func outcomePage(outcome, text string) g.Node {
	return page(html.H1(html.ID("outcome"), g.Text(outcome)), html.P(g.Text(text)))
}

func choicePage(items []*Item) g.Node {
	return page(
		html.H1(g.Text("Choose photos for your screen")),
		html.Form(html.Method("post"),
			html.Div(html.Class("grid"), g.Map(items, choice)),
			html.Footer(
				html.Button(html.Type("button"), html.ID("all"), g.Text("Select all")),
				html.Button(html.Class("main"), html.ID("done"), g.Text("Done")),
			),
		),
		html.Script(g.Raw(pickerJS)),
	)
}

func choice(it *Item) g.Node {
	return html.Label(
		html.Img(html.Src("../thumb/"+url.PathEscape(it.ID)), html.Alt(it.Filename), html.Loading("lazy")),
		html.Input(html.Type("checkbox"), html.Name("item"), html.Value(it.ID)),
		g.If(it.Type == "VIDEO", html.Span(html.Class("video"), g.Text("▶ video"))),
	)
}
