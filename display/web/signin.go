package web

import (
	"net/http"

	g "maragu.dev/gomponents"
	"maragu.dev/gomponents/html"
)

// askForKey answers a request without the key: a browser gets a form, other clients
// get one line.
func (g *Guard) askForKey(w http.ResponseWriter, r *http.Request, status int, complaint string) {
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
	w.Header().Set("Content-Security-Policy", signInPolicy)
	// With no-referrer a browser would send Origin: null with the form. Without TLS
	// nothing else tells where the form came from.
	w.Header().Set("Referrer-Policy", "same-origin")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = g.page(complaint).Render(w) // a browser that has gone needs none
}

const signInPolicy = "default-src 'none'; style-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func (gd *Guard) page(complaint string) g.Node {
	text, dir := gd.cfg.Words.Say, "ltr"
	if gd.cfg.Words.RightToLeft {
		dir = "rtl"
	}
	return html.Doctype(html.HTML(html.Lang(gd.cfg.Words.Code), g.Attr("dir", dir),
		html.Head(
			html.Meta(html.Charset("utf-8")),
			html.Meta(html.Name("viewport"), html.Content("width=device-width, initial-scale=1")),
			html.TitleEl(g.Text("pickerd")),
			html.Link(html.Rel("stylesheet"), html.Href("/pickerd.css")),
		),
		html.Body(html.Class("signin"),
			html.Main(html.ID("signin"),
				html.H1(g.Text(text("signin.title"))),
				html.P(g.Text(text("signin.text", "name", gd.cfg.Name))),
				g.If(complaint == "wrong", html.P(html.ID("complaint"), html.Role("alert"), g.Text(text("signin.wrong")))),
				g.If(complaint == "wait", html.P(html.ID("complaint"), html.Role("alert"), g.Text(text("signin.wait")))),
				html.Form(html.Method("post"), html.Action(signInPath),
					html.Label(html.For("key"), g.Text(text("signin.key"))),
					html.Input(html.ID("key"), html.Name("key"), html.Type("text"), g.Attr("dir", "ltr"), html.AutoComplete("off"),
						g.Attr("autocapitalize", "none"), g.Attr("spellcheck", "false"), html.Required(), html.AutoFocus()),
					html.Button(html.ID("goon"), g.Text(text("signin.go_on"))),
				),
			),
		),
	))
}
