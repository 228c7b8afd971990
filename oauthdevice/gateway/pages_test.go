package gateway_test

import (
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	g "maragu.dev/gomponents"

	"pickerd/display/words"
	"pickerd/oauthdevice/gateway"
)

var writePages = flag.String("pages", "", "a `folder` to write every page and the style sheet to, to be looked at")

var shown = gateway.Shown{
	Code:    "BCD-FGH-JKL",
	Name:    "Living room",
	Link:    "7phjcxck5yfev642",
	AuthURL: "https://accounts.test/auth?client_id=a&state=b%22c&scope=d+e",
	Next:    "https://photos.test/picker/1?a=b&c=d",
}

// inEachLanguage runs a test for each language that there is.
func inEachLanguage(t *testing.T, test func(t *testing.T, w *words.Words)) {
	t.Helper()
	codes := words.Languages()
	if len(codes) < 9 {
		t.Fatalf("only the languages %v", codes)
	}
	for _, code := range codes {
		t.Run(code, func(t *testing.T) {
			w, err := words.For(code)
			if err != nil {
				t.Fatal(err)
			}
			test(t, w)
		})
	}
}

// send returns a page as a browser gets it.
func send(t *testing.T, page g.Node) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	if err := gateway.WritePage(w, http.StatusOK, page); err != nil {
		t.Fatal(err)
	}
	return w
}

// TestPages checks every page in every language.
func TestPages(t *testing.T) {
	inEachLanguage(t, func(t *testing.T, w *words.Words) {
		for name, page := range gateway.Pages(w, shown) {
			t.Run(name, func(t *testing.T) {
				source := send(t, page).Body.String()
				checkTags(t, source)
				checkDocument(t, read(t, page), w)
				keep(t, w.Code+"-"+name+".html", source)
			})
		}
	})
	css := httptest.NewRecorder()
	gateway.Style(css, httptest.NewRequest(http.MethodGet, gateway.StylePath, nil))
	keep(t, gateway.StylePath, css.Body.String())
}

// keep writes a file into the folder named by -pages.
func keep(t *testing.T, name, content string) {
	t.Helper()
	if *writePages == "" {
		return
	}
	if err := os.WriteFile(filepath.Join(*writePages, name), []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestMessages checks that Pages of the tests leaves no message out.
func TestMessages(t *testing.T) {
	source, err := os.ReadFile("pages.go")
	if err != nil {
		t.Fatal(err)
	}
	declared := len(regexp.MustCompile(`(?m)^\tmsg\w+ += `).FindAll(source, -1))
	seen := map[string]string{}
	for name, page := range gateway.Pages(words.English(), shown) {
		if strings.HasPrefix(name, "message-") {
			d := read(t, page)
			if text(d.id("text")) == "" {
				t.Errorf("%s has no sentence", name)
			}
			seen[text(d.one("main"))] = name
		}
	}
	if declared == 0 || len(seen) != declared {
		t.Errorf("%d different pages of %d messages: %v", len(seen), declared, seen)
	}
}

func TestEnter(t *testing.T) {
	all := gateway.Pages(words.English(), shown)
	for name, complaint := range map[string]string{
		"enter": "", "enter-wrong": "not correct", "enter-too-many": "Too many attempts",
	} {
		t.Run(name, func(t *testing.T) {
			d := read(t, all[name])
			if form := d.one("form"); attribute(form, "method") != "get" || attribute(form, "action") != "/" {
				t.Errorf("form %v", form.Attr)
			}
			field := d.one("input")
			for k, want := range map[string]string{"name": "user_code", "autocapitalize": "characters", "autocomplete": "one-time-code", "inputmode": "text"} {
				if got := attribute(field, k); got != want {
					t.Errorf("%s %q, want %q", k, got, want)
				}
			}
			alert := d.id("complaint")
			if complaint == "" {
				if alert != nil || attribute(field, "aria-invalid") != "" {
					t.Errorf("a complaint: %q", text(alert))
				}
				return
			}
			if !strings.Contains(text(alert), complaint) || attribute(alert, "role") != "alert" {
				t.Errorf("complaint %q, role %q", text(alert), attribute(alert, "role"))
			}
			if attribute(field, "aria-invalid") != "true" || attribute(field, "aria-describedby") != "complaint" {
				t.Errorf("field %v", field.Attr)
			}
		})
	}
}

func TestConfirm(t *testing.T) {
	all := gateway.Pages(words.English(), shown)
	for name, want := range map[string][2]string{
		"confirm-link":  {"c", shown.Link},
		"confirm-typed": {"user_code", shown.Code},
	} {
		t.Run(name, func(t *testing.T) {
			d := read(t, all[name])
			if form := d.one("form"); attribute(form, "method") != "post" || attribute(form, "action") != "/confirm" {
				t.Errorf("form %v", form.Attr)
			}
			if field := d.one("input"); attribute(field, "name") != want[0] || attribute(field, "value") != want[1] {
				t.Errorf("field %v, want %v", field.Attr, want)
			}
			for _, answer := range []string{"yes", "no"} {
				if b := d.id(answer); attribute(b, "name") != "answer" || attribute(b, "value") != answer {
					t.Errorf("the button %s sends %q=%q", answer, attribute(b, "name"), attribute(b, "value"))
				}
			}
			if got := text(d.id("code")); got != "BCD-FGH-JKL"+"B, C, D, F, G, H, J, K, L" {
				t.Errorf("code %q", got)
			}
			if got := text(d.id("screen")); got != shown.Name {
				t.Errorf("screen %q", got)
			}
		})
	}
}

// A browser is led on at once, and has a button if it is not.
func TestLeadOn(t *testing.T) {
	all := gateway.Pages(words.English(), shown)
	for name, want := range map[string]struct{ refresh, button string }{
		"leave":     {"0; url=" + shown.AuthURL, shown.AuthURL},
		"wait":      {"", "/wait"},
		"wait-next": {"0; url=" + shown.Next, shown.Next},
	} {
		d := read(t, all[name])
		if got := d.refresh(); got != want.refresh {
			t.Errorf("%s: refresh %q, want %q", name, got, want.refresh)
		}
		if got := attribute(d.id("next"), "href"); got != want.button {
			t.Errorf("%s: the button leads to %q, want %q", name, got, want.button)
		}
	}
	if got := gateway.Refresh(""); got != "2" {
		t.Errorf("without an address the page is read again after %q seconds", got)
	}
	if got := gateway.Refresh(shown.Next); got != "" {
		t.Errorf("with an address the page is read again after %q seconds", got)
	}
}

// hostile are names that a box could send, and what is shown of them.
var hostile = map[string]string{
	"<script>alert(1)</script>":                "<script>alert(1)</script>",
	`"><img src=x onerror=alert(1)>`:           `"><img src=x onerror=alert(1)>`,
	"</bdi></p><form action=//evil.test>":      "</bdi></p><form action=//evil.test>",
	"&lt;b&gt;":                                "&lt;b&gt;",
	"Kitchen\u202egnp.exe":                     "Kitchengnp.exe",
	"\u2066a\u2069\u200fb\u061cc":              "abc",
	"a\x00b\x1b[31mc\u0085d":                   "ab[31mc d",
	"one\r\ntwo\u2028three":                    "one  two three",
	"\xff\xfea":                                "a",
	"\u200b\ufeff\u00ad\U000e0041":             "",
	" \t ":                                     "",
	"\u200d \u200c":                            "",
	"می\u200cخواهم":                            "می\u200cخواهم",
	"क\u094d\u200dष":                           "क\u094d\u200dष",
	strings.Repeat("ü", 81):                    strings.Repeat("ü", 80),
	strings.Repeat("\u202e", 200) + "Lobby":    "Lobby",
	strings.Repeat("a", 79) + " " + "b":        strings.Repeat("a", 79),
	strings.Repeat("<", gateway.MaxName+10000): strings.Repeat("<", gateway.MaxName),
}

// Names reach a page as text only.
func TestHostileNames(t *testing.T) {
	for name, want := range hostile {
		s := shown
		s.Name = name
		for _, code := range []string{"en", "ar"} {
			w, err := words.For(code)
			if err != nil {
				t.Fatal(err)
			}
			for page, node := range gateway.Pages(w, s) {
				if !strings.HasPrefix(page, "confirm") && !strings.HasPrefix(page, "wait") {
					continue
				}
				checkTags(t, send(t, node).Body.String())
				d := read(t, node)
				checkDocument(t, d, w)
				if got := text(d.id("screen")); got != want {
					t.Errorf("%s, %s, %.40q: %q, want %q", page, code, name, got, want)
				}
			}
		}
	}
}

// What else a page shows is escaped, wherever it comes from.
func TestHostileValues(t *testing.T) {
	const bad = `"><script>alert(1)</script><p title="`
	s := gateway.Shown{Code: bad, Name: bad, Link: bad, AuthURL: "https://accounts.test/" + bad, Next: "https://photos.test/" + bad}
	for name, page := range gateway.Pages(words.English(), s) {
		t.Run(name, func(t *testing.T) {
			checkTags(t, send(t, page).Body.String())
			checkDocument(t, read(t, page), words.English())
		})
	}
}

func FuzzCleanName(f *testing.F) {
	for name := range hostile {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		got := gateway.CleanName(name)
		if n := utf8.RuneCountInString(got); n > gateway.MaxName || !utf8.ValidString(got) {
			t.Errorf("%d characters: %q", n, got)
		}
		for _, r := range got {
			if unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) {
				t.Errorf("%q has %U", got, r)
			}
		}
		if again := gateway.CleanName(got); again != got {
			t.Errorf("%q is %q when cleaned again", got, again)
		}
	})
}

func TestPageHeaders(t *testing.T) {
	want := map[string]string{
		"Content-Security-Policy":    "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":     "nosniff",
		"X-Frame-Options":            "DENY",
		"Cross-Origin-Opener-Policy": "same-origin",
		"Referrer-Policy":            "same-origin",
		"Cache-Control":              "no-store",
	}
	header := http.Header{}
	gateway.SetPageHeaders(header)
	for k, v := range want {
		if got := header.Get(k); got != v {
			t.Errorf("%s: %q, want %q", k, got, v)
		}
	}
	want["Content-Type"], want["Vary"] = "text/html; charset=utf-8", "Accept-Language"
	for name, page := range gateway.Pages(words.English(), shown) {
		got := send(t, page).Header()
		for k, v := range want {
			if got.Get(k) != v {
				t.Errorf("%s: %s: %q, want %q", name, k, got.Get(k), v)
			}
		}
	}
}

// The style sheet loads nothing, which the policy would refuse, and is kept while a
// page is read again and again.
func TestStyle(t *testing.T) {
	w := httptest.NewRecorder()
	gateway.Style(w, httptest.NewRequest(http.MethodGet, gateway.StylePath, nil))
	if got := w.Header().Get("Content-Type"); got != "text/css; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	if got := w.Header().Get("Cache-Control"); got != "max-age=3600" {
		t.Errorf("Cache-Control %q", got)
	}
	css := w.Body.String()
	for _, forbidden := range []string{"@import", "url("} {
		if strings.Contains(css, forbidden) {
			t.Errorf("the style sheet has %s", forbidden)
		}
	}
	for _, needed := range []string{":focus-visible", "prefers-color-scheme: dark", "color-scheme: light dark"} {
		if !strings.Contains(css, needed) {
			t.Errorf("the style sheet has no %s", needed)
		}
	}
}
