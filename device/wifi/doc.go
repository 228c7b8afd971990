// Package wifi joins Wi-Fi networks through NetworkManager, and opens an access point
// of the box where there is no network. A Controller decides, a Radio acts.
//
// NetworkManager's D-Bus API is at
// https://networkmanager.dev/docs/api/1.42/spec.html.
package wifi
