// Package picker is a client of the Google Photos Picker API: it creates, polls
// and deletes picking sessions, lists the items that a person picked, and
// downloads them.
//
// It owns the API's requests, the classification of their errors, and the rule
// that the access token is sent to no other host. It never waits, and never
// retries except once with a new access token after a 401. The addresses of
// sessions and items are secret and appear in no error.
//
// https://developers.google.com/photos/picker/reference/rest
package picker
