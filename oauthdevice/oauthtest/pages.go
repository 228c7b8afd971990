package oauthtest

import (
	_ "embed"

	g "maragu.dev/gomponents"
	"maragu.dev/gomponents/html"
)

//go:embed consent.css
var consentCSS string

//go:embed device.css
var deviceCSS string

func page(title, css string, content ...g.Node) g.Node {
	return html.Doctype(html.HTML(html.Lang("en"),
		html.Head(
			html.Meta(html.Charset("utf-8")),
			html.Meta(html.Name("viewport"), html.Content("width=device-width, initial-scale=1")),
			html.TitleEl(g.Text(title)),
			html.StyleEl(g.Raw(css)),
		),
		html.Body(html.Main(
			html.Small(g.Text("Simulated sign-in · no account, no network")),
			g.Group(content),
		)),
	))
}

func signInPage(content ...g.Node) g.Node { return page("Sign in", consentCSS, content...) }

func blockedPage(problem string) g.Node {
	return signInPage(
		html.H1(g.Text("Access blocked")),
		html.P(html.ID("outcome"), g.Text(problem)),
	)
}

func accountsPage() g.Node {
	return signInPage(
		html.H1(g.Text("Choose an account")),
		html.Form(html.Method("post"),
			html.Button(html.Class("main"), html.ID("person"), html.Name("person"), html.Value("person"), g.Text("person@example.org")),
			html.Button(html.ID("guest"), html.Name("person"), html.Value("guest"), g.Text("guest@example.org")),
		),
	)
}

func consentPage(person string, scopes []string) g.Node {
	return signInPage(
		html.H1(g.Text("pickerd wants access to your account")),
		html.Form(html.Method("post"),
			html.Input(html.Type("hidden"), html.Name("person"), html.Value(person)),
			g.Map(scopes, scopeBox),
			decisionButton("allow", "Allow", html.Class("main")),
			decisionButton("deny", "Cancel"),
		),
	)
}

func scopeBox(scope string) g.Node {
	return html.Label(html.Input(html.Type("checkbox"), html.Name("scope"), html.Value(scope), html.Checked()), g.Text(" "+scope))
}

func decisionButton(value, label string, attributes ...g.Node) g.Node {
	return html.Button(g.Group(attributes), html.ID(value), html.Name("decision"), html.Value(value), g.Text(label))
}

func connectPage(content ...g.Node) g.Node { return page("Connect a device", deviceCSS, content...) }

func enterCodePage(wrong bool) g.Node {
	ask := html.P(g.Text("Enter the code on your screen."))
	if wrong {
		ask = html.P(html.ID("outcome"), g.Text("This code is not valid. Enter the one on your screen."))
	}
	return connectPage(
		html.H1(g.Text("Connect a device")),
		ask,
		html.Form(html.Method("get"),
			html.Input(html.Name("user_code"), g.Attr("autocapitalize", "characters"), html.AutoComplete("off"), html.AutoFocus(), html.Aria("label", "Code")),
			html.Button(html.Class("main"), g.Text("Next")),
		),
	)
}

func confirmPage(userCode, device string) g.Node {
	who := "A device"
	if device != "" {
		who = "“" + device + "”"
	}
	return connectPage(
		html.H1(g.Text(who+" wants to show photos that you choose")),
		html.P(g.Text("Continue only if your screen shows this code:")),
		html.P(html.Class("code"), html.ID("code"), g.Text(userCode)),
		html.Form(html.Method("post"),
			html.Input(html.Type("hidden"), html.Name("user_code"), html.Value(userCode)),
			decisionButton("allow", "Allow", html.Class("main")),
			decisionButton("guest", "Allow, as guest@example.org"),
			decisionButton("deny", "Decline"),
		),
	)
}

func connectedPage(next string) g.Node {
	if next == "" {
		return outcomePage("Connected", "Continue on your screen.")
	}
	return outcomePage("Connected", "Opening your photos…",
		html.Meta(g.Attr("http-equiv", "refresh"), html.Content("1; url="+next)))
}

func declinedPage() g.Node { return outcomePage("Declined", "The screen was not connected.") }

func lateCodePage() g.Node {
	return outcomePage("This code is no longer valid", "Scan the new code on your screen.")
}

func outcomePage(outcome, text string, more ...g.Node) g.Node {
	return connectPage(html.H1(html.ID("outcome"), g.Text(outcome)), html.P(g.Text(text)), g.Group(more))
}
