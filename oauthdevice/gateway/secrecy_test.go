package gateway_test

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"pickerd/oauthdevice/gateway"
	"pickerd/oauthdevice/gateway/boltstore"
	"pickerd/oauthdevice/oauthtest"
)

// What is stored, logged and counted opens nothing, at any time of a sign-in.
func TestNothingReadable(t *testing.T) {
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			searchAll(t, w, w.store.dump)
		})
	})
	t.Run("file", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "gateway.db")
		store, err := boltstore.Open(path, boltstore.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		w := newWorld(t, func(c *gateway.Config) { c.Store = store })
		searchAll(t, w, func() string {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			return string(b)
		})
	})
}

var encoded = regexp.MustCompile(`"([A-Za-z0-9+/]{4,}={0,2})"`)

// decoded returns text and what is in it as base64, which is how JSON has bytes.
func decoded(text string) string {
	for _, m := range encoded.FindAllStringSubmatch(text, -1) {
		if b, err := base64.StdEncoding.DecodeString(m[1]); err == nil {
			text += "\n" + string(b)
		}
	}
	return text
}

// searchAll goes through a sign-in and searches the store, the log and the metrics
// for everything that is secret or says something about the person.
func searchAll(t *testing.T, w *world, dump func() string) {
	secrets := map[string]string{
		"upstream's secrets": oauthtest.Mark, "name": "Küche", "person": "person@", "client secret": boxSecret,
		"picker": "photos.google.com/picker/abc", "address": "198.51.100.7",
	}
	look := func(when string) {
		t.Helper()
		stored, logged := decoded(dump()), w.log.String()
		if !strings.Contains(stored, "device:") {
			t.Fatal("nothing is stored")
		}
		w.metrics.mu.Lock()
		labels := fmt.Sprint(w.metrics.n)
		w.metrics.mu.Unlock()
		for name, secret := range secrets {
			for place, text := range map[string]string{"store": stored, "log": logged, "metrics": labels} {
				if strings.Contains(text, secret) {
					t.Errorf("%s: the %s is in the %s", when, name, place)
				}
			}
		}
	}
	refresh := func(token string) {
		w.post("/token", "client_id", "pickerd", "grant_type", "refresh_token", "refresh_token", token)
	}
	b, p := w.newBox(), w.newPhone()
	secrets["device_code"], secrets["user_code"], secrets["letters"] = b.device, b.userCode, strings.ReplaceAll(b.userCode, "-", "")
	secrets["link"] = strings.TrimPrefix(b.link(), "/?c=")
	look("code asked")
	p.get("/" + query("user_code", b.userCode))
	p.get("/?user_code=BCD-FGH-JKL")
	callback := w.consent(p.scan(b.link()))
	q, err := url.ParseQuery(strings.TrimPrefix(callback, "/callback?"))
	if err != nil {
		t.Fatal(err)
	}
	secrets["state"] = q.Get("state")
	_, secrets["cookie"], _ = strings.Cut(p.cookies["__Host-pickerd"], ".")
	look("confirmed")
	w.google.Fail(oauthtest.OpExchange, reply(400, `{"error":"invalid_grant","error_description":"bad code `+q.Get("code")+`"}`))
	p.get(callback)
	p.signIn(b)
	_, secrets["second cookie"], _ = strings.Cut(p.cookies["__Host-pickerd"], ".")
	look("approved")
	token := b.poll().text("refresh_token")
	refresh(token)
	w.google.Fail(oauthtest.OpRefresh, oauthtest.RateLimited, reply(400, `{"error":"`+token+`"}`))
	refresh(token)
	refresh(token)
	look("polled")
	b.continueAt(pickerURI)
	look("continued")
	p.get("/wait")
	look("shown")
	w.store.change(func() { w.store.away = true })
	b.poll()
	p.get("/wait")
	p.get(b.link())
	w.store.change(func() { w.store.away = false })
	w.post("/revoke", "client_id", "pickerd", "token", token)
	look("revoked")
	if w.log.String() == "" {
		t.Error("nothing was logged")
	}
}

// A user code has so few bits that a thief could try them all on plain digests.
// They are made with a key that is not in the store.
func TestStoredCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		b := w.newBox()
		other := newWorld(t, func(c *gateway.Config) { c.Store, c.Upstream.Client.Secret = w.store, "another" })
		if rec := other.newPhone().get("/" + query("user_code", b.userCode)); rec.Code != 422 {
			t.Errorf("a thief without the key finds the code: %d", rec.Code)
		}
		// A ticket that was made for another code does not open.
		c := w.newBox()
		var tickets []string
		for key := range w.store.entries {
			if strings.HasPrefix(key, "code:") {
				tickets = append(tickets, key)
			}
		}
		e := w.store.entries
		e[tickets[0]], e[tickets[1]] = e[tickets[1]], e[tickets[0]]
		for _, code := range []string{b.userCode, c.userCode} {
			if rec := w.newPhone().get("/" + query("user_code", code)); rec.Code != 422 {
				t.Errorf("a ticket in another's place: %d", rec.Code)
			}
		}
	})
}
