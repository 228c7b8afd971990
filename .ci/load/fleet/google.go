package fleet

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"pickerd/device"
	"pickerd/device/engine"
	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

const (
	authHost   = "auth.test"
	photosHost = "photos.test"
)

// perGoogle is how many boxes share a simulated Google, which looks its sessions up one
// by one.
const perGoogle = 16

// photos are virtual: they are the same for everybody.
var photos = sync.OnceValue(func() []*pickertest.Item { return pickertest.PlainPhotos(3) })

// A google is the simulated servers of some boxes, and their people.
type google struct {
	auth   *oauthtest.Server
	photos *pickertest.Server

	toAuth, toPhotos http.RoundTripper
}

func newGoogle() *google {
	g := &google{auth: oauthtest.New(oauthtest.Options{Interval: time.Second})}
	g.photos = pickertest.New(pickertest.Options{Check: g.auth.Check, PollInterval: "1s", MaxSessions: 2 * perGoogle}, photos()...)
	g.toAuth, g.toPhotos = oauthtest.InProcess(g.auth), oauthtest.InProcess(g.photos)
	return g
}

// RoundTrip carries a request to the server of that name.
func (g *google) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == authHost {
		return g.toAuth.RoundTrip(r)
	}
	return g.toPhotos.RoundTrip(r)
}

// client returns how a box reaches Google.
func (g *google) client() oauthdevice.Client {
	const at = "http://" + authHost
	return oauthdevice.Client{Scopes: []string{oauthtest.PickerScope}, DeviceAuthURL: at + "/device/code", AuthURL: at + "/auth", TokenURL: at + "/token",
		RevokeURL: at + "/revoke", UserinfoURL: at + "/userinfo", HTTP: &http.Client{Transport: g}}
}

func (g *google) method() engine.Method {
	return engine.Method{Name: device.ByDevice, ClientID: g.auth.ClientID(), Secret: oauthdevice.Secret(g.auth.ClientSecret())}
}

// person signs in at a box and chooses all photos, and waits until they are shown.
func (g *google) person(ctx context.Context, name string, b *whole) error {
	chosen := ""
	for s := range b.screen.Statuses().Watch(ctx) {
		switch {
		case s.State == device.Showing:
			return nil
		case s.Pairing != nil:
			g.auth.ApproveAs(s.Pairing.UserCode, name) // false if that was done
		case s.State == device.Picking && s.Pick != nil && s.Pick.SessionID != "" && s.Pick.SessionID != chosen:
			if err := g.photos.Choose(s.Pick.SessionID); err != nil {
				return err
			}
			chosen = s.Pick.SessionID
		}
	}
	return fmt.Errorf("no photos: state %s: %w", b.screen.Statuses().Get().State, context.Cause(ctx))
}
