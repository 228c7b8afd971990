// Package google simulates Google and a person for boxes in virtual machines.
package google

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"time"

	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// Gateway is the issuer of a gateway that this Google knows.
const Gateway = "https://photos.example"

// A Google combines the simulators of authorization and of the Picker API.
type Google struct {
	Auth    *oauthtest.Server
	Photos  *pickertest.Server
	address string
}

// New returns a Google that boxes reach at an address, host:port, and that has more
// items than the two pictures.
func New(address string, more ...*pickertest.Item) (*Google, error) {
	g := &Google{address: address}
	items, err := pictures()
	if err != nil {
		return nil, err
	}
	g.Auth = oauthtest.New(oauthtest.Options{PublicURL: "http://" + address + "/auth", Interval: time.Second, WebRedirects: []string{Gateway + "/callback"}})
	g.Photos = pickertest.New(pickertest.Options{PublicURL: "http://" + address + "/photos", PollInterval: "1s", Check: g.Auth.Check}, append(items, more...)...)
	return g, nil
}

// Handler serves both simulators.
func (g *Google) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/auth/", http.StripPrefix("/auth", g.Auth))
	mux.Handle("/photos/", http.StripPrefix("/photos", g.Photos))
	return mux
}

// Config returns the part of a box's configuration that names this Google.
func (g *Google) Config() string {
	return fmt.Sprintf(`[google]
device_auth_url = "http://%[1]s/auth/device/code"
token_url = "http://%[1]s/auth/token"
revoke_url = "http://%[1]s/auth/revoke"
picker_url = "http://%[1]s/photos"
`, g.address)
}

// PickerURL returns the address of the Picker API.
func (g *Google) PickerURL() string { return "http://" + g.address + "/photos" }

// Approve approves the user code that was issued last.
func (g *Google) Approve() error {
	if !g.Auth.Approve(g.Auth.UserCode()) {
		return fmt.Errorf("no code to approve")
	}
	return nil
}

// Choose chooses pictures in the only open session.
func (g *Google) Choose(ids ...string) error {
	open := g.Photos.Open()
	if len(open) != 1 {
		return fmt.Errorf("%d open sessions, want 1", len(open))
	}
	return g.Photos.Choose(open[0], ids...)
}

// Quarters are the colours of picture-0 and picture-1, quarter by quarter from the
// upper left, row by row.
var Quarters = [][4]color.RGBA{
	{{220, 30, 40, 255}, {40, 200, 60, 255}, {30, 60, 210, 255}, {250, 250, 250, 255}},
	{{240, 200, 20, 255}, {120, 20, 140, 255}, {20, 160, 170, 255}, {40, 40, 40, 255}},
}

func pictures() ([]*pickertest.Item, error) {
	var items []*pickertest.Item
	for i, q := range Quarters {
		m := image.NewRGBA(image.Rect(0, 0, 640, 360))
		for y := range 360 {
			for x := range 640 {
				m.SetRGBA(x, y, q[y/180*2+x/320])
			}
		}
		var b bytes.Buffer
		if err := png.Encode(&b, m); err != nil {
			return nil, err
		}
		items = append(items, &pickertest.Item{ID: fmt.Sprint("picture-", i), Filename: fmt.Sprint(i, ".png"), MimeType: "image/png", Width: 640, Height: 360, CreateTime: time.Now(), Data: b.Bytes()})
	}
	return items, nil
}
