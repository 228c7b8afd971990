package setup_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/setup"
	"pickerd/display/words"
	"pickerd/oauthdevice"
)

// A phone is a browser with one cookie.
type phone struct {
	handler http.Handler
	from    string
	cookie  *http.Cookie
}

func (p *phone) send(method, path, contentType, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.RemoteAddr = p.from + ":1234"
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	if p.cookie != nil {
		r.AddCookie(p.cookie)
	}
	w := httptest.NewRecorder()
	p.handler.ServeHTTP(w, r)
	for _, c := range w.Result().Cookies() {
		p.cookie = c
	}
	return w
}

func (p *phone) get(path string) *httptest.ResponseRecorder { return p.send("GET", path, "", "") }

// post sends a form of keys and values.
func (p *phone) post(path string, form ...string) *httptest.ResponseRecorder {
	v := url.Values{}
	for i := 0; i+1 < len(form); i += 2 {
		v.Set(form[i], form[i+1])
	}
	return p.send("POST", path, "application/x-www-form-urlencoded", v.Encode())
}

// upload sends a client file.
func (p *phone) upload(path string, data []byte, more ...string) *httptest.ResponseRecorder {
	body, contentType := fileForm(data, more...)
	return p.send("POST", path, contentType, body)
}

func fileForm(data []byte, more ...string) (body, contentType string) {
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for _, name := range more {
		m.WriteField(name, "1")
	}
	f, _ := m.CreateFormFile("file", "client.json")
	f.Write(data)
	m.Close()
	return b.String(), m.FormDataContentType()
}

// bench is a box to be set up.
type bench struct {
	*setup.Pages
	cfg    setup.Config
	plans  []setup.Plan
	err    error // of Commit
	handle http.Handler
}

func newBench(t *testing.T, change ...func(*setup.Config)) *bench {
	t.Helper()
	b := &bench{}
	b.cfg = setup.Config{Name: "Box <1>", Words: words.English(), Zone: "UTC", Log: slog.New(slog.DiscardHandler), Types: setup.Types{Google: true},
		Gateway: func(_ context.Context, issuer string) error {
			switch issuer {
			case "https://photos.test":
				return nil
			case "https://other.test":
				return &oauthdevice.Error{Op: oauthdevice.OpMetadata, HTTPStatus: 404, Err: oauthdevice.ErrMetadata}
			}
			return &oauthdevice.Error{Op: oauthdevice.OpMetadata, Err: errors.New("dial: no route")}
		},
		Commit: func(_ context.Context, p setup.Plan) error {
			if b.err != nil {
				return b.err
			}
			b.plans = append(b.plans, p)
			return nil
		}}
	for _, f := range change {
		f(&b.cfg)
	}
	b.Pages = setup.New(b.cfg)
	b.handle = b.Handler()
	return b
}

func (b *bench) phone(from string) *phone { return &phone{handler: b.handle, from: from} }

func (b *bench) path() string { return b.Invitations().Get().Path }

// run runs the pages until the test ends.
func (b *bench) run(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); b.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
}

// expect checks an answer.
func expect(t *testing.T, w *httptest.ResponseRecorder, status int, says string) {
	t.Helper()
	if w.Code != status || !strings.Contains(w.Body.String(), says) && w.Header().Get("Location") != says {
		t.Fatalf("%d %q, want %d with %q:\n%s", w.Code, w.Header().Get("Location"), status, says, w.Body)
	}
}

// A phone goes the whole way, by a gateway.
func TestWholeWay(t *testing.T) {
	b := newBench(t)
	key := b.path()
	if len(key) < len(setup.Prefix)+26 {
		t.Fatalf("the key %q has fewer than 128 bits", key)
	}
	p := b.phone("192.168.1.5")
	w := p.get(key)
	expect(t, w, 200, "Set up Box &lt;1&gt;")
	if csp := w.Header().Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%v", w.Header())
	}
	expect(t, p.post(key), 303, key+"/box")
	if c := p.cookie; c == nil || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || len(c.Value) < 26 {
		t.Fatalf("cookie: %+v", c)
	}
	expect(t, p.get(key+"/finish"), 303, key+"/box") // nothing is skipped
	expect(t, p.post(key+"/finish"), 303, key+"/box")
	expect(t, p.get(key+"/box"), 200, `value="Box &lt;1&gt;"`)
	for name, form := range map[string][]string{
		"no name":          {"name", " ", "language", "de", "zone", "Europe/Berlin"},
		"long name":        {"name", strings.Repeat("ü", setup.MaxName+1), "language", "de", "zone", ""},
		"unknown language": {"name", "x", "language", "tlh", "zone", ""},
		"no zone's name":   {"name", "x", "language", "de", "zone", "../../etc/passwd"},
	} {
		if w := p.post(key+"/box", form...); w.Code != 422 || !strings.Contains(w.Body.String(), `role="alert"`) {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
	}
	expect(t, p.post(key+"/box", "name", "  Living\n room 100% ", "language", "de", "zone", "Europe/Berlin"), 303, key+"/signin")
	expect(t, p.post(key+"/signin", "gateway", "photos.test/"), 303, key+"/finish")
	expect(t, p.get(key+"/finish"), 200, "Living room 100%")
	expect(t, p.get(key+"/box"), 200, `value="Living room 100%"`)
	if len(b.plans) > 0 {
		t.Fatalf("%v before Finish", b.plans)
	}
	select {
	case <-b.Finished():
		t.Fatal("finished early")
	default:
	}
	expect(t, p.post(key+"/finish"), 200, "Look at the screen")
	want := setup.Plan{Settings: map[string]string{"name": "Living room 100%%", "display.language": "de", "time_zone": "Europe/Berlin", "google.gateway": "https://photos.test"}}
	if len(b.plans) != 1 || !reflect.DeepEqual(b.plans[0], want) {
		t.Errorf("%+v", b.plans)
	}
	<-b.Finished()
	// Now the pages are closed.
	if i := b.Invitations().Get(); i != (setup.Invitation{}) {
		t.Errorf("%+v", i)
	}
	expect(t, p.get(key+"/box"), 200, "Look at the screen")
	expect(t, p.post(key+"/finish"), 200, "Look at the screen")
	expect(t, b.phone("192.168.1.6").get(key), 410, "expired")
	if len(b.plans) != 1 {
		t.Error("set up twice")
	}
}

func TestClaim(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(t)
		first, second := b.phone("192.168.1.5"), b.phone("192.168.1.6")
		key := b.path()
		// Looking claims nothing: previews of links do.
		expect(t, second.get(key), 200, "Start")
		expect(t, second.get(key+"/box"), 303, key)
		expect(t, second.post(key+"/finish"), 303, key)
		expect(t, first.post(key), 303, key+"/box")
		if i := b.Invitations().Get(); !i.Claimed || i.Path != key {
			t.Errorf("%+v", i)
		}
		for _, path := range []string{"", "/box", "/wifi", "/signin", "/finish"} {
			expect(t, second.get(key+path), 409, "Another phone is setting this box up")
			expect(t, second.post(key+path), 409, "10 minutes")
		}
		expect(t, second.upload(key+"/file", []byte("{}")), 409, "Another phone")
		second.cookie = &http.Cookie{Name: first.cookie.Name, Value: "x"}
		expect(t, second.get(key+"/box"), 409, "Another phone")
		// Another page can't act for the phone.
		r := httptest.NewRequest("POST", key+"/box", strings.NewReader("name=x&language=en"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		r.AddCookie(first.cookie)
		w := httptest.NewRecorder()
		b.handle.ServeHTTP(w, r)
		expect(t, w, 403, "")
		expect(t, first.post(key+"/box", "name", "Mine", "language", "en", "zone", ""), 303, key+"/signin")
		// A claim lasts while it is used, also longer than a key.
		for range 4 {
			time.Sleep(setup.MaxIdle - time.Second)
			expect(t, first.get(key), 303, key+"/signin")
		}
		// It ends with its phone's silence. What was entered goes with it.
		time.Sleep(setup.MaxIdle)
		synctest.Wait()
		if b.path() == key {
			t.Fatal("the old key is still valid")
		}
		expect(t, first.get(key), 410, "expired")
		expect(t, first.get(b.path()), 200, "Set up Box")
		expect(t, second.post(b.path()), 303, b.path()+"/box")
		expect(t, second.get(b.path()+"/box"), 200, `value="Box &lt;1&gt;"`)
		expect(t, first.get(b.path()), 409, "Another phone")
	})
}

// Of two phones that tap at once, after both have seen that nobody has started, one gets
// the claim.
func TestPhonesAtOnce(t *testing.T) {
	b := newBench(t)
	r := httptest.NewRequest("POST", b.path(), nil)
	if first, second := b.Start(httptest.NewRecorder(), r), b.Start(httptest.NewRecorder(), r); !first || second {
		t.Errorf("%v, %v", first, second)
	}
}

// A key that no phone claims is replaced.
func TestKeyExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		b.run(t)
		p, key := b.phone("192.168.1.5"), b.path()
		time.Sleep(setup.MaxKeyAge - time.Second)
		expect(t, p.get(key), 200, "Start")
		time.Sleep(time.Second)
		synctest.Wait()
		if b.path() == key {
			t.Error("the key is not replaced")
		}
		expect(t, p.post(key), 410, "expired")
		expect(t, p.post(b.path()), 303, b.path()+"/box")
	})
}

// Wrong keys are limited for each host. The right one is not.
func TestWrongKeys(t *testing.T) {
	b := newBench(t)
	p, counts := b.phone("192.168.1.5"), map[int]int{}
	for i := range 100 {
		counts[p.get(fmt.Sprintf("%sKEY%d/box", setup.Prefix, i)).Code]++
	}
	if counts[429] < 70 || counts[410]+counts[429] != 100 {
		t.Errorf("%v", counts)
	}
	expect(t, p.get(b.path()), 200, "Start")
}

func TestGatewayAddress(t *testing.T) {
	b := newBench(t, func(c *setup.Config) {
		c.Check = func(key, value string) error {
			if value == "http://photos.test" {
				return &device.SettingError{Code: device.InvalidSetting, Key: key}
			}
			return nil
		}
	})
	p, key := b.phone("192.168.1.5"), b.path()
	p.post(key)
	p.post(key+"/box", "name", "x", "language", "en")
	for typed, want := range map[string]string{
		"":                         "not an address",
		"no gateway":               "not an address",
		"https://u:p@photos.test":  "not an address",
		"ftp://photos.test":        "not an address",
		"http://photos.test":       "not an address", // the configuration refuses it
		"https://photos.test/?a=b": "not an address",
		"javascript:alert(1)":      "not an address",
		strings.Repeat("x", 600):   "not an address",
		"other.test":               "There is no gateway at https://other.test",
		"silent.test":              "https://silent.test does not answer",
	} {
		w := p.post(key+"/signin", "gateway", typed)
		expect(t, w, 422, want)
		expect(t, p.get(key+"/finish"), 303, key+"/signin")
	}
	for _, typed := range []string{"photos.test", " HTTPS://Photos.test/ ", "https://photos.test"} {
		expect(t, p.post(key+"/signin", "gateway", typed), 303, key+"/finish")
	}
}

const (
	desktopFile = `{"installed":{"client_id":"d","client_secret":"s3cr3t","redirect_uris":["http://localhost"]}}`
	deviceFile  = `{"installed":{"client_id":"t","client_secret":"s3cr3t"}}`
	webFile     = `{"web":{"client_id":"w","client_secret":"s3cr3t","redirect_uris":["https://relay.test/"]}}`
)

func TestClientFile(t *testing.T) {
	google, own, relay := setup.Types{Google: true}, setup.Types{}, setup.Types{Google: true, Relay: "https://relay.test/"}
	for name, tt := range map[string]struct {
		data    string
		desktop bool
		types   setup.Types
		file    string // "" if it is refused
		says    string
	}{
		"desktop":                {desktopFile, false, google, "desktop_client_secret.json", "Desktop app"},
		"TV at Google":           {deviceFile, false, google, "", "TVs and Limited Input devices"},
		"TV that is a desktop's": {deviceFile, true, google, "desktop_client_secret.json", "Desktop app"},
		"TV elsewhere":           {deviceFile, false, own, "client_secret.json", "TVs and Limited Input devices"},
		"web without a relay":    {webFile, false, google, "", "Create a client of type “Desktop app”"},
		"web with a relay":       {webFile, false, relay, "web_client_secret.json", "Web application"},
		"web of another relay":   {strings.Replace(webFile, "relay.test", "old.test", 1), false, relay, "", "does not list https://relay.test/"},
		"web without addresses":  {`{"web":{"client_id":"w","client_secret":"s3cr3t"}}`, false, relay, "web_client_secret.json", "Web application"},
		"no secret":              {`{"installed":{"client_id":"d"}}`, false, google, "", "no client secret"},
		"service account":        {`{"type":"service_account","private_key":"s3cr3t"}`, false, google, "", "service account"},
		"a photo":                {"\xff\xd8\xff\xe0", false, google, "", "not a client file"},
		"other JSON":             {`{"a":[1]}`, false, google, "", "not a client file"},
		"empty":                  {"", false, google, "", "Choose a file"},
		"70 kB":                  {strings.Repeat(" ", 70<<10), false, google, "", "too large"},
		"10 MB":                  {strings.Repeat("x", 10<<20), false, google, "", "too large"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, func(c *setup.Config) { c.Types = tt.types })
			p, key := b.phone("192.168.1.5"), b.path()
			p.post(key)
			p.post(key+"/box", "name", "x", "language", "en")
			var more []string
			if tt.desktop {
				more = []string{"desktop"}
			}
			w := p.upload(key+"/file", []byte(tt.data), more...)
			if strings.Contains(w.Body.String(), "s3cr3t") {
				t.Error("the page shows the secret")
			}
			if tt.file == "" {
				expect(t, w, 422, tt.says)
				expect(t, p.get(key+"/finish"), 303, key+"/signin")
				return
			}
			expect(t, w, 303, key+"/finish")
			expect(t, p.get(key+"/finish"), 200, tt.says)
			expect(t, p.post(key+"/finish"), 200, "Look at the screen")
			if len(b.plans) != 1 || b.plans[0].Client == nil || b.plans[0].Client.File != tt.file || string(b.plans[0].Client.Data) != tt.data {
				t.Errorf("%+v", b.plans)
			}
		})
	}
}

// A gateway replaces an uploaded client, and the other way round.
func TestOneWayToSignIn(t *testing.T) {
	b := newBench(t)
	p, key := b.phone("192.168.1.5"), b.path()
	p.post(key)
	p.post(key+"/box", "name", "x", "language", "en")
	p.upload(key+"/file", []byte(desktopFile))
	p.post(key+"/signin", "gateway", "photos.test")
	p.upload(key+"/file", []byte(desktopFile))
	p.post(key + "/finish")
	if len(b.plans) != 1 || b.plans[0].Client == nil || b.plans[0].Settings["google.gateway"] != "" {
		t.Errorf("%+v", b.plans)
	}
}

// When the set-up can't be stored, the phone is told and may try again.
func TestFinishFails(t *testing.T) {
	b := newBench(t)
	p, key := b.phone("192.168.1.5"), b.path()
	p.post(key)
	p.post(key+"/box", "name", "x", "language", "en")
	p.post(key+"/signin", "gateway", "photos.test")
	b.err = &device.SettingError{Code: device.SettingLocked, Key: "name", Message: "locked"}
	expect(t, p.post(key+"/finish"), 422, "does not accept that")
	b.err = &device.StoreError{Err: syscall.ENOSPC}
	expect(t, p.post(key+"/finish"), 503, "storage is full")
	select {
	case <-b.Finished():
		t.Fatal("finished")
	default:
	}
	b.err = nil
	expect(t, p.post(key+"/finish"), 200, "Look at the screen")
}

// Pages are in the phone's language.
func TestLanguageOfPhone(t *testing.T) {
	b := newBench(t)
	r := httptest.NewRequest("GET", b.path(), nil)
	r.Header.Set("Accept-Language", "ar")
	w := httptest.NewRecorder()
	b.handle.ServeHTTP(w, r)
	if body := w.Body.String(); !strings.Contains(body, `lang="ar"`) || !strings.Contains(body, `dir="rtl"`) {
		t.Errorf("%s", body)
	}
	expect(t, b.phone("192.168.1.5").get("/pair/phone.css"), 200, "prefers-color-scheme: dark")
	expect(t, b.phone("192.168.1.5").get("/setup/zone.js"), 200, "timeZone")
}

// The pages use texts that there are, and all of them.
func TestTexts(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	used := map[string]bool{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil || strings.HasSuffix(f, "_test.go") {
			continue
		}
		for _, m := range regexp.MustCompile(`"([a-z]+(?:_[a-z]+)*)(?:\.[a-z]+)?"`).FindAllStringSubmatch(string(data), -1) {
			used[m[1]] = true
		}
		for _, m := range regexp.MustCompile(`(?:tell|message|row|complain)\("([a-z_.]+)"`).FindAllStringSubmatch(string(data), -1) {
			if en := words.English(); !en.Has("setup.phone."+m[1]) && !en.Has("setup.phone."+m[1]+".title") {
				t.Errorf("%s: %s has no text", f, m[1])
			}
		}
	}
	for key := range words.English().Texts("setup.phone") {
		if key, _, _ := strings.Cut(key, "."); !used[key] {
			t.Errorf("setup.phone.%s is used nowhere", key)
		}
	}
}

func FuzzReadIssuer(f *testing.F) {
	for _, s := range []string{"photos.test", "https://photos.test/x/", "HTTP://[::1]:80", "://", "a b", "https://\x00", "0" + strings.Repeat("\xb4", 60)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		issuer, err := setup.ReadIssuer(typed)
		if err != nil {
			return
		}
		u, err := url.Parse(issuer)
		if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
			t.Errorf("%q: %q", typed, issuer)
		}
		if again, err := setup.ReadIssuer(issuer); err != nil || strings.TrimRight(again, "/") != strings.TrimRight(issuer, "/") {
			t.Errorf("%q: %q, then %q, %v", typed, issuer, again, err)
		}
	})
}

func FuzzForms(f *testing.F) {
	body, contentType := fileForm([]byte(desktopFile), "desktop")
	f.Add(contentType, body)
	f.Add("multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{}\r\n--x--")
	f.Add("application/x-www-form-urlencoded", "name=a&language=de&zone=Europe%2FBerlin")
	f.Fuzz(func(t *testing.T, contentType, body string) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		if data, desktop, err := setup.Upload(r); err == nil {
			if len(data) == 0 || len(data) > setup.MaxClientFile {
				t.Errorf("%d bytes", len(data))
			}
			if c, err := setup.ReadClient(data, setup.Types{Google: true}, desktop); err == nil && (c.File == "" || c.Type == "") {
				t.Errorf("%+v", c)
			}
		}
		r = httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		name, language, zone, err := setup.ReadBox(r)
		if err == nil && (name == "" || len([]rune(name)) > setup.MaxName || language == "" || strings.Contains(zone, "..")) {
			t.Errorf("%q %q %q", name, language, zone)
		}
	})
}
