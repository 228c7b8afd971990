package setup

import (
	"embed"
	"errors"
	"net/http"
	"time"

	g "maragu.dev/gomponents"

	"pickerd/device"
	"pickerd/device/phone"
	"pickerd/display/httpserve"
	"pickerd/display/words"
)

//go:embed assets/zone.js
var assets embed.FS

// policy lets the pages run the script that finds the phone's time zone.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// maxForm bounds all forms but that with a client file, in bytes.
const maxForm = 16 << 10

// The steps, by the last part of their paths.
const (
	stepBox    = "box"
	stepWiFi   = "wifi"
	stepJoin   = "join"
	stepSignIn = "signin"
	stepFile   = "file"
	stepFinish = "finish"
)

// Handler serves the pages, below Prefix, and their style sheet, to clients on any
// network. They are in the language that the phone asks for, or else in the screen's.
func (p *Pages) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+phone.Prefix+"phone.css", phone.Style())
	mux.HandleFunc("GET "+Prefix+"zone.js", func(w http.ResponseWriter, r *http.Request) { http.ServeFileFS(w, r, assets, "assets/zone.js") })
	mux.HandleFunc("GET "+Prefix+"{key}", p.first)
	mux.HandleFunc("POST "+Prefix+"{key}", p.begin)
	for step, show := range map[string]func(w http.ResponseWriter, r *http.Request, c error){
		stepBox: p.showBox, stepWiFi: p.showWiFi, stepJoin: p.showJoin, stepSignIn: p.showSignIn, stepFile: p.showSignIn, stepFinish: p.showSummary,
	} {
		mux.HandleFunc("GET "+Prefix+"{key}/"+step, p.owned(func(w http.ResponseWriter, r *http.Request) { show(w, r, nil) }))
	}
	for step, take := range map[string]func(w http.ResponseWriter, r *http.Request){
		stepBox: p.takeBox, stepWiFi: p.takeWiFi, stepJoin: p.takeJoin, stepSignIn: p.takeGateway, stepFinish: p.takeFinish,
	} {
		mux.HandleFunc("POST "+Prefix+"{key}/"+step, p.owned(func(w http.ResponseWriter, r *http.Request) {
			r.Body = http.MaxBytesReader(w, r.Body, maxForm)
			take(w, r)
		}))
	}
	mux.HandleFunc("POST "+Prefix+"{key}/"+stepFile, p.owned(p.takeFile))
	return p.bounded(mux)
}

// bounded limits requests and what browsers may do with the pages.
func (p *Pages) bounded(mux *http.ServeMux) http.Handler {
	limited := p.limits.Handler(maxDrain, func(w http.ResponseWriter, r *http.Request) { phone.Busy(w, r, p.cfg.Words) },
		http.NewCrossOriginProtection().Handler(mux))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		httpserve.SecurityHeaders(w.Header(), policy)
		w.Header().Set("Referrer-Policy", "same-origin") // as the pages for phones
		limited.ServeHTTP(w, r)
	})
}

// texts are the texts of the language that a phone asks for.
func (p *Pages) texts(r *http.Request) text { return text{phone.Accepted(r, p.cfg.Words)} }

// render answers with a page.
func (p *Pages) render(w http.ResponseWriter, status int, page g.Node) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Add("Vary", "Accept-Language")
	w.WriteHeader(status)
	if err := page.Render(w); err != nil {
		p.cfg.Log.Debug("set-up page not delivered", "err", err)
	}
}

// owned calls next for the phone with the claim, and answers others.
func (p *Pages) owned(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch v := p.visitor(r); v {
		case owner:
			next(w, r)
		case scanner:
			http.Redirect(w, r, Prefix+r.PathValue("key"), http.StatusSeeOther)
		default:
			p.turnAway(w, r, v)
		}
	}
}

// turnAway answers those who can't set the box up.
func (p *Pages) turnAway(w http.ResponseWriter, r *http.Request, v visitor) {
	t := p.texts(r)
	switch {
	case v == latecomer:
		p.render(w, http.StatusConflict, t.message("taken", "minutes", int(maxIdle/time.Minute)))
	case v == finisher:
		p.render(w, http.StatusOK, t.message("done", "name", p.entered().name))
	case !p.limits.Guess(httpserve.RemoteAddr(r)):
		phone.Busy(w, r, p.cfg.Words)
	default:
		p.render(w, http.StatusGone, t.message("gone"))
	}
}

// first shows what a phone finds behind the code. It changes nothing: messengers and
// scanners look at links before people do.
func (p *Pages) first(w http.ResponseWriter, r *http.Request) {
	switch v := p.visitor(r); v {
	case owner:
		p.goOn(w, r)
	case scanner:
		p.render(w, http.StatusOK, p.texts(r).start(p.name()))
	default:
		p.turnAway(w, r, v)
	}
}

// begin gives the phone the claim.
func (p *Pages) begin(w http.ResponseWriter, r *http.Request) {
	switch v := p.visitor(r); {
	case v == owner, v == scanner && p.start(w, r):
		p.goOn(w, r)
	case v == scanner: // another phone was faster
		p.turnAway(w, r, latecomer)
	default:
		p.turnAway(w, r, v)
	}
}

// goOn leads to the first step that is not done.
func (p *Pages) goOn(w http.ResponseWriter, r *http.Request) {
	d, step := p.entered(), stepFinish
	switch {
	case d.joining, d.joinError != nil:
		step = stepWiFi
	case !d.box:
		step = stepBox
	case p.needsWiFi():
		step = stepWiFi
	case d.gateway == "" && d.client == nil:
		step = stepSignIn
	}
	p.to(w, r, step)
}

func (p *Pages) to(w http.ResponseWriter, r *http.Request, step string) {
	http.Redirect(w, r, Prefix+r.PathValue("key")+"/"+step, http.StatusSeeOther)
}

// name is the box's name so far.
func (p *Pages) name() string {
	if d := p.entered(); d.name != "" {
		return d.name
	}
	return p.cfg.Name
}

// status returns that of a page with a complaint, or without one.
func status(c error) int {
	if c != nil {
		return http.StatusUnprocessableEntity
	}
	return http.StatusOK
}

func (p *Pages) showBox(w http.ResponseWriter, r *http.Request, c error) {
	t, d := p.texts(r), p.entered()
	if !d.box {
		d.name, d.language, d.zone = p.cfg.Name, t.words.Code, p.cfg.Zone
	}
	p.render(w, status(c), t.box(d, c))
}

func (p *Pages) takeBox(w http.ResponseWriter, r *http.Request) {
	n, l, z, err := readBox(r)
	for _, s := range []struct{ key, value, complaint string }{
		{"name", literal(n), "name_wrong"}, {"display.language", l, "language_wrong"}, {"time_zone", z, "zone_wrong"},
	} {
		if err == nil && s.value != "" && p.cfg.Check != nil && p.cfg.Check(s.key, s.value) != nil {
			err = complain(s.complaint)
		}
	}
	if err != nil {
		p.showBox(w, r, err)
		return
	}
	p.enter(func(d *draft) { d.box, d.name, d.language, d.zone = true, n, l, z })
	p.goOn(w, r)
}

func (p *Pages) showWiFi(w http.ResponseWriter, r *http.Request, c error) {
	switch d := p.entered(); {
	case d.joining:
		p.render(w, http.StatusOK, p.texts(r).joining(d.network.SSID))
	case !p.needsWiFi():
		p.enter(func(d *draft) { d.joinError = nil })
		p.goOn(w, r)
	default:
		if c == nil {
			c = d.joinComplaint()
		}
		p.render(w, status(c), p.texts(r).wifi(p.networks(r.Context()), d.network, c))
	}
}

func (p *Pages) takeWiFi(w http.ResponseWriter, r *http.Request) {
	if !p.needsWiFi() {
		p.goOn(w, r)
		return
	}
	n, password, err := chooseNetwork(r, p.networks(r.Context()))
	if err != nil {
		p.showWiFi(w, r, err)
		return
	}
	p.enter(func(d *draft) {
		if !d.joining {
			d.network, d.password, d.joinError = n, password, nil
		}
	})
	p.to(w, r, stepJoin)
}

// showJoin says what joining does to the phone, before it does.
func (p *Pages) showJoin(w http.ResponseWriter, r *http.Request, _ error) {
	d := p.entered()
	if d.network.SSID == "" || d.joining || !p.needsWiFi() {
		p.to(w, r, stepWiFi)
		return
	}
	p.render(w, http.StatusOK, p.texts(r).leave(d.network.SSID))
}

func (p *Pages) takeJoin(w http.ResponseWriter, r *http.Request) {
	if !p.needsWiFi() { // it has a network by now, which joining another would end
		p.to(w, r, stepWiFi)
		return
	}
	n, ok := p.beginJoin()
	if !ok {
		p.to(w, r, stepWiFi)
		return
	}
	p.render(w, http.StatusOK, p.texts(r).joining(n.SSID))
}

func (p *Pages) showSignIn(w http.ResponseWriter, r *http.Request, c error) {
	p.render(w, status(c), p.texts(r).signIn(p.entered().gateway, c))
}

// takeGateway checks the address of a gateway.
func (p *Pages) takeGateway(w http.ResponseWriter, r *http.Request) {
	typed := r.PostFormValue("gateway")
	issuer, err := readIssuer(typed)
	if err == nil && p.cfg.Check != nil && p.cfg.Check("google.gateway", issuer) != nil {
		err = complain("gateway_not_address")
	}
	cause := err
	if err == nil {
		cause = p.cfg.Gateway(r.Context(), issuer)
		err = gatewayComplaint(cause, issuer)
	}
	if err != nil {
		p.cfg.Log.Info("gateway not accepted", "err", cause)
		p.render(w, status(err), p.texts(r).signIn(typed, err))
		return
	}
	p.enter(func(d *draft) { d.gateway, d.client = issuer, nil })
	p.to(w, r, stepFinish)
}

// takeFile checks an uploaded client file.
func (p *Pages) takeFile(w http.ResponseWriter, r *http.Request) {
	data, desktop, err := upload(r)
	var c *Client
	if err == nil {
		c, err = readClient(data, p.cfg.Types, desktop)
	}
	if err != nil {
		p.showSignIn(w, r, err)
		return
	}
	p.enter(func(d *draft) { d.client, d.gateway = c, "" })
	p.to(w, r, stepFinish)
}

func (p *Pages) showSummary(w http.ResponseWriter, r *http.Request, c error) {
	d := p.entered()
	if _, ok := d.plan(); !ok {
		p.goOn(w, r)
		return
	}
	p.render(w, status(c), p.texts(r).summary(d, c))
}

func (p *Pages) takeFinish(w http.ResponseWriter, r *http.Request) {
	err := p.finish(r.Context())
	switch refused, ok := errors.AsType[*device.SettingError](err); {
	case errors.Is(err, errUnfinished):
		p.goOn(w, r)
	case ok:
		p.cfg.Log.Warn("set-up refused", "err", err)
		p.showSummary(w, r, complain("refused", "key", refused.Key))
	case err != nil:
		p.cfg.Log.Error("set-up not stored", "err", err)
		p.render(w, http.StatusServiceUnavailable, p.texts(r).failed(err))
	default:
		p.render(w, http.StatusOK, p.texts(r).message("done", "name", p.entered().name))
		_ = http.NewResponseController(w).Flush() // before the box starts anew
		close(p.finished)
	}
}

// languages are the texts of all languages.
func languages() (list []*words.Words) {
	for _, code := range words.Languages() {
		if w, err := words.For(code); err == nil {
			list = append(list, w)
		}
	}
	return list
}
