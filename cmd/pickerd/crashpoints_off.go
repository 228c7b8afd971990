//go:build !crashpoints

package main

import (
	"net/http"

	"pickerd/store"
)

// Release builds have no crash points. See crashpoints.go.

var crashDisk func(store.Op) error

func crashNetwork(rt http.RoundTripper) http.RoundTripper { return rt }
