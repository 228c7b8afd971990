package oauthdevice_test

import (
	"errors"
	"testing"

	"pickerd/oauthdevice"
)

func TestParseClientFile(t *testing.T) {
	f, err := oauthdevice.ParseClientFile([]byte(`{"installed":{"client_id":"i","client_secret":"s","redirect_uris":["http://localhost"]}}`))
	if err != nil || f.ID != "i" || f.Secret != "s" || f.Web {
		t.Errorf("%v %v", f, err)
	}
	f, err = oauthdevice.ParseClientFile([]byte(`{"web":{"client_id":"w","redirect_uris":["https://relay.test/"]}}`))
	if err != nil || f.ID != "w" || !f.Web || f.RedirectURIs[0] != "https://relay.test/" {
		t.Errorf("%v %v", f, err)
	}
	for name, text := range map[string]string{
		"service account": `{"type":"service_account"}`,
		"empty":           ``, "HTML": `<html>`, "no id": `{"installed":{}}`, "list": `[]`,
	} {
		if _, err := oauthdevice.ParseClientFile([]byte(text)); !errors.Is(err, oauthdevice.ErrClientFile) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzParseClientFile(f *testing.F) {
	f.Add(`{"installed":{"client_id":"i","client_secret":"s"}}`)
	f.Add(`{"web":null,"installed":{"client_id":7}}`)
	f.Add(`{"web":{"client_id":"w","redirect_uris":["https://relay.test/"]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := oauthdevice.ParseClientFile([]byte(text))
		if err == nil && c.ID == "" {
			t.Error("no error and no id")
		}
	})
}
