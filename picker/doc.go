// Package picker speaks the Google Photos Picker API: it creates, watches and
// deletes picking sessions, lists what a person picked and fetches the bytes.
//
// It never retries, except once after a 401, when a fresh access token may
// help; everything else is its caller's decision. Addresses of sessions and
// photos are secrets and appear in no error.
//
// https://developers.google.com/photos/picker/reference/rest
package picker
