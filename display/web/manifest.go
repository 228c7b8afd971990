package web

import (
	"encoding/json"
	"net/http"
)

// manifest serves the web app manifest: a browser that adds the page to a home screen
// opens it full screen, under the name of the box.
// See https://www.w3.org/TR/appmanifest/.
func (s *Server) manifest(w http.ResponseWriter, _ *http.Request) {
	p := s.cfg.Screen.Pages().Get()
	lang, name, dir := p.Style.Lang(), p.Device, "ltr"
	if lang.RightToLeft {
		dir = "rtl"
	}
	if name == "" {
		name = "pickerd"
	}
	w.Header().Set("Content-Type", "application/manifest+json")
	_ = json.NewEncoder(w).Encode(map[string]any{ // a browser that has gone needs no answer
		"name": name, "short_name": name, "lang": lang.Code, "dir": dir,
		"id": "/", "start_url": "/", "scope": "/", "display": "fullscreen",
		"background_color": "#14161c", "theme_color": "#14161c",
		"icons": []map[string]string{{"src": "icon.png", "type": "image/png", "sizes": "512x512", "purpose": "any maskable"}},
	})
}
