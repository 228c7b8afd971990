package web

import (
	"net/http"
	"strings"

	g "maragu.dev/gomponents"

	"pickerd/display/markup"
	"pickerd/display/words"
)

// askForKey answers a request that is not permitted: a browser gets a page on which it
// waits until it is let in, with a form for the key. Other clients get one line.
func (gd *Guard) askForKey(w http.ResponseWriter, r *http.Request, status int, complaint string) {
	text := "The display key is missing or wrong."
	if status == http.StatusTooManyRequests {
		w.Header().Set("Retry-After", "10")
		text = "There were too many wrong display keys."
	} else {
		w.Header().Set("WWW-Authenticate", `Bearer realm="pickerd"`)
	}
	isPage := r.URL.Path == "/" || r.URL.Path == signInPath
	if !isPage {
		http.Error(w, text, status)
		return
	}
	gd.write(w, status, waitPolicy, gd.page(complaint))
}

// Policies of the pages without a key. Pictures of QR codes are in the data.
const (
	waitPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'self'"
	helpPolicy = "default-src 'none'; style-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'"
)

func (gd *Guard) write(w http.ResponseWriter, status int, policy string, page g.Node) {
	gd.cfg.Framing.headers(w.Header(), policy)
	// With no-referrer a browser would send Origin: null with the form. Without TLS
	// nothing else tells where the form came from.
	w.Header().Set("Referrer-Policy", "same-origin")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Add("Vary", "Accept-Language")
	w.WriteHeader(status)
	_ = page.Render(w) // a browser that has gone needs none
}

// screen returns the language and the name of the screen.
func (gd *Guard) screen() (lang *words.Words, name string) {
	p := gd.cfg.Pages.Get()
	return p.Style.Lang(), p.Device
}

// document returns a page with a script, "" without.
func document(lang *words.Words, class, script string, body ...g.Node) g.Node {
	dir := "ltr"
	if lang.RightToLeft {
		dir = "rtl"
	}
	return markup.Doctype(markup.HTML(markup.Lang(lang.Code), markup.Attr("dir", dir),
		markup.Head(
			markup.Meta(markup.Charset("utf-8")),
			markup.Meta(markup.Name("viewport"), markup.Content("width=device-width, initial-scale=1")),
			markup.TitleEl(markup.Text("pickerd")),
			markup.Link(markup.Rel("stylesheet"), markup.Href("/pickerd.css")),
			markup.Link(markup.Rel("stylesheet"), markup.Href("/waiting.css")),
			g.If(script != "", g.Group{markup.Script(markup.Src("/ask.js"), markup.Defer()), markup.Script(markup.Src(script), markup.Defer())}),
		),
		markup.Body(markup.Class(class), g.Group(body)),
	))
}

// prose is text in which what is isolated (U+2068 to U+2069, not nested) is an element:
// old browsers write words backwards beside these characters.
func prose(s string) g.Node {
	var nodes g.Group
	for {
		before, rest, _ := strings.Cut(s, "\u2068")
		isolated, after, found := strings.Cut(rest, "\u2069")
		nodes = append(nodes, markup.Text(before))
		if !found {
			return append(nodes, markup.Text(rest))
		}
		nodes = append(nodes, markup.El("bdi", markup.Text(isolated)))
		s = after
	}
}

// page is the page of a browser that is not let in.
func (gd *Guard) page(complaint string) g.Node {
	lang, name := gd.screen()
	text := lang.Say
	if gd.cfg.Displays == nil {
		return document(lang, "signin", "", markup.Main(markup.ID("signin"),
			markup.H1(markup.Text(text("signin.title"))), markup.P(prose(text("signin.text", "name", name))), gd.form(complaint)))
	}
	return document(lang, "waiting", "/waiting.js", markup.Main(markup.ID("wait"),
		markup.Figure(markup.ID("waithelp"), markup.Hidden(""),
			markup.Img(markup.ID("waitqr"), markup.Alt(text("displays.wait_qr"))), markup.FigCaption(markup.Text(text("displays.wait_qr")))),
		markup.Div(markup.ID("how"),
			markup.P(markup.ID("name"), markup.Text(name)),
			markup.H1(markup.Text(text("displays.wait_title"))),
			markup.P(markup.ID("waitcode"), markup.Dir("ltr"), markup.Aria("live", "polite"), markup.Hidden("")),
			markup.P(markup.ID("step"), prose(text("displays.wait_text", "name", name, "menu", text("displays.menu")))),
			markup.P(markup.ID("note"), markup.Role("status"), markup.Data("taken", text("displays.wait_taken")), markup.Data("full", text("displays.wait_full")),
				markup.Data("cookies", text("displays.wait_cookies")), markup.Data("lost", text("screen.lost"))),
			markup.Details(markup.ID("signin"), g.If(complaint != "", markup.Attr("open")),
				markup.Summary(markup.Text(text("displays.wait_key"))), markup.P(prose(text("signin.text", "name", name))), gd.form(complaint)),
		),
	))
}

// form asks for the display key.
func (gd *Guard) form(complaint string) g.Node {
	lang, _ := gd.screen()
	text := lang.Say
	return g.Group{
		g.If(complaint == "wrong", markup.P(markup.ID("complaint"), markup.Role("alert"), markup.Text(text("signin.wrong")))),
		g.If(complaint == "wait", markup.P(markup.ID("complaint"), markup.Role("alert"), markup.Text(text("signin.wait")))),
		markup.Form(markup.Method("post"), markup.Action(signInPath),
			markup.Label(markup.For("key"), markup.Text(text("signin.key"))),
			markup.Input(markup.ID("key"), markup.Name("key"), markup.Type("text"), markup.Attr("dir", "ltr"), markup.AutoComplete("off"),
				markup.Attr("autocapitalize", "none"), markup.Attr("spellcheck", "false"), markup.Required()),
			markup.Button(markup.ID("goon"), markup.Text(text("signin.go_on"))),
		),
	}
}

// helpPage tells a phone that scanned the QR code how to let the display in. It shows
// nothing of the box but its name, and changes nothing.
func (gd *Guard) helpPage(lang *words.Words, code string) g.Node {
	text := lang.Say
	_, name := gd.screen()
	return document(lang, "signin", "", markup.Main(markup.ID("signin"),
		markup.H1(markup.Text(text("displays.help_title"))),
		g.If(code != "", markup.P(markup.ID("waitcode"), markup.Dir("ltr"), markup.Text(code))),
		markup.P(markup.Text(text("displays.wait_text", "name", name, "menu", text("displays.menu")))),
		markup.P(markup.Text(text("displays.help_menu"))),
		markup.P(markup.Text(text("displays.care"))),
		g.If(code != "", markup.P(markup.Text(text("displays.help_command")), markup.Text(" "), markup.Code(markup.Dir("ltr"), markup.Text("pickerd displays allow "+code)))),
	))
}

// linkPage brings the token of a link by script, because a program that only looks at
// the address, for a preview, must not use it up, and a kiosk has nobody to press a
// button. The button is for a browser that hides the page.
func (gd *Guard) linkPage() g.Node {
	lang, name := gd.screen()
	text := lang.Say
	return document(lang, "signin", "/link.js", markup.Main(markup.ID("signin"),
		markup.H1(markup.Text(name)),
		markup.P(markup.ID("note"), markup.Role("status"), markup.Data("gone", text("displays.link_gone")), markup.Data("lost", text("screen.lost"))),
		markup.Button(markup.ID("goon"), markup.Type("button"), markup.Text(text("displays.link_open"))),
	))
}
