package screen

import (
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/display"
)

// An askedRadio counts how often an access point is asked for.
type askedRadio struct {
	board display.Board[device.WiFi]
	asked int
}

func (r *askedRadio) WiFi() *display.Board[device.WiFi] { return &r.board }
func (r *askedRadio) Press()                            { r.asked++ }

// Photos give way to the access point only if somebody asks for it: turning photos does
// not, nor does an access point that opens by itself, and Back brings the photos back.
func TestAccessPoint(t *testing.T) {
	first := &device.AccessPoint{SSID: "Kitchen setup", Passphrase: "kxmbpqtrwzac"}
	second := &device.AccessPoint{SSID: "Kitchen setup", Passphrase: "zacqtrkxmbpw"}
	lost := device.WiFi{Usable: true, Problem: "wifi_lost"}
	with := func(a *device.AccessPoint) device.WiFi { w := lost; w.Access = a; return w }
	const access, bar, photo, menu = "access point", "bar", "photo", "menu"
	type step struct {
		key  Key          // pressed, if any
		wifi *device.WiFi // from now on; nil for as before
		wait time.Duration
		want string
	}
	online, hidden := device.WiFi{Usable: true, Online: true}, device.WiFi{Usable: true, Access: first}
	firstOpens, secondOpens, joins := with(first), with(second), lost
	joins.Problem, joins.Joining = "", "Home"
	for name, tt := range map[string]struct {
		steps   []step
		pressed int // times that an access point was asked for
	}{
		"turning photos": {[]step{{KeyRight, nil, 0, bar}, {KeyPlay, nil, 0, bar}, {KeyBack, nil, 0, bar}}, 0},
		"by itself": {[]step{
			{"", nil, time.Hour, photo}, {"", &firstOpens, 0, bar}, {KeyRight, nil, 9 * time.Minute, bar},
			{KeyOK, nil, 0, access}, {KeyBack, nil, 0, photo}, {KeyOK, nil, 0, access}, {"", &online, 0, photo},
		}, 2},
		"by itself, never lost": {[]step{{"", &hidden, time.Hour, bar}}, 0},
		"menu":                  {[]step{{"", &firstOpens, 0, bar}, {KeyMenu, nil, 0, menu}, {KeyOK, nil, 0, menu}}, 1},
		"a key":                 {[]step{{KeyOK, nil, 10 * time.Second, bar}, {"", &firstOpens, 0, access}, {"", &joins, 0, "Connecting to Home…"}, {"", &firstOpens, 5 * time.Minute, access}}, 1},
		"a key long ago":        {[]step{{KeyOK, nil, time.Hour, photo}, {"", &firstOpens, 0, bar}}, 1},
		"another one":           {[]step{{"", &firstOpens, 0, bar}, {KeyOK, nil, 0, access}, {KeyBack, nil, time.Hour, photo}, {"", &secondOpens, 0, bar}}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				wifi := &askedRadio{}
				wifi.board.Set(lost)
				r := newRig(func(cfg *Config) { cfg.WiFi = wifi })
				r.run(t, func() {
					for i, s := range tt.steps {
						if s.wifi != nil {
							wifi.board.Set(*s.wifi)
						}
						if s.key != "" {
							if err := r.Press(t.Context(), s.key); err != nil {
								t.Fatal(err)
							}
						}
						time.Sleep(s.wait)
						synctest.Wait()
						p, got := r.Pages().Get(), photo
						switch {
						case p.Menu != nil:
							got = menu
						case p.Own != nil:
							got = access
						case p.Slide == nil:
							got = p.Title
						case p.Problem != "":
							got = bar
						}
						if got != s.want {
							t.Errorf("step %d: %s, want %s", i, got, s.want)
						}
					}
				})
				if wifi.asked != tt.pressed {
					t.Errorf("asked for %d times, want %d", wifi.asked, tt.pressed)
				}
			})
		})
	}
}

// In the state SetUp the access point stays on the page.
func TestAccessPointSetUp(t *testing.T) {
	wifi := &askedRadio{}
	wifi.board.Set(device.WiFi{Usable: true, Access: &device.AccessPoint{SSID: "Kitchen setup", Passphrase: "kxmbpqtrwzac"}})
	r := newRig(func(cfg *Config) { cfg.WiFi = wifi })
	r.snapshots.Set(device.Snapshot{Seq: 2, State: device.SetUp})
	if err := r.Press(t.Context(), KeyBack); err != nil || r.Pages().Get().Own == nil {
		t.Errorf("%+v, %v", r.Pages().Get(), err)
	}
}
