package oauthdevice

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrClientFile is wrapped by every error of ParseClientFile.
var ErrClientFile = errors.New("not a client file as the Google console offers it for download")

// A ClientFile is a client_secret.json as downloaded from the Google Cloud
// console.
type ClientFile struct {
	ID     string
	Secret Secret
	// Web tells a client of type "Web application" from the others. TV and
	// Desktop clients can't be told apart by their files.
	Web          bool
	RedirectURIs []string // as registered; of Web clients these are all that work
}

// ParseClientFile reads a client file.
func ParseClientFile(data []byte) (*ClientFile, error) {
	type client struct {
		ID           string   `json:"client_id"`
		Secret       Secret   `json:"client_secret"`
		RedirectURIs []string `json:"redirect_uris"`
	}
	var f struct {
		Type      string  `json:"type"`
		Installed *client `json:"installed"`
		Web       *client `json:"web"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		// The decoder's own text may quote the file, and so the secret.
		return nil, fmt.Errorf("%w: it is not JSON", ErrClientFile)
	}
	c := f.Installed
	if f.Web != nil {
		c = f.Web
	}
	switch {
	case f.Type == "service_account":
		return nil, fmt.Errorf("%w: it is a service account key", ErrClientFile)
	case c == nil || c.ID == "":
		return nil, fmt.Errorf(`%w: it has neither an "installed" nor a "web" client_id`, ErrClientFile)
	}
	return &ClientFile{ID: c.ID, Secret: c.Secret, Web: f.Web != nil, RedirectURIs: c.RedirectURIs}, nil
}
