package oauthdevice

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrClientFile is wrapped by every error of ParseClientFile.
var ErrClientFile = errors.New("not an OAuth client file from the Google Cloud console")

// ErrServiceAccount is wrapped, with ErrClientFile, for the key of a service account.
var ErrServiceAccount = errors.New("this is a service account key")

// A ClientFile is a client_secret.json as downloaded from the Google Cloud
// console.
type ClientFile struct {
	ID     string
	Secret Secret
	// Web is true for a client of type "Web application". The files of TV and
	// Desktop clients cannot be told apart.
	Web          bool
	RedirectURIs []string // as registered; a Web client may use no others
}

// ParseClientFile parses a client file.
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
		// The decoder's error may quote the file, and with it the secret.
		return nil, fmt.Errorf("%w: not valid JSON", ErrClientFile)
	}
	c := f.Installed
	if f.Web != nil {
		c = f.Web
	}
	switch {
	case f.Type == "service_account":
		return nil, fmt.Errorf("%w: %w", ErrClientFile, ErrServiceAccount)
	case c == nil || c.ID == "":
		return nil, fmt.Errorf(`%w: no client_id under "installed" or "web"`, ErrClientFile)
	}
	return &ClientFile{ID: c.ID, Secret: c.Secret, Web: f.Web != nil, RedirectURIs: c.RedirectURIs}, nil
}
