package phone

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"strings"

	"pickerd/display/words"
)

//go:embed assets/relay.html
var relay string

// RelayPage returns the page that an integrator puts on a static host. It sends a
// phone that returns from the authorization server on to the box. It holds the
// texts of all languages and shows the one that the browser prefers.
func RelayPage() []byte {
	texts := map[string]map[string]string{}
	var noScript strings.Builder
	for _, code := range words.Languages() {
		w, err := words.For(code)
		if err != nil {
			panic(err) // a test reads every file
		}
		t := w.Texts("relay")
		maps.Copy(t, map[string]string{"dir": direction(w), "moment": w.Say("page.one_moment"),
			"no_answer.title": w.Say("phone.no_answer.title"), "no_answer.text": w.Say("phone.no_answer.text")})
		fmt.Fprintf(&noScript, "\n  <p lang=%q dir=%q>%s</p>", code, direction(w), html.EscapeString(t["no_script"]))
		delete(t, "no_script")
		texts[code] = t
	}
	data, err := json.MarshalIndent(texts, "", " ")
	if err != nil {
		panic(err) // maps of strings
	}
	return []byte(strings.NewReplacer("{{texts}}", string(data), "{{no_script}}", noScript.String()+"\n  ").Replace(relay))
}
