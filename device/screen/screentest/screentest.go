// Package screentest composes the pages that a screen may have to lay out, for tests
// of outputs: every notice in every state of the box, with the longest of everything
// else that the page can hold.
package screentest

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/display/words"
)

// A Page is a page and what it shows.
type Page struct {
	Name string // the state and the notice
	display.Page
}

// A scene is a state of the box. Snapshot and frame are without a problem.
type scene struct {
	name   string
	guests bool
	leaves bool // the guest's countdown runs
	clock  bool
	keys   []screen.Key // pressed in the end
	lines  []string     // of the menu taken after that, by ID; the scene has no notices
	pin    bool         // is asked for
	snap   device.Snapshot
	frame  device.Frame
	wifi   device.WiFi
}

const link = "http://192.168.178.24:8420/pair/k7m2qpxw4hrt9cva"

func scenes(now time.Time) []scene {
	code := &device.Code{Method: device.ByDevice, UserCode: "GQVQ-JKEC", VerificationURI: "https://www.google.com/device",
		QRURI: "https://www.google.com/device?user_code=GQVQ-JKEC", ExpiresAt: now.Add(29 * time.Minute)}
	paste := &device.Code{Method: device.ByPaste, VerificationURI: link, QRURI: link, ExpiresAt: now.Add(14 * time.Minute)}
	pick := &device.Pick{PickerURI: "https://photos.google.com/picker/" + strings.Repeat("eyJzZXNzaW9u", 9), ExpiresAt: now.Add(25 * time.Minute)}
	some := device.Library{Items: 24}
	slide := device.Frame{Slide: &display.Slide{Media: []display.Media{{File: "mountains.webp", Item: "mountains"}}, Caption: "9 March 2026"}}
	paused := slide
	paused.Paused = true
	receipt := &device.Receipt{Photos: 24, Videos: 2, Failed: 1, Deleted: true, Since: time.Now()}
	accounts := []device.AccountStatus{{ID: "a", Email: "mira.lindholm@example.org"}, {ID: "b", Email: "jon@example.org"}}
	one, two := accounts[:1], accounts
	menu := []screen.Key{screen.KeyMenu}
	revoked := &device.Forgotten{Revocation: device.RevocationDone, At: time.Now()}
	setUp := &device.SetUpInfo{Phone: "http://192.168.178.24:8420/setup/k7m2qpxw4hrt9cvak7m2qpxw4h", Address: "192.168.178.24", Client: "/etc/credstore/desktop_client_secret.json",
		ClientType: device.ClientType(device.ByPaste), Config: "/etc/pickerd/pickerd.toml", Document: "/usr/share/doc/pickerd/README.md"}
	access, operator := *setUp, *setUp
	access.Address, operator.Phone = "", ""
	point := &device.AccessPoint{SSID: "pickerd 1a2b3c4d", Passphrase: "k7m2qpxw4hrt9cva"}
	return []scene{
		{name: "setup", snap: device.Snapshot{State: device.SetUp, SetUp: setUp}},
		{name: "setup-access", wifi: device.WiFi{Usable: true, Access: point}, snap: device.Snapshot{State: device.SetUp, SetUp: &access, Problem: &device.Problem{Code: "no_network"}}},
		{name: "setup-joined", wifi: device.WiFi{Usable: true, Access: point, Joined: true}, snap: device.Snapshot{State: device.SetUp, SetUp: &access, Problem: &device.Problem{Code: "no_network"}}},
		{name: "setup-operator", snap: device.Snapshot{State: device.SetUp, SetUp: &operator}},
		{name: "setup-mistake", snap: device.Snapshot{State: device.SetUp, SetUp: &operator, Standing: mistake()}},
		{name: "waiting", snap: device.Snapshot{State: device.Waiting}},
		{name: "pairing", snap: device.Snapshot{State: device.Pairing, Code: code}},
		{name: "pairing-link", snap: device.Snapshot{State: device.Pairing, Code: paste, Library: some}},
		{name: "pairing-guest", guests: true, snap: device.Snapshot{State: device.Pairing, Code: code, Forgotten: revoked}},
		{name: "pairing-import", snap: device.Snapshot{State: device.Pairing, Method: device.ByImport}},
		{name: "opening", frame: slide, snap: device.Snapshot{State: device.Opening, Account: &one[0], Accounts: one, Library: some}},
		{name: "picking", snap: device.Snapshot{State: device.Picking, Pick: pick, Account: &two[0], Accounts: two, Library: some}},
		{name: "picking-guest", guests: true, leaves: true, snap: device.Snapshot{State: device.Picking, Pick: pick, Account: &one[0], Accounts: one}},
		{name: "fetching", snap: device.Snapshot{State: device.Fetching, Fetch: &device.Fetch{Done: 7, Total: 240, Failed: 11}, Account: &one[0], Accounts: one}},
		{name: "fetching-photo", clock: true, frame: paused, snap: device.Snapshot{State: device.Fetching, Fetch: &device.Fetch{Done: 7, Total: 240, Failed: 11}, Library: some}},
		{name: "showing", clock: true, frame: paused, snap: device.Snapshot{State: device.Showing, Account: &two[0], Accounts: two, CanAdd: true, Library: some, Receipt: receipt}},
		{name: "showing-guest", guests: true, leaves: true, clock: true, frame: paused, snap: device.Snapshot{State: device.Showing, Account: &one[0], Accounts: one, Library: some, Receipt: receipt}},
		{name: "menu", clock: true, frame: paused, keys: menu, snap: device.Snapshot{State: device.Showing, Account: &two[0], Accounts: two, CanAdd: true, Library: some}},
		{name: "menu-settings", clock: true, frame: paused, keys: menu, lines: []string{"settings"}, snap: device.Snapshot{State: device.Showing, Account: &two[0], Accounts: two, CanAdd: true, Library: some}},
		{name: "menu-pin", clock: true, frame: paused, keys: menu, lines: []string{"settings", "1", "2", "3", "4", "5", "6", "7", "8", "9", "0", "1", "2"}, pin: true, snap: device.Snapshot{State: device.Showing, Account: &two[0], Accounts: two, CanAdd: true, Library: some}},
		{name: "idle", snap: device.Snapshot{State: device.Idle, Account: &two[0], Accounts: two, Receipt: receipt}},
		{name: "blocked", snap: device.Snapshot{State: device.Blocked, Account: &one[0], Accounts: one}},
	}
}

// mistake returns a problem of the configuration.
func mistake() *device.Problem {
	return device.ConfigurationProblem(device.Place{File: "/etc/pickerd/pickerd.toml", Line: 12, Key: "pairing.methods"}, `"pasta" is not one of device, relay, paste, import`)
}

// Notices returns a problem for each notice that there are words for, except that of a
// box that is not set up.
func Notices(w *words.Words) []*device.Problem {
	var list []*device.Problem
	for _, key := range w.Keys() {
		if code, ok := strings.CutSuffix(strings.TrimPrefix(key, "notice."), ".message"); ok {
			switch code {
			case device.NotSetUp: // has pages of its own
			case device.BadConfiguration:
				list = append(list, mistake())
			default:
				list = append(list, &device.Problem{Code: code})
			}
		}
	}
	for code, key := range map[string]string{"client_refused": "page.refused_client", "scope_refused": "page.refused_scope"} {
		list = append(list, &device.Problem{Code: code, Key: key, Operator: true, Retryable: true,
			Args:    []any{"type", device.ClientType(device.ByDevice), "scopes", "photospicker.mediaitems.readonly"},
			Methods: []string{device.ByRelay, device.ByPaste, device.ByImport}})
	}
	return list
}

// Pages returns the pages of every state with every notice and without one, at a time.
func Pages(w *words.Words, now time.Time) []Page {
	var pages []Page
	for _, s := range scenes(now) {
		pages = append(pages, Page{s.name, s.page(w, now)})
		if s.snap.State == device.SetUp || s.lines != nil {
			continue
		}
		for _, p := range Notices(w) {
			told := *p
			told.RetryAt = now.Add(42 * time.Second)
			with := s
			with.snap.Problem = &told
			pages = append(pages, Page{s.name + " " + p.Code, with.page(w, now)})
		}
	}
	return pages
}

// page composes the page of a scene.
func (s scene) page(w *words.Words, now time.Time) display.Page {
	var snapshots display.Board[device.Snapshot]
	var frames display.Board[device.Frame]
	s.snap.Seq, s.frame.Seq = 1, 1
	snapshots.Set(s.snap)
	frames.Set(s.frame)
	wifi := &radio{}
	wifi.board.Set(s.wifi)
	options := screen.Options{Name: "Living room", Style: display.Style{Words: w}, Date: screen.ClockDate}
	if s.clock {
		options.Clock = screen.Clock24
	}
	cfg := screen.Config{Options: options, Version: "v1.4.0", Settings: settings{}, WiFi: wifi, Snapshots: &snapshots, Frames: &frames,
		LastActivity: func() time.Time { return time.Time{} }, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}
	if s.pin {
		cfg.PIN = pin{}
	}
	if s.guests {
		cfg.ForgetAfter = time.Hour
	}
	sc := screen.New(cfg)
	for _, k := range s.keys {
		if err := sc.Press(context.Background(), k); err != nil {
			panic(err) // no key of a scene asks the slideshow for anything
		}
	}
	for _, id := range s.lines {
		if err := sc.Choose(context.Background(), id); err != nil {
			panic(err) // nor does a line
		}
	}
	p := sc.Pages().Get().OnBox()
	if s.leaves { // as after a while
		p.LeavesAt = now.Add(42 * time.Second)
		p.Offers = append(p.Offers, display.Offer{Wish: display.Wish{Verb: display.Stay}, Label: w.Say("page.stay")})
	}
	if s.snap.Problem != nil && p.Menu != nil { // as after a minute
		p.Menu.Text = p.Problem + " " + p.Remedy
		p.Problem, p.Remedy, p.RetryAt = "", "", time.Time{}
	}
	return p
}

// A radio is one whose state a scene sets.
type radio struct{ board display.Board[device.WiFi] }

// WiFi implements screen.WiFi.
func (r *radio) WiFi() *display.Board[device.WiFi] { return &r.board }

// Press implements screen.WiFi.
func (r *radio) Press() {}

// settings are those of a box whose menu offers all of them.
type settings struct{}

// Settings implements device.Settings.
func (settings) Settings() map[string]device.Setting {
	return map[string]device.Setting{
		"slideshow.interval": {Value: "15m"}, "slideshow.order": {Value: "newest"}, "slideshow.fit": {Value: "fill"}, "slideshow.captions": {Value: true},
		"slideshow.backing": {Value: "mat"}, "slideshow.zoom": {Value: true}, "slideshow.pairs": {Value: true}, "slideshow.volume": {Value: 50},
		"slideshow.clock": {Value: "24"}, "slideshow.night": {Value: "22:30-06:30"}, "slideshow.sleep_after": {Value: "30m"}, "display.language": {Value: "zh-Hans"},
	}
}

// Change implements device.Settings.
func (settings) Change(context.Context, map[string]any) error { return nil }

// pin accepts every PIN.
type pin struct{}

// Enter implements screen.PIN.
func (pin) Enter(string) error { return nil }
