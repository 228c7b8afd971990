package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"pickerd/cmd/command"
	"pickerd/device"
	"pickerd/oauthdevice"
)

// hasGateway reports whether people sign in at a gateway.
func (d *Doctor) hasGateway() bool { return d.cfg.Config != nil && d.cfg.Config.Google.Gateway != "" }

// gateway checks the metadata of the gateway. Without one it says nothing.
func (d *Doctor) gateway(ctx context.Context, check string) {
	if !d.hasGateway() {
		return
	}
	issuer := d.cfg.Config.Google.Gateway
	if s := d.all(); len(s) == 0 || !s[0].trusted {
		why := issuer + " can't be reached."
		if len(s) > 0 {
			why = s[0].unusable(issuer)
		}
		d.skip(check, "%s", why)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, d.cfg.Patience)
	defer cancel()
	md, err := oauthdevice.Discover(ctx, d.http(true), issuer)
	switch {
	case isNotFound(err):
		d.found(check, Fail, "Check the path of google.gateway: it is the issuer of the gateway, letter for letter.", "There is no gateway at %s: %v", issuer, err)
		return
	case errors.Is(err, oauthdevice.ErrMetadata):
		d.found(check, Fail, "Set google.gateway to the issuer of the gateway, letter for letter.", "%v", err)
		return
	case err != nil:
		d.found(check, Warn, "pickerd retries automatically. Photos and linked accounts stay. Ask the operator of the gateway.", "%v", err)
		return
	}
	remedy := ""
	if d.cfg.Config.IsGuest() {
		remedy = "Guest mode revokes the permission at Google after each visit, which signs the guest out of every box of the same Google project. Give kiosks in guest mode a project, and so a gateway, of their own."
	}
	words := "%s is the issuer of its metadata."
	if md.ContinueURL == "" {
		words += " It does not lead phones on to Google Photos, so people scan a second code."
	}
	d.found(check, OK, remedy, words, issuer)
}

// isNotFound reports whether a server has nothing at the address.
func isNotFound(err error) bool {
	e, ok := errors.AsType[*oauthdevice.Error](err)
	return ok && e.HTTPStatus == http.StatusNotFound
}

// refusalRemedy says what to do about a method that the server refuses with an
// error code, "" if that is not known.
func (d *Doctor) refusalRemedy(method, code string) string {
	gone := (&oauthdevice.Error{Code: code}).ClientGone()
	switch {
	case d.hasGateway() && method == device.ByDevice:
		return "Check google.client_id, google.client_secret and google.scopes. The operator of the gateway must have listed that client and those scopes."
	case gone:
		return "The client was deleted or disabled in the Google Cloud console. Create another one and install its file, or enable another pairing method."
	case code == oauthdevice.InvalidClient:
		return fmt.Sprintf("The client must be of type %q, and its secret must be right.", device.ClientType(method))
	}
	return "Set google.gateway, or enable another pairing method. See " + command.Document("pickerd", "oauthdevice/README.md") + "."
}
