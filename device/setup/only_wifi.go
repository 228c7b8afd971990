package setup

import (
	"net/http"

	"pickerd/device/phone"
)

// WiFiPath is where the pages of WiFiHandler are. They need no key.
const WiFiPath = Prefix + "here/" + stepWiFi

// WiFiHandler serves only the pages on which a phone chooses a network, for a box that
// is set up and has lost its own. Only phones in the box's access point may reach it,
// whose passphrase is on the box's screen.
func (p *Pages) WiFiHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+phone.Prefix+"phone.css", phone.Style())
	mux.HandleFunc("GET "+Prefix+"{key}/"+stepWiFi, func(w http.ResponseWriter, r *http.Request) { p.showWiFi(w, r, nil) })
	mux.HandleFunc("GET "+Prefix+"{key}/"+stepJoin, func(w http.ResponseWriter, r *http.Request) { p.showJoin(w, r, nil) })
	for step, take := range map[string]http.HandlerFunc{stepWiFi: p.takeWiFi, stepJoin: p.takeJoin} {
		mux.HandleFunc("POST "+Prefix+"{key}/"+step, func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			take(w, r)
		})
	}
	mux.HandleFunc("GET /", func(w http.ResponseWriter, r *http.Request) {
		if !p.needsWiFi() {
			p.render(w, http.StatusOK, p.texts(r).message("gone"))
			return
		}
		http.Redirect(w, r, WiFiPath, http.StatusSeeOther)
	})
	return p.bounded(mux)
}
