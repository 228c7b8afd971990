package pickertest

import (
	_ "embed"
	"net/url"
	"strconv"

	g "maragu.dev/gomponents"

	"pickerd/display/markup"
)

//go:embed picker.css
var pickerCSS string

//go:embed picker.js
var pickerJS string

func page(content ...g.Node) g.Node {
	return markup.Doctype(markup.HTML(markup.Lang("en"),
		markup.Head(
			markup.Meta(markup.Charset("utf-8")),
			markup.Meta(markup.Name("viewport"), markup.Content("width=device-width, initial-scale=1")),
			markup.TitleEl(markup.Text("Choose photos")),
			markup.StyleEl(g.Raw(pickerCSS)),
		),
		markup.Body(markup.Main(
			markup.Small(markup.Text("Simulated photo picker · no account, no network")),
			g.Group(content),
		)),
	))
}

func waitPage() g.Node {
	return page(markup.H1(markup.Text("One moment…")), markup.P(markup.Text("Your photos open as soon as the screen is ready.")))
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
	return page(markup.H1(markup.ID("outcome"), markup.Text(outcome)), markup.P(markup.Text(text)))
}

func choicePage(items []*Item) g.Node {
	return page(
		markup.H1(markup.Text("Choose photos for your screen")),
		markup.Form(markup.Method("post"),
			markup.Div(markup.Class("grid"), g.Map(items, choice)),
			markup.Footer(
				markup.Button(markup.Type("button"), markup.ID("all"), markup.Text("Select all")),
				markup.Button(markup.Class("main"), markup.ID("done"), markup.Text("Done")),
			),
		),
		markup.Script(g.Raw(pickerJS)),
	)
}

func choice(it *Item) g.Node {
	return markup.Label(
		markup.Img(markup.Src("../thumb/"+url.PathEscape(it.ID)), markup.Alt(it.Filename), markup.Loading("lazy")),
		markup.Input(markup.Type("checkbox"), markup.Name("item"), markup.Value(it.ID)),
		g.If(it.Type == "VIDEO", markup.Span(markup.Class("video"), markup.Text("▶ video"))),
	)
}
