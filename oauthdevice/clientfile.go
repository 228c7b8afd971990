package oauthdevice

import (
	"encoding/json"
	"errors"
	"fmt"
)

// ErrClientFile is wrapped by every error of ParseClientFile.
var ErrClientFile = errors.New("not a client file as the Google console offers it for download")

// ParseClientFile reads the id and secret from a client_secret.json as
// downloaded from the Google Cloud console. TV and Desktop clients stand under
// "installed" and can't be told apart; a Web client stands under "web" and may
// not use the device flow.
func ParseClientFile(data []byte) (id string, secret Secret, err error) {
	type client struct {
		ID     string `json:"client_id"`
		Secret Secret `json:"client_secret"`
		Type   string `json:"type"`
	}
	var f struct {
		client
		Installed *client `json:"installed"`
		Web       *client `json:"web"`
	}
	if err := json.Unmarshal(data, &f); err != nil {
		// The decoder's own text may quote the file, and so the secret.
		return "", "", fmt.Errorf("%w: it is not JSON", ErrClientFile)
	}
	switch {
	case f.Web != nil:
		return "", "", fmt.Errorf(`%w for this purpose: it is of type "Web application"; make one of type "TVs and Limited Input devices"`, ErrClientFile)
	case f.Type == "service_account":
		return "", "", fmt.Errorf("%w: it is a service account key", ErrClientFile)
	case f.Installed == nil || f.Installed.ID == "":
		return "", "", fmt.Errorf(`%w: it has no "installed" client_id`, ErrClientFile)
	}
	return f.Installed.ID, f.Installed.Secret, nil
}
