package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/cmd/command"
	"pickerd/device/mqtt"
)

// newKey makes an operator's key by the program.
func newKey(t *testing.T) (path string, public ed25519.PublicKey) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "key.pem")
	s := newShell(newFakeBroker())
	if code := s.run(t.Context(), []string{"key", path}); code != command.Done {
		t.Fatalf("%d: %s", code, s.errs.take())
	}
	var text string
	if _, err := fmt.Sscanf(s.out.take(), "operator_key = %q\n", &text); err != nil {
		t.Fatal(err)
	}
	public, err := mqtt.ParseKey(text)
	if err != nil {
		t.Fatal(err)
	}
	return path, public
}

// A key is made once, for its owner alone, and can be read again.
func TestKey(t *testing.T) {
	path, public := newKey(t)
	if st, err := os.Stat(path); err != nil || st.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", st.Mode(), err)
	}
	if key, err := readKey(path); err != nil || !public.Equal(key.Public()) {
		t.Errorf("%v, %v", key.Public(), err)
	}
	s := newShell(newFakeBroker())
	if code := s.run(t.Context(), []string{"key", path}); code != command.Failed || !strings.Contains(s.errs.take(), "--public") {
		t.Errorf("a key is overwritten: %d", code)
	}
	if code := s.run(t.Context(), []string{"key", path, "--public"}); code != command.Done || !strings.Contains(s.out.take(), base64.StdEncoding.EncodeToString(public)) {
		t.Errorf("the public half is not printed: %d", code)
	}
	bad := filepath.Join(t.TempDir(), "bad.pem")
	if err := os.WriteFile(bad, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readKey(bad); err == nil {
		t.Error("nonsense is a key")
	}
}

// done is a box that does everything.
func done(t *testing.T, calls *[]string) func(message) string {
	return func(m message) string {
		c := callOf(t, m)
		args := string(c.Args)
		if c.Settings != nil {
			args = string(c.Settings)
		}
		*calls = append(*calls, strings.Join(strings.Fields(c.Target+" "+c.Command+" "+args), " "))
		return `{"id":"` + c.ID + `","ok":true,"data":{"lines":["first","second \u001b[2J"]}}`
	}
}

// Each verb is a command of the box, signed where it must be.
func TestVerbs(t *testing.T) {
	key, _ := newKey(t)
	for _, tt := range []struct{ args, call, out string }{
		{"pick Hall", "pick", ""},
		{"pick --collection Christmas hall", `pick {"collection":"Christmas"}`, ""},
		{"cancel 0a", "cancel", ""},
		{"next Hall", "next", ""},
		{"previous Hall", "previous", ""},
		{"pause Hall", "pause", ""},
		{"resume Hall", `pause {"on":false}`, ""},
		{"screen Hall off", `screen {"on":false}`, ""},
		{"screen site=lobby on --all", `screen {"on":true}`, ""},
		{"logs Hall --lines 2 --sign " + key, `0a logs {"lines":2}`, "first\nsecond ?[2J\n"},
		{"unpair Hall --sign " + key, `0a unpair {"everywhere":false}`, ""},
		{"unpair Hall --everywhere --sign " + key, `0a unpair {"everywhere":true}`, ""},
		{"set Hall slideshow.interval=20s slideshow.zoom= --sign " + key, `0a {"slideshow.interval":"20s","slideshow.zoom":null}`, ""},
	} {
		t.Run(tt.args, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newFakeBroker()
				var calls []string
				b.box("0a", "Hall", "online", done(t, &calls))
				s := newShell(b)
				if code := s.run(t.Context(), strings.Fields(tt.args)); code != command.Done || s.errs.take() != "" {
					t.Errorf("exit code %d", code)
				}
				if got := strings.Join(calls, "\n"); got != tt.call {
					t.Errorf("the box was told %s, want %s", got, tt.call)
				}
				if got := s.out.take(); got != tt.out {
					t.Errorf("printed %q, want %q", got, tt.out)
				}
			})
		})
	}
}

// An order is signed again for a box that has had a higher serial, but for one that can't
// be from a clock.
func TestSerialAhead(t *testing.T) {
	key, _ := newKey(t)
	for _, tt := range []struct {
		ahead time.Duration
		want  int // orders that the box got
	}{{-time.Hour, 1}, {24 * time.Hour, 2}, {11 * 365 * 24 * time.Hour, 1}} {
		synctest.Test(t, func(t *testing.T) {
			b := newFakeBroker()
			highest := uint64(time.Now().Add(tt.ahead).UnixMilli())
			var serials []uint64
			b.box("0a", "Hall", "online", func(m message) string {
				c := callOf(t, m)
				if serials = append(serials, c.Serial); c.Serial <= highest {
					return fmt.Sprintf(`{"id":%q,"ok":false,"problem":{"code":"older_serial","detail":"Older."},"serial":%d}`, c.ID, highest)
				}
				return `{"id":"` + c.ID + `","ok":true}`
			})
			s := newShell(b)
			code := s.run(t.Context(), strings.Fields("set Hall slideshow.zoom=true --sign "+key))
			if len(serials) != tt.want || (code == command.Done) != (serials[len(serials)-1] > highest) || tt.want == 2 && serials[1] != highest+1 {
				t.Errorf("%v ahead: exit code %d after %v, %s", tt.ahead, code, serials, s.errs.take())
			}
		})
	}
}

func TestUsage(t *testing.T) {
	key, _ := newKey(t)
	for _, tt := range []struct{ args, want string }{
		{"", "Usage:"},
		{"sl", "unknown command"},
		{"shw", `did you mean "show"?`},
		{"ls [", "not a pattern"},
		{"ls --broker http://x", "address is not valid"},
		{"ls --broker mqtt://me:secret@x", "has a user"},
		{"pick", "name a box"},
		{"pick Hall --wait 0", "shorter than a second"},
		{"unpair Hall --wait 1h --sign " + key, "longer than a signed order holds"},
		{"set slideshow.interval=20s slideshow.order=shuffle --sign " + key, "is not a label"},
		{"set state=blocked slideshow.interval=20s --sign " + key, "is not a label"},
		{"set site=lobby slideshow.interval=20s --all --sign " + key, "--all does not go with a group"},
		{"set site=lobby slideshow.interval=20s --for 0s --sign " + key, "not longer than 0"},
		{"set site=lobby slideshow.interval=soon new.key=1 --force --sign " + key, "slideshow.interval"},
		{"set site=lobby mqtt.url=x --force --sign " + key, "only in the files"},
		{"ls --broker mqtts://x --cert x.pem", "both --cert and --key"},
		{"screen Hall", "on or off"},
		{"screen off", "name a box"},
		{"logs Hall --lines 1001 --sign x", "--lines"},
		{"logs Hall", "key is missing"},
		{"unpair Hall", "key is missing"},
		{"rm", "name a box"},
		{"set", "name a box"},
		{"set Hall", "no settings"},
		{"set Hall x", "not KEY=VALUE"},
		{"set Hall =1", "not KEY=VALUE"},
		{"set Hall name=a name=b", "twice"},
		{"set Hall slideshow.intervall=20s", "did you mean slideshow.interval?"},
		{"set Hall mqtt.url=x", "only in the files"},
		{"set Hall --clear", "--clear"},
		{"set site=lobby slideshow.interval=soon --sign " + key, "slideshow.interval"},
		{"set site=lobby slideshow.zoom= --sign " + key, "has no value"},
		{"set site=+ slideshow.zoom=true --sign " + key, "not a group"},
		{"set site=+ brand.new=true --force --sign " + key, "not a group"},
		{"watch --offline 0 --blocked 0 --session 0", "turned off"},
		{"watch --offline -1s", "negative"},
		{"watch --webhook ftp://secret", "--webhook is not"},
	} {
		s := newShell(newFakeBroker())
		code := s.run(t.Context(), strings.Fields(tt.args))
		if text := s.errs.take(); code != command.Usage || !strings.Contains(text, tt.want) || strings.Contains(text, "secret") {
			t.Errorf("%s: exit code %d, %s", tt.args, code, text)
		}
	}
}

// Several boxes are commanded only with --all. The others go on where one fails.
func TestMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBroker()
		var calls []string
		b.box("0a", "Hall", "online", done(t, &calls))
		b.box("0b", "Bar", "online", func(m message) string {
			return `{"id":"` + callOf(t, m).ID + `","ok":false,"problem":{"code":"not_paired","detail":"No account \u001b[2J."}}`
		})
		b.box("0c", "Attic", "offline", done(t, &calls))
		b.box("0d", "Cellar", "online", func(message) string { return `{"id":"other","ok":true}` })
		s := newShell(b)
		if code := s.run(t.Context(), []string{"pick", "site=lobby"}); code != command.Failed || !strings.Contains(s.errs.take(), "4 boxes match") || len(calls) > 0 {
			t.Errorf("exit code %d, %v", code, calls)
		}
		if code := s.run(t.Context(), []string{"next", "Hall", "0a"}); code != command.Done || len(calls) != 1 {
			t.Errorf("exit code %d, %v", code, calls)
		}
		calls = nil
		if code := s.run(t.Context(), []string{"next", "Hall", "Attic", "--wait", "1s"}); code != command.Failed || len(calls) != 1 {
			t.Errorf("exit code %d, %v", code, calls)
		}
		calls = nil
		s.out.take()
		s.errs.take()
		began := time.Now()
		code := s.run(t.Context(), []string{"pick", "--all", "--wait", "7s"})
		if took := time.Since(began); code != command.Failed || took < 7*time.Second || took > 8*time.Second {
			t.Errorf("exit code %d after %v", code, took)
		}
		if got := s.out.take(); got != "2 of 4 boxes answered, 1 of them done\n" {
			t.Errorf("%s", got)
		}
		want := "pickerd-fleet: box Attic (0c): offline\npickerd-fleet: box Bar (0b): No account ?[2J. (not_paired)\npickerd-fleet: box Cellar (0d): does not answer\n"
		if got := s.errs.take(); got != want {
			t.Errorf("%s", got)
		}
		if len(calls) != 1 {
			t.Errorf("%q", calls)
		}
	})
}

// One box that fails is an error, and so is a broker that goes.
func TestOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBroker()
		b.box("0c", "Attic", "offline", nil)
		b.box("0d", "Cellar", "online", func(message) string { return "" })
		b.box("0f", "Shed", "online", func(message) string {
			return `{"id":"","ok":false,"problem":{"code":"foreign_key","title":"Forbidden"}}`
		})
		b.box("0e", "Lift", "online", func(message) string { go b.cut(true); return "" })
		s := newShell(b)
		for _, tt := range []struct {
			args, want string
			code       int
		}{
			{"next Attic", "box Attic (0c): offline", command.Failed},
			{"next Cellar", "box Cellar (0d): does not answer", command.Failed},
			{"next Shed", "box Shed (0f): Forbidden (foreign_key)", command.Failed},
			{"next Roof", "no box matches", command.Failed},
			{"next Lift", "connection lost: cut", command.Failed},
			{"next Attic", "broker down", command.Unreachable},
		} {
			code := s.run(t.Context(), strings.Fields(tt.args))
			if text := s.errs.take(); code != tt.code || !strings.Contains(text, tt.want) {
				t.Errorf("%s: exit code %d, %s", tt.args, code, text)
			}
		}
	})
}

// A box is found by its ID without the others.
func TestByID(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBroker()
		var calls []string
		b.box("0123456789abcdef", "fedcba9876543210", "online", done(t, &calls))
		b.box("fedcba9876543210", "Bar", "online", done(t, &calls))
		if code := newShell(b).run(t.Context(), []string{"next", "fedcba9876543210"}); code != command.Done || len(calls) != 1 {
			t.Errorf("exit code %d, %v", code, calls)
		}
	})
}

// The broker drops a command that it cannot deliver while the program waits.
func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBroker()
		var expiry time.Duration
		b.box("0a", "Hall", "online", func(m message) string {
			expiry = m.expiry
			if m.retain {
				t.Error("a command is retained")
			}
			return `{"id":"` + callOf(t, m).ID + `","ok":true}`
		})
		newShell(b).run(t.Context(), []string{"next", "Hall", "--wait", "5s"})
		if expiry != 5*time.Second {
			t.Errorf("%v", expiry)
		}
	})
}

// A group gets a signed, retained order, which show prints.
func TestGroup(t *testing.T) {
	key, public := newKey(t)
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBroker()
		s := newShell(b)
		if code := s.run(t.Context(), []string{"show", "site=lobby"}); code != command.Failed || !strings.Contains(s.errs.take(), "no settings") {
			t.Errorf("exit code %d", code)
		}
		if code := s.run(t.Context(), []string{"set", "site=lobby", "slideshow.interval=20s", "name=7", "--sign", key, "--for", "2d", "--base", "elsewhere"}); code != command.Done {
			t.Fatalf("exit code %d: %s", code, s.errs.take())
		}
		var e struct {
			Payload, Sig []byte
			Key          string
		}
		var o mqtt.Order
		err := json.Unmarshal(b.retained["pickerd/groups/site=lobby/settings"], &e)
		if err != nil || json.Unmarshal(e.Payload, &o) != nil || !ed25519.Verify(public, e.Payload, e.Sig) || e.Key != mqtt.KeyID(public) {
			t.Fatalf("%v %s", err, e.Payload)
		}
		if o.Target != "site=lobby" || o.Serial != uint64(time.Now().UnixMilli()) || !o.NotAfter.Equal(time.Now().Add(48*time.Hour)) || o.Settings["name"] != "7" {
			t.Errorf("%+v", o)
		}
		if code := s.run(t.Context(), []string{"show", "site=lobby"}); code != command.Done {
			t.Errorf("exit code %d: %s", code, s.errs.take())
		}
		if got := s.out.take(); !strings.Contains(got, "slideshow.interval  20s\n") || !strings.Contains(got, "until               "+o.NotAfter.Local().Format(time.DateTime)+"\n") {
			t.Errorf("%s", got)
		}
		if code := s.run(t.Context(), []string{"set", "site=lobby", "--clear", "--sign", key}); code != command.Done {
			t.Errorf("exit code %d: %s", code, s.errs.take())
		}
		if code := s.run(t.Context(), []string{"show", "site=lobby", "--json"}); code != command.Done || !strings.Contains(s.out.take(), `"settings": null`) {
			t.Errorf("exit code %d: %s", code, s.errs.take())
		}
		b.put("pickerd/groups/site=lobby/settings", "nonsense", true)
		if code := s.run(t.Context(), []string{"show", "site=lobby"}); code != command.Failed {
			t.Errorf("exit code %d: %s", code, s.errs.take())
		}
	})
}

// A box that is gone is taken out of the broker, one that is online only with --force.
func TestRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newFakeBroker()
		b.box("0a", "Hall", "online", nil)
		b.box("0c", "Attic", "offline", nil)
		b.put("pickerd/0c/health", `{"at":"2026-11-29T12:55:00Z"}`, true)
		b.put("pickerd/0c/settings", `{}`, true)
		b.put("homeassistant/device/0c/config", `{}`, true)
		b.put("homeassistant/device/0a/config", `{}`, true)
		s := newShell(b)
		if code := s.run(t.Context(), []string{"rm", "site=lobby", "--all"}); code != command.Failed || len(b.retained) != 8 || !strings.Contains(s.errs.take(), "online") {
			t.Errorf("exit code %d, %d left", code, len(b.retained))
		}
		if code := s.run(t.Context(), []string{"rm", "Attic"}); code != command.Done || len(b.retained) != 3 {
			t.Errorf("exit code %d, %d left: %s", code, len(b.retained), s.errs.take())
		}
		if code := s.run(t.Context(), []string{"rm", "Hall", "--force", "--discovery="}); code != command.Done || len(b.retained) != 1 {
			t.Errorf("exit code %d, %d left: %s", code, len(b.retained), s.errs.take())
		}
	})
}

// The manual page has every verb and its flags.
func TestManual(t *testing.T) {
	var page bytes.Buffer
	manPage(&page)
	for _, want := range []string{`\-\-webhook`, `\-\-sign`, "pickerd\\-fleet screen", "EXIT STATUS"} {
		if !strings.Contains(page.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	s := newShell(newFakeBroker())
	for _, v := range verbs() {
		if code := s.run(t.Context(), []string{"help", v.name}); code != command.Done || !strings.Contains(s.out.take(), v.help) {
			t.Errorf("help %s: exit code %d", v.name, code)
		}
	}
}

// An address that may be a secret is no default in the help.
func TestHelpWithoutSecrets(t *testing.T) {
	s := newShell(newFakeBroker())
	s.getenv = func(name string) string {
		if strings.HasSuffix(name, "WEBHOOK") || strings.HasSuffix(name, "PASSWORD") {
			return "secret"
		}
		return ""
	}
	for _, v := range verbs() {
		if s.run(t.Context(), []string{v.name, "--help"}); strings.Contains(s.out.take()+s.errs.take(), "secret") {
			t.Errorf("%s --help prints a secret", v.name)
		}
	}
	if code := s.run(t.Context(), []string{"watch"}); code != command.Usage || !strings.Contains(s.errs.take(), "--webhook is not") {
		t.Errorf("the environment does not set the webhook: %d", code)
	}
}

// Each name must be that of a box, and of one only.
func TestNames(t *testing.T) {
	for _, tt := range []struct {
		args string
		code int
		told int32
	}{
		{"next Hall", command.Done, 1},
		{"next Hall Atic", command.Failed, 0},
		{"next Twin Atic", command.Failed, 0},
		{"next Twin", command.Failed, 0},
		{"next Twin --all", command.Done, 2},
		{"next Hall 0b", command.Done, 2},
		{"next Hall Atic --all", command.Failed, 0},
		{"next * --all", command.Done, 3},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newFakeBroker()
			var told atomic.Int32
			for id, name := range map[string]string{"0a": "Hall", "0b": "Twin", "0c": "Twin"} {
				b.box(id, name, "online", func(m message) string {
					told.Add(1)
					return `{"id":"` + callOf(t, m).ID + `","ok":true}`
				})
			}
			s := newShell(b)
			if code := s.run(t.Context(), strings.Fields(tt.args)); code != tt.code || told.Load() != tt.told {
				t.Errorf("%s: exit code %d, told %d: %s", tt.args, code, told.Load(), s.errs.take())
			}
		})
	}
}

// What is set for a group counts, also if another computer's clock was ahead. What somebody
// else has signed is replaced by force alone, and its serial means nothing.
func TestGroupSerial(t *testing.T) {
	path, _ := newKey(t)
	ours, err := readKey(path)
	if err != nil {
		t.Fatal(err)
	}
	_, theirs, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		now := uint64(time.Now().UnixMilli())
		for _, tt := range []struct {
			key  ed25519.PrivateKey
			kept uint64
			want uint64
		}{{nil, 0, now}, {ours, 5, now}, {ours, 2 * now, 2*now + 1}, {theirs, 2 * now, now}} {
			b := newFakeBroker()
			if tt.key != nil {
				data, err := groupOrder("site=lobby", nil, tt.key, tt.kept, time.Now())
				if err != nil {
					t.Fatal(err)
				}
				b.put(groupTopic("site=lobby"), string(data), true)
			}
			s := newShell(b)
			s.now = func() time.Time { return time.UnixMilli(int64(now)) }
			args := []string{"set", "site=lobby", "slideshow.interval=20s", "--sign", path}
			if code := s.run(t.Context(), args); (code != command.Done) != (tt.key.Equal(theirs)) {
				t.Errorf("exit code %d: %s", code, s.errs.take())
			}
			if tt.key.Equal(theirs) {
				if code := s.run(t.Context(), append(args, "--force")); code != command.Done {
					t.Errorf("with force: %s", s.errs.take())
				}
			}
			if g, err := parseGroup("site=lobby", b.retained[groupTopic("site=lobby")]); err != nil || g.Serial != tt.want {
				t.Errorf("kept %d: %+v, %v, want the serial %d", tt.kept, g, err, tt.want)
			}
		}
	})
}
