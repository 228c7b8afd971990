package oauthtest

import (
	_ "embed"

	g "maragu.dev/gomponents"

	"pickerd/display/markup"
)

//go:embed consent.css
var consentCSS string

//go:embed device.css
var deviceCSS string

func page(title, css string, content ...g.Node) g.Node {
	return markup.Doctype(markup.HTML(markup.Lang("en"),
		markup.Head(
			markup.Meta(markup.Charset("utf-8")),
			markup.Meta(markup.Name("viewport"), markup.Content("width=device-width, initial-scale=1")),
			markup.TitleEl(markup.Text(title)),
			markup.StyleEl(g.Raw(css)),
		),
		markup.Body(markup.Main(
			markup.Small(markup.Text("Simulated sign-in · no account, no network")),
			g.Group(content),
		)),
	))
}

func signInPage(content ...g.Node) g.Node { return page("Sign in", consentCSS, content...) }

func blockedPage(problem string) g.Node {
	return signInPage(
		markup.H1(markup.Text("Access blocked")),
		markup.P(markup.ID("outcome"), markup.Text(problem)),
	)
}

func accountsPage() g.Node {
	return signInPage(
		markup.H1(markup.Text("Choose an account")),
		markup.Form(markup.Method("post"),
			markup.Button(markup.Class("main"), markup.ID("person"), markup.Name("person"), markup.Value("person"), markup.Text("person@example.org")),
			markup.Button(markup.ID("guest"), markup.Name("person"), markup.Value("guest"), markup.Text("guest@example.org")),
		),
	)
}

func consentPage(person string, scopes []string) g.Node {
	return signInPage(
		markup.H1(markup.Text("pickerd wants access to your account")),
		markup.Form(markup.Method("post"),
			markup.Input(markup.Type("hidden"), markup.Name("person"), markup.Value(person)),
			g.Map(scopes, scopeBox),
			decisionButton("allow", "Allow", markup.Class("main")),
			decisionButton("deny", "Cancel"),
		),
	)
}

func scopeBox(scope string) g.Node {
	return markup.Label(markup.Input(markup.Type("checkbox"), markup.Name("scope"), markup.Value(scope), markup.Checked()), markup.Text(" "+scope))
}

func decisionButton(value, label string, attributes ...g.Node) g.Node {
	return markup.Button(g.Group(attributes), markup.ID(value), markup.Name("decision"), markup.Value(value), markup.Text(label))
}

func connectPage(content ...g.Node) g.Node { return page("Connect a device", deviceCSS, content...) }

func enterCodePage(wrong bool) g.Node {
	ask := markup.P(markup.Text("Enter the code on your screen."))
	if wrong {
		ask = markup.P(markup.ID("outcome"), markup.Text("This code is not valid. Enter the one on your screen."))
	}
	return connectPage(
		markup.H1(markup.Text("Connect a device")),
		ask,
		markup.Form(markup.Method("get"),
			markup.Input(markup.Name("user_code"), markup.Attr("autocapitalize", "characters"), markup.AutoComplete("off"), markup.AutoFocus(), markup.Aria("label", "Code")),
			markup.Button(markup.Class("main"), markup.Text("Next")),
		),
	)
}

func confirmPage(userCode, device string) g.Node {
	who := "A device"
	if device != "" {
		who = "“" + device + "”"
	}
	return connectPage(
		markup.H1(markup.Text(who+" wants to show photos that you choose")),
		markup.P(markup.Text("Continue only if your screen shows this code:")),
		markup.P(markup.Class("code"), markup.ID("code"), markup.Text(userCode)),
		markup.Form(markup.Method("post"),
			markup.Input(markup.Type("hidden"), markup.Name("user_code"), markup.Value(userCode)),
			decisionButton("allow", "Allow", markup.Class("main")),
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
		markup.Meta(markup.Attr("http-equiv", "refresh"), markup.Content("1; url="+next)))
}

func declinedPage() g.Node { return outcomePage("Declined", "The screen was not connected.") }

func lateCodePage() g.Node {
	return outcomePage("This code is no longer valid", "Scan the new code on your screen.")
}

func outcomePage(outcome, text string, more ...g.Node) g.Node {
	return connectPage(markup.H1(markup.ID("outcome"), markup.Text(outcome)), markup.P(markup.Text(text)), g.Group(more))
}
