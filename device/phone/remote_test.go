package phone

import (
	"errors"
	"strings"
	"testing"

	"pickerd/device"
	"pickerd/display"
)

func TestRemotePage(t *testing.T) {
	d := &fakeDevice{remote: device.Remote{Name: "<b>Lobby</b>", Now: "Photo 1 of 3", Buttons: []device.Button{
		{Wish: display.Wish{Verb: display.Previous}, Key: "remote.previous"}, {Wish: display.Wish{Verb: display.Next}, Key: "remote.next"},
		{Wish: display.Wish{Verb: display.Pause}, Key: "remote.pause"}, {Wish: display.Wish{Verb: display.Pick}, Key: "page.choose_photos"},
		{Wish: display.Wish{Verb: display.AskForget}, Key: "page.finish"}}}}
	h := newHandler(d)
	w := ask(h, "GET", "/remote/good", "")
	for _, want := range []string{"&lt;b&gt;Lobby", "Photo 1 of 3", "Previous", "Next", "Pause", "Choose photos", "Finish", "Close remote"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page has no %q", want)
		}
	}
	if csp := w.Header().Get("Content-Security-Policy"); w.Code != 200 || strings.Contains(csp, "unsafe") || !strings.Contains(csp, "frame-ancestors 'none'") || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	d.remote.Buttons = []device.Button{{Wish: display.Wish{Verb: display.Pick, Account: "a"}, Name: "anna@example.org"},
		{Wish: display.Wish{Verb: display.Pick, Account: device.NewAccount}, Key: "page.somebody_else"}}
	if body := ask(h, "GET", "/remote/good", "").Body.String(); strings.Contains(body, ">Choose photos<") || !strings.Contains(body, "anna@example.org") || !strings.Contains(body, "Who is choosing?") {
		t.Errorf("with several people: %s", body)
	}
	if w := ask(h, "GET", "/remote/bad", ""); w.Code != 410 || strings.Contains(w.Body.String(), "<button") {
		t.Errorf("with a wrong key: %d %s", w.Code, w.Body)
	}
	// Where a phone can't have a wish it has no button.
	d.remote = device.Remote{}
	if body := ask(h, "GET", "/remote/good", "").Body.String(); strings.Count(body, "<button") != 1 {
		t.Errorf("with nothing to be had: %s", body)
	}
}

func TestRemoteWishes(t *testing.T) {
	for name, tt := range map[string]struct {
		path, body string
		to         string
		err        error
		status     int
		location   string
		says       string
	}{
		"next":              {path: "good", body: "wish=next", status: 303, location: "/remote/good"},
		"pick":              {path: "good", body: "wish=pick&account=a", to: "https://photos.test/p", status: 303, location: "https://photos.test/p"},
		"away":              {path: "good", body: "wish=away", status: 200, says: "Remote closed"},
		"finish":            {path: "good", body: "wish=finish", status: 200, says: "Your photos and sign-in were removed"},
		"a wrong key":       {path: "bad", body: "wish=finish", status: 410, says: "no longer works"},
		"not offered":       {path: "good", body: "wish=finish", err: device.ErrNotOffered, status: 303, location: "/remote/good"},
		"too late":          {path: "good", body: "wish=cancel", err: device.ErrNoPick, status: 303, location: "/remote/good"},
		"trouble":           {path: "good", body: "wish=pick", err: &device.Problem{Code: "no_network"}, status: 200, says: "No internet"},
		"it goes on there":  {path: "good", body: "wish=pick", err: device.ErrNotThrough, status: 200, says: "Look at the screen"},
		"something strange": {path: "good", body: "wish=pick", err: errors.New("s3cr3t"), status: 303, location: "/remote/good"},
	} {
		d := &fakeDevice{to: tt.to, err: tt.err}
		w := ask(newHandler(d), "POST", "/remote/"+tt.path, tt.body)
		if w.Code != tt.status || w.Header().Get("Location") != tt.location || !strings.Contains(w.Body.String(), tt.says) || strings.Contains(w.Body.String(), "s3cr3t") {
			t.Errorf("%s: %d %q %s", name, w.Code, w.Header().Get("Location"), w.Body)
		}
		if tt.path == "bad" && d.wish.Verb != "" {
			t.Errorf("with a wrong key it does %+v", d.wish)
		}
	}
}
