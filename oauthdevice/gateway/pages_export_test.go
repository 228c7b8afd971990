package gateway

import (
	"net/http"

	g "maragu.dev/gomponents"
)

// What the tests of the pages reach.
var (
	CleanName      = cleanName
	SetPageHeaders = setPageHeaders
	WritePage      = writePage
)

const (
	MaxName   = maxName
	StylePath = stylePath
)

// Shown is what the pages in a test show.
type Shown struct{ Code, Name, Link, AuthURL, Next string }

// Pages returns every page, by name.
func Pages(text Text, s Shown) map[string]g.Node {
	p := pages{text}
	all := map[string]g.Node{
		"enter":          p.enter(""),
		"enter-wrong":    p.enter(complaintWrong),
		"enter-too-many": p.enter(complaintTooMany),
		"confirm-link":   p.confirm(confirmView{Code: s.Code, Name: s.Name, Link: s.Link}),
		"confirm-typed":  p.confirm(confirmView{Code: s.Code, Name: s.Name}),
		"leave":          p.leave(s.AuthURL),
		"wait":           p.wait(waitView{Name: s.Name}),
		"wait-next":      p.wait(waitView{Name: s.Name, Next: s.Next}),
	}
	for name, m := range map[string]message{
		"not-this": msgNotThis, "denied": msgDenied, "expired": msgExpired, "other-browser": msgOtherBrowser, "used": msgUsed,
		"upstream": msgUpstream, "scope-missing": msgScopeMissing, "admin-policy": msgAdminPolicy, "org-internal": msgOrgInternal,
		"store-away": msgStoreAway, "busy": msgBusy, "not-allowed": msgNotAllowed, "done": msgDone, "scan-picker": msgScanPicker, "not-found": msgNotFound, "failed": msgFailed,
	} {
		all["message-"+name] = p.message(m)
	}
	return all
}

// Refresh returns what the page wait is sent with.
func Refresh(next string) string { return waitView{Next: next}.refresh() }

// Style is the style sheet, as a handler.
var Style = http.HandlerFunc(serveStyle)
