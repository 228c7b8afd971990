package setup

import (
	"errors"
	"strings"

	g "maragu.dev/gomponents"

	"pickerd/device"
	"pickerd/device/phone"
	"pickerd/display/markup"
	"pickerd/display/words"
)

// group is that of the texts of the pages in display/words.
const group = "setup.phone."

// text has the pages in one language.
type text struct{ words *words.Words }

func (t text) tell(key string, args ...any) string { return t.words.Say(group+key, args...) }

// message is a page with the title and the text of a key.
func (t text) message(key string, args ...any) g.Node {
	return t.page(t.tell(key+".title", args...), nil, markup.P(markup.ID("text"), markup.Text(t.tell(key+".text", args...))))
}

// page is a page with a complaint, unless that is nil.
func (t text) page(title string, c error, content ...g.Node) g.Node {
	var alert g.Node
	if c != nil {
		alert = markup.P(markup.Class("complaint"), markup.ID("complaint"), markup.Role("alert"), markup.Text(t.complaint(c)))
	}
	return phone.Page(t.words, title, markup.H1(markup.ID("title"), markup.Text(title)), alert, g.Group(content))
}

// complaint is the sentence for an error in what was entered.
func (t text) complaint(err error) string {
	if c, ok := errors.AsType[*complaint](err); ok {
		return t.tell(c.key, c.args...)
	}
	return t.tell("refused", "key", "")
}

// failed says what is wrong with the disk.
func (t text) failed(err error) g.Node {
	problem := device.DiskProblem(err)
	if problem == nil {
		problem = &device.Problem{Code: "internal"}
	}
	message, remedy, _ := problem.In(t.words)
	return t.page(message, nil, markup.P(markup.ID("text"), markup.Text(remedy)),
		t.form(stepFinish, t.button("finish", t.words.Say("page.try_again"))))
}

// form is a form that is sent to a step. Steps are beside each other.
func (t text) form(step string, content ...g.Node) g.Node {
	return markup.Form(markup.Method("post"), markup.Action(step), g.Group(content))
}

func (t text) button(id, label string) g.Node {
	return markup.Button(markup.ID(id), markup.Text(label))
}

func (t text) back(step string) g.Node {
	return markup.A(markup.Class("back"), markup.Href(step), markup.Text(t.words.Say("page.back")))
}

func (t text) start(name string) g.Node {
	return t.page(t.tell("title", "name", name), nil,
		markup.P(markup.Text(t.tell("start_text"))),
		markup.Form(markup.Method("post"), t.button("start", t.tell("start"))))
}

func (t text) box(d draft, c error) g.Node {
	guess := g.If(!d.box, markup.Attr("data-guess"))
	options := []g.Node{markup.Option(markup.Value(""), markup.Text("—"))}
	known := false
	for _, z := range zones() {
		known = known || z == d.zone
		options = append(options, markup.Option(markup.Value(z), g.If(z == d.zone, markup.Selected()), markup.Text(strings.ReplaceAll(z, "_", " "))))
	}
	if d.zone != "" && !known {
		options = append(options, markup.Option(markup.Value(d.zone), markup.Selected(), markup.Text(d.zone)))
	}
	var spoken []g.Node
	for _, w := range languages() {
		spoken = append(spoken, markup.Option(markup.Value(w.Code), markup.Lang(w.Code), g.If(w.Code == d.language, markup.Selected()), markup.Text(w.Name)))
	}
	return t.page(t.tell("box_title"), c,
		t.form(stepBox,
			markup.Label(markup.For("name"), markup.Text(t.tell("name"))),
			markup.Input(markup.ID("name"), markup.Name("name"), markup.Type("text"), markup.Value(d.name), markup.Dir("auto"), markup.MaxLength("60"), markup.Required(), markup.AutoComplete("off"), markup.Attr("aria-describedby", "name-hint")),
			markup.P(markup.Class("soft"), markup.ID("name-hint"), markup.Text(t.tell("name_hint"))),
			markup.Label(markup.For("language"), markup.Text(t.tell("language"))),
			markup.Select(markup.ID("language"), markup.Name("language"), g.Group(spoken)),
			markup.Label(markup.For("zone"), markup.Text(t.tell("zone"))),
			markup.Select(markup.ID("zone"), markup.Name("zone"), guess, g.Group(options)),
			t.button("go-on", t.tell("go_on"))),
		markup.Script(markup.Src(Prefix+"zone.js"), markup.Defer()))
}

// wifi lists the networks. chosen was chosen before.
func (t text) wifi(list []device.WiFiNetwork, chosen device.WiFiNetwork, c error) g.Node {
	choice := func(value string, checked, usable bool, label string) g.Node {
		return markup.Label(markup.Class("choice"),
			markup.Input(markup.Type("radio"), markup.Name("network"), markup.Value(value), markup.Required(), g.If(checked, markup.Checked()), g.If(!usable, markup.Disabled())),
			markup.Span(markup.Dir("auto"), markup.Text(label)))
	}
	var choices []g.Node
	for _, n := range list {
		label := n.SSID
		switch n.Security {
		case device.Open:
			label = t.tell("wifi_open", "network", n.SSID)
		case device.Unsupported:
			label = t.tell("wifi_unusable", "network", n.SSID)
		}
		choices = append(choices, choice(n.SSID, n.SSID == chosen.SSID && !chosen.Hidden, n.Security != device.Unsupported, label))
	}
	choices = append(choices, choice(hidden, chosen.Hidden, true, t.tell("wifi_hidden")))
	explanation := t.tell("wifi_text")
	if len(list) == 0 {
		explanation = t.tell("wifi_none")
	}
	name := ""
	if chosen.Hidden {
		name = chosen.SSID
	}
	return t.page(t.tell("wifi_title"), c,
		markup.P(markup.Text(explanation)),
		t.form(stepWiFi,
			markup.FieldSet(markup.Legend(markup.Class("soft"), markup.Text(t.tell("wifi_networks"))), g.Group(choices)),
			markup.Label(markup.For("hidden"), markup.Text(t.tell("wifi_name"))),
			markup.Input(markup.ID("hidden"), markup.Name("hidden"), markup.Type("text"), markup.Value(name), markup.MaxLength("32"), markup.AutoComplete("off"), markup.Attr("autocapitalize", "none"), markup.Attr("spellcheck", "false"), markup.Dir("auto")),
			markup.Label(markup.For("password"), markup.Text(t.tell("wifi_password"))),
			markup.Input(markup.ID("password"), markup.Name("password"), markup.Type("password"), markup.MaxLength("63"), markup.AutoComplete("off"), markup.Dir("ltr")),
			t.button("go-on", t.tell("go_on"))),
		markup.A(markup.Class("back"), markup.ID("again"), markup.Href(stepWiFi), markup.Text(t.tell("wifi_again"))), t.back(stepBox))
}

// leave says what joining a network does to the phone.
func (t text) leave(network string) g.Node {
	return t.page(t.tell("wifi_leave.title", "network", network), nil,
		markup.Ol(markup.Li(markup.Text(t.tell("wifi_leave.loses"))), markup.Li(markup.Text(t.tell("wifi_leave.screen"))), markup.Li(markup.Text(t.tell("wifi_leave.phone", "network", network)))),
		t.form(stepJoin, t.button("join", t.tell("wifi_join"))), t.back(stepWiFi))
}

func (t text) joining(network string) g.Node { return t.message("wifi_joining", "network", network) }

func (t text) signIn(gateway string, c error) g.Node {
	var anyway g.Node
	if e, ok := errors.AsType[*complaint](c); ok && e.key == "file_tv" {
		anyway = markup.Label(markup.Class("choice"), markup.Input(markup.Type("checkbox"), markup.ID("desktop"), markup.Name("desktop"), markup.Value("1")),
			markup.Span(markup.Text(t.tell("file_anyway", "type", device.ClientType(device.ByPaste)))))
	}
	return t.page(t.tell("signin_title"), c,
		markup.P(markup.Text(t.tell("signin_text"))),
		markup.H2(markup.Text(t.tell("gateway_title"))),
		markup.P(markup.Text(t.tell("gateway_text"))),
		t.form(stepSignIn,
			markup.Label(markup.For("gateway"), markup.Text(t.tell("gateway"))),
			markup.Input(markup.ID("gateway"), markup.Name("gateway"), markup.Type("text"), markup.Attr("inputmode", "url"), markup.Placeholder("photos.example"), markup.Value(gateway), markup.Dir("ltr"),
				markup.AutoComplete("off"), markup.Attr("autocapitalize", "none"), markup.Attr("spellcheck", "false"), markup.Required()),
			t.button("check", t.tell("gateway_check"))),
		markup.H2(markup.Text(t.tell("file_title"))),
		markup.P(markup.Text(t.tell("file_text", "type", device.ClientType(device.ByPaste)))),
		markup.Form(markup.Method("post"), markup.Action(stepFile), markup.EncType("multipart/form-data"),
			anyway,
			markup.Label(markup.For("file"), markup.Text(t.tell("file"))),
			markup.Input(markup.ID("file"), markup.Name("file"), markup.Type("file"), markup.Accept(".json,application/json"), markup.Required()),
			t.button("upload", t.tell("file_upload"))),
		t.back(stepBox))
}

func (t text) summary(d draft, c error) g.Node {
	language := d.language
	if w, err := words.For(d.language); err == nil {
		language = w.Name
	}
	row := func(key, value string) g.Node {
		if value == "" {
			return nil
		}
		return g.Group{markup.Dt(markup.Text(t.tell(key))), markup.Dd(markup.Dir("auto"), markup.Text(value))}
	}
	client := ""
	if d.client != nil {
		client = d.client.Type
	}
	return t.page(t.tell("summary_title"), c,
		markup.Dl(row("name", d.name), row("language", language), row("zone", strings.ReplaceAll(d.zone, "_", " ")), row("gateway", d.gateway), row("file", client)),
		t.form(stepFinish, t.button("finish", t.tell("finish"))),
		markup.P(markup.Class("soft"), markup.Text(t.tell("finish_hint"))),
		t.back(stepBox), markup.A(markup.Class("back"), markup.Href(stepSignIn), markup.Text(t.tell("signin_title"))))
}
