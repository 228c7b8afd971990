//go:build !crashpoints

package main

import (
	"net/http"

	"pickerd/store"
)

// What is shipped has no crash points; see crashpoints.go.

var crashDisk func(store.Op) error

func crashNetwork(rt http.RoundTripper) http.RoundTripper { return rt }
