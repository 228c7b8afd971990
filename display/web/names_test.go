package web_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// TestNames checks that no script of a page for browsers that wait declares a constant or
// variable that is called like an element of it: Safari 10 would not run it (WebKit bug
// 159270). The page with the photos is an HTML file, which .ci/web checks.
func TestNames(t *testing.T) {
	id, src := regexp.MustCompile(`\bid="([^"]+)"`), regexp.MustCompile(`\bsrc="/(\w+\.js)"`)
	name := regexp.MustCompile(`(?m)^(?:const|let) ([\w$]+)`)
	for _, route := range []string{"GET /", "GET /link"} {
		page := newGuard(nil).ask(request{route: route}).Body.String()
		ids := map[string]bool{}
		for _, m := range id.FindAllStringSubmatch(page, -1) {
			ids[m[1]] = true
		}
		names := 0
		for _, m := range src.FindAllStringSubmatch(page, -1) {
			script, err := os.ReadFile("assets/" + m[1])
			if err != nil {
				t.Fatal(err)
			}
			for _, n := range name.FindAllStringSubmatch(string(script), -1) {
				if names++; ids[n[1]] {
					t.Errorf("%s: %s is also the id of an element", m[1], n[1])
				}
			}
		}
		if names == 0 || !strings.Contains(page, "<main") {
			t.Errorf("%s: %d names on %s", route, names, page)
		}
	}
}
