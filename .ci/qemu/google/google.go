// Package google plays Google and the person for boxes in virtual machines.
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

// A Google is both simulators.
type Google struct {
	Auth    *oauthtest.Server
	Photos  *pickertest.Server
	address string
}

// New returns a Google that boxes reach at an address.
func New(address string) (*Google, error) {
	g := &Google{address: address}
	items, err := pictures()
	if err != nil {
		return nil, err
	}
	g.Auth = oauthtest.New(oauthtest.Options{PublicURL: "http://" + address + "/auth", Interval: time.Second})
	g.Photos = pickertest.New(pickertest.Options{PublicURL: "http://" + address + "/photos", PollInterval: "1s", Check: g.Auth.Check}, items...)
	return g, nil
}

// Handler serves both.
func (g *Google) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/auth/", http.StripPrefix("/auth", g.Auth))
	mux.Handle("/photos/", http.StripPrefix("/photos", g.Photos))
	return mux
}

// Config is the part of a box's configuration that leads here.
func (g *Google) Config() string {
	return fmt.Sprintf(`[google]
device_auth_url = "http://%[1]s/auth/device/code"
token_url = "http://%[1]s/auth/token"
revoke_url = "http://%[1]s/auth/revoke"
picker_url = "http://%[1]s/photos"
`, g.address)
}

// Approve signs the person in with the code that was given last.
func (g *Google) Approve() error {
	if !g.Auth.Approve(g.Auth.UserCode()) {
		return fmt.Errorf("no code to approve")
	}
	return nil
}

// Choose chooses pictures in the one session that is open.
func (g *Google) Choose(ids ...string) error {
	open := g.Photos.Open()
	if len(open) != 1 {
		return fmt.Errorf("%d sessions are open", len(open))
	}
	return g.Photos.Choose(open[0], ids...)
}

// Quarters are the colours of the pictures there are, picture-0 and picture-1,
// each from its upper left, row by row.
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
