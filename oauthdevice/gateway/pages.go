package gateway

import (
	_ "embed"
	"net/http"
	"strings"
	"unicode"

	g "maragu.dev/gomponents"

	"pickerd/display/markup"
)

// A Text has the words of the pages in one language.
type Text interface {
	// Say returns the words for a key. Each name in args is replaced by the value
	// that follows it.
	Say(key string, args ...any) string
	// Language returns the code of the language (BCP 47) and its direction.
	Language() (code string, rightToLeft bool)
}

// Complaints about a typed code, by the keys of their words.
const (
	complaintWrong   = "gateway.wrong"
	complaintTooMany = "signin.wait"
)

// A message is a page of a title and a sentence, named by the keys of both.
type message struct{ title, text string }

// titled is the message whose words are in one table.
func titled(key string) message { return message{key + ".title", key + ".text"} }

// problem is the message whose words are those of a problem on the screen.
func problem(key string) message { return message{key + ".message", key + ".remedy"} }

const (
	keyScanAgain = "phone.failed.text"       // asks to scan the code and to try again
	keyScanNow   = "phone.link_unknown.text" // asks to scan the code that is on the screen now
)

var (
	msgNotThis      = titled("gateway.not_this") // the person says that it is not the code on the screen
	msgDenied       = message{"relay.declined.title", keyScanAgain}
	msgExpired      = titled("phone.link_late")
	msgOtherBrowser = titled("gateway.other_browser")
	msgUsed         = titled("phone.link_used")
	msgUpstream     = message{"relay.refused.title", keyScanAgain} // any trouble with the authorization server
	msgScopeMissing = problem("notice.scope_missing")
	msgAdminPolicy  = problem("notice.admin_policy")
	msgOrgInternal  = problem("notice.org_internal")
	msgStoreAway    = titled("gateway.store_away")
	msgBusy         = titled("phone.busy") // too many requests
	msgNotAllowed   = message{"gateway.not_allowed", keyScanNow}
	msgDone         = titled("gateway.done")
	msgScanPicker   = message{"page.pick_title", keyScanNow}
	msgNotFound     = message{"gateway.not_found", keyScanNow}
	msgFailed       = titled("phone.failed") // an error of the gateway itself
)

// pages are the pages in one language.
type pages struct{ text Text }

func (p pages) say(key string) string { return p.text.Say(key) }

// page is a page with a heading. Its elements are those of head, in the head, and
// content.
func (p pages) page(title string, head g.Node, content ...g.Node) g.Node {
	code, rightToLeft := p.text.Language()
	direction := "ltr"
	if rightToLeft {
		direction = "rtl"
	}
	return markup.Doctype(markup.HTML(markup.Lang(code), markup.Dir(direction),
		markup.Head(
			markup.Meta(markup.Charset("utf-8")),
			markup.Meta(markup.Name("viewport"), markup.Content("width=device-width, initial-scale=1")),
			markup.TitleEl(markup.Text(title)),
			markup.Link(markup.Rel("stylesheet"), markup.Href(stylePath)),
			head,
		),
		markup.Body(markup.Main(markup.H1(markup.ID("title"), markup.Text(title)), g.Group(content))),
	))
}

// enter asks for the code on the screen. complaint is the key of what is wrong with
// the previous one, or "".
func (p pages) enter(complaint string) g.Node {
	var about g.Node
	if complaint != "" {
		about = g.Group{markup.Aria("invalid", "true"), markup.Aria("describedby", "complaint")}
	}
	return p.page(p.say("gateway.enter"), nil,
		g.If(complaint != "", markup.P(markup.Class("complaint"), markup.ID("complaint"), markup.Role("alert"), markup.Text(p.say(complaint)))),
		markup.Form(markup.Method("get"), markup.Action("/"),
			markup.Label(markup.For("user_code"), markup.Text(p.say("gateway.code"))),
			markup.Input(markup.ID("user_code"), markup.Name("user_code"), markup.Type("text"), markup.Class("code"), markup.Dir("ltr"), markup.Required(), about,
				markup.AutoComplete("one-time-code"), markup.Attr("autocapitalize", "characters"), markup.Attr("inputmode", "text"), markup.Attr("spellcheck", "false")),
			markup.Button(markup.ID("send"), markup.Text(p.say("phone.go_on"))),
		),
	)
}

// confirmView is what the question shows and sends back.
type confirmView struct {
	Code string // as it is on the screen
	Name string // of the screen, as the box sent it
	Link string // secret of the link that was scanned, "" if the code was typed
}

// confirm asks whether the code is on the screen in front of the person.
func (p pages) confirm(v confirmView) g.Node {
	field, value := "c", v.Link
	if value == "" {
		field, value = "user_code", v.Code
	}
	return p.page(p.say("gateway.confirm"), nil,
		screen(v.Name),
		markup.P(markup.ID("code"), markup.Class("code"), markup.Dir("ltr"),
			markup.Span(markup.Aria("hidden", "true"), markup.Text(v.Code)),
			markup.Span(markup.Class("spoken"), markup.Text(spell(v.Code)))),
		markup.P(markup.Text(p.say("relay.go_on.text"))),
		markup.Form(markup.Method("post"), markup.Action("/confirm"),
			markup.Input(markup.Type("hidden"), markup.Name(field), markup.Value(value)),
			markup.Button(markup.ID("yes"), markup.Name("answer"), markup.Value("yes"), markup.Text(p.say("gateway.yes"))),
			markup.Button(markup.ID("no"), markup.Name("answer"), markup.Value("no"), markup.Class("plain"), markup.Text(p.say("gateway.no"))),
		),
	)
}

// leave leads to the consent page. The answer to the form on the page confirm can't
// redirect there: browsers hold the redirects after a form to form-action, and
// those of the authorization server may lead anywhere.
func (p pages) leave(authURL string) g.Node {
	return p.page(p.say("page.one_moment"), leadOn(authURL), button(authURL, p.say("phone.sign_in")))
}

// waitView is the way to the page where photos are chosen.
type waitView struct {
	Name string // of the screen, as the box sent it
	Next string // address of that page, "" until the box has one
}

// refreshSeconds is the pause before the page wait is loaded again.
const refreshSeconds = "2"

// refresh returns the value of the header Refresh that the page needs, or "". A
// meta element with a pause would do the same, but accessibility checkers refuse it
// (WCAG 2.2, failure F41), because a reload may interrupt a reader. This page has
// little to read, and its button serves browsers that are told not to reload.
func (v waitView) refresh() string {
	if v.Next == "" {
		return refreshSeconds
	}
	return ""
}

// wait shows that the box is opening the page where photos are chosen, and leads
// there.
func (p pages) wait(v waitView) g.Node {
	if v.Next == "" {
		return p.page(p.say("page.opening"), nil,
			screen(v.Name),
			markup.P(markup.ID("text"), markup.Text(p.say("gateway.wait"))),
			button("/wait", p.say("phone.go_on")),
		)
	}
	return p.page(p.say("page.opening"), leadOn(v.Next),
		screen(v.Name),
		markup.P(markup.ID("text"), markup.Text(p.say("page.choose_and_done"))),
		button(v.Next, p.say("page.choose_photos")),
	)
}

// message shows what happened and what to do.
func (p pages) message(m message) g.Node {
	return p.page(p.say(m.title), nil, markup.P(markup.ID("text"), markup.Text(p.say(m.text))))
}

// leadOn sends the browser to an address at once.
func leadOn(address string) g.Node {
	return markup.Meta(markup.Attr("http-equiv", "refresh"), markup.Content("0; url="+address))
}

// button is a link for a browser that is not led on.
func button(address, label string) g.Node {
	return markup.P(markup.A(markup.ID("next"), markup.Class("button"), markup.Href(address), markup.Rel("noreferrer"), markup.Text(label)))
}

// screen names the screen, if it has a name.
func screen(name string) g.Node {
	name = cleanName(name)
	if name == "" {
		return nil
	}
	return markup.P(markup.ID("screen"), markup.Class("screen"), markup.El("bdi", markup.Text(name)))
}

// maxName bounds the name of a screen on a page, in characters.
const maxName = 80

// cleanName returns a name without what could disguise it: control characters and
// invisible ones, among them those that change the direction of text. The joiners
// stay, because some scripts are misspelt without them.
func cleanName(name string) string {
	const joiners = "\u200c\u200d"
	var kept strings.Builder
	n := 0
	for _, r := range strings.ToValidUTF8(name, "") {
		if unicode.IsSpace(r) {
			r = ' '
		}
		if !unicode.IsGraphic(r) && !strings.ContainsRune(joiners, r) {
			continue
		}
		if n++; n > maxName {
			break
		}
		kept.WriteRune(r)
	}
	return strings.Trim(kept.String(), " "+joiners)
}

// spell returns a code letter by letter, as a screen reader reads it out.
func spell(code string) string {
	var letters []string
	for _, r := range code {
		if r != '-' {
			letters = append(letters, string(r))
		}
	}
	return strings.Join(letters, ", ")
}

//go:embed assets/gateway.css
var style []byte

// stylePath is where the style sheet is served.
const stylePath = "/gateway.css"

// serveStyle serves the style sheet.
func serveStyle(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "max-age=3600")
	_, _ = w.Write(style) // a phone that has gone needs no style
}

// policy allows a page its style sheet and a form to this server, and nothing else.
const policy = "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// setPageHeaders restricts what a browser does with a page.
func setPageHeaders(header http.Header) {
	header.Set("Content-Security-Policy", policy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("X-Frame-Options", "DENY") // for browsers without frame-ancestors
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	// Other sites get no referrer. With no-referrer a browser would send
	// "Origin: null" with a form, which says nothing about where it came from.
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cache-Control", "no-store")
}

// writePage answers with a page.
func writePage(w http.ResponseWriter, status int, page g.Node) error {
	setPageHeaders(w.Header())
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Add("Vary", "Accept-Language")
	w.WriteHeader(status)
	return page.Render(w)
}
