package oauthdevice

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"pickerd/oauthdevice/httperror"
)

// Received tells a server that the token of a device_code is saved, so that the
// server erases its copy. endpoint is Metadata.ReceivedURL. It may be repeated.
// Errors are of type *Error.
func (c *Client) Received(ctx context.Context, endpoint string, deviceCode Secret) error {
	return c.notify(ctx, "received", endpoint, url.Values{"device_code": {string(deviceCode)}}, deviceCode)
}

// Continue tells a server where the phone that approved a device_code goes on:
// to uri. endpoint is Metadata.ContinueURL. A server accepts it once. Errors are
// of type *Error.
func (c *Client) Continue(ctx context.Context, endpoint string, deviceCode, uri Secret) error {
	form := url.Values{"device_code": {string(deviceCode)}, "uri": {string(uri)}}
	return c.notify(ctx, "continue", endpoint, form, deviceCode, uri)
}

// notify posts a form and discards the response. secrets are those of the form.
func (c *Client) notify(ctx context.Context, op, endpoint string, form url.Values, secrets ...Secret) error {
	tr := &transport{authorization: c.basicAuth()}
	if !c.BasicAuth {
		form.Set("client_id", c.ID)
		if c.Secret != "" {
			form.Set("client_secret", string(c.Secret))
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return &Error{Op: op, Err: httperror.WithoutURL(err)}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := tr.send(req, c.HTTP)
	switch {
	case tr.ok() && !httperror.IsHTML(tr.body):
		return nil // a body that is cut off does not matter
	case err == nil:
		err = &oauth2.RetrieveError{Response: resp, Body: tr.body, ErrorCode: tr.errorCode()}
	}
	return newError(op, err, tr, append(secrets, c.Secret)...)
}
