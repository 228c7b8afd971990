package setup

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"

	"pickerd/device"
	"pickerd/oauthdevice"
)

// A Client is an uploaded client file.
type Client struct {
	File string `json:"file"` // its default name, which says its type
	Type string `json:"type"` // as the Google Cloud console names it
	Data []byte `json:"data"`
}

// Types are the types of clients that are of use to a box.
type Types struct {
	Google bool   // people sign in at Google, which refuses photos to clients for TVs
	Relay  string // the address of the relay page, which a Web application needs; "" without one
}

// The default names of client files, by type.
const (
	deviceFile  = "client_secret.json"
	webFile     = "web_client_secret.json"
	desktopFile = "desktop_client_secret.json"
)

const (
	maxClientFile = 64 << 10 // in bytes
	// maxDrain is how much of an upload is read without being kept. A browser that
	// can't send all of it shows an error of its own instead of the box's sentence.
	maxDrain = 64 << 20
)

// A complaint is an error in what a person has entered: the key of a text.
type complaint struct {
	key  string
	args []any
}

func (c *complaint) Error() string { return c.key }

func complain(key string, args ...any) error { return &complaint{key, args} }

// readClient checks a client file, as readClient in cmd/pickerd does. It tells the
// type by what the file has: only Web applications have their own member, and clients
// for TVs have no redirect URIs. That is not documented, so desktop overrides it.
func readClient(data []byte, types Types, desktop bool) (*Client, error) {
	f, err := oauthdevice.ParseClientFile(data)
	switch {
	case errors.Is(err, oauthdevice.ErrServiceAccount):
		return nil, complain("file_service_account")
	case err != nil:
		return nil, complain("file_not_client")
	case f.Secret == "" && types.Google:
		return nil, complain("file_no_secret")
	case f.Web && types.Relay == "":
		return nil, complain("file_web", "type", device.ClientType(device.ByRelay), "wanted", device.ClientType(device.ByPaste))
	case f.Web && len(f.RedirectURIs) > 0 && !slices.Contains(f.RedirectURIs, types.Relay):
		return nil, complain("file_redirect", "address", types.Relay)
	case f.Web:
		return &Client{webFile, device.ClientType(device.ByRelay), data}, nil
	case len(f.RedirectURIs) > 0 || desktop:
		return &Client{desktopFile, device.ClientType(device.ByPaste), data}, nil
	case types.Google:
		return nil, complain("file_tv", "type", device.ClientType(device.ByDevice), "wanted", device.ClientType(device.ByPaste))
	}
	return &Client{deviceFile, device.ClientType(device.ByDevice), data}, nil
}

// upload reads the form with a client file. It keeps no more of it than a client file
// may have, but reads on so that the browser shows the answer.
func upload(r *http.Request) (data []byte, desktop bool, err error) {
	whole := r.Body
	defer func() { _, _ = io.Copy(io.Discard, whole) }() // the browser may have gone
	r.Body = io.NopCloser(io.LimitReader(whole, maxClientFile+maxFormHeaders))
	return readForm(r)
}

func readForm(r *http.Request) (data []byte, desktop bool, err error) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, false, complain("file_none")
	}
	for range maxParts {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, false, complain("file_none")
		}
		text, err := readPart(part)
		if err != nil {
			return nil, false, err
		}
		switch part.FormName() {
		case "desktop":
			desktop = true
		case "file":
			data = text
		}
	}
	if len(data) == 0 {
		return nil, desktop, complain("file_none")
	}
	return data, desktop, nil
}

// maxFormHeaders bounds what a form with a client file has beside that, in bytes.
const maxFormHeaders = 8 << 10

// maxParts bounds the fields of a form with a client file: it has two.
const maxParts = 4

func readPart(part *multipart.Part) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(part, maxClientFile+1))
	switch {
	case err != nil:
		return nil, complain("file_none")
	case len(text) > maxClientFile:
		return nil, complain("file_large", "kb", maxClientFile>>10)
	}
	return text, nil
}
