// Package httpserve has what the HTTP servers of the box share: headers, digests,
// records per client and limits of connections.
package httpserve

import (
	"hash/fnv"
	"net/http"
	"net/netip"
	"strconv"
)

// SecurityHeaders restricts a browser to the given content security policy, keeps
// it from caching, and keeps other pages from embedding this one. It sends no
// referrer; a page with a form needs another Referrer-Policy.
func SecurityHeaders(h http.Header, policy string) {
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY") // for browsers without frame-ancestors
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
}

// Digest returns a short name for content. It is not a cryptographic hash.
func Digest(content []byte) string {
	h := fnv.New64a()
	h.Write(content)
	return strconv.FormatUint(h.Sum64(), 36)
}

// Hosts keeps a record for each of the latest clients, told apart by HostOf. Beyond
// its bound it drops all records and starts again. It must not be used concurrently.
type Hosts[T any] struct {
	max     int
	create  func() T
	records map[netip.Addr]T
}

// NewHosts returns Hosts with at most max records, made by create.
func NewHosts[T any](max int, create func() T) *Hosts[T] {
	return &Hosts[T]{max, create, map[netip.Addr]T{}}
}

// Find returns the record of an address, if there is one.
func (h *Hosts[T]) Find(addr netip.Addr) (record T, ok bool) {
	record, ok = h.records[HostOf(addr)]
	return record, ok
}

// Get returns the record of an address, and makes it if needed.
func (h *Hosts[T]) Get(addr netip.Addr) T {
	addr = HostOf(addr)
	if record, ok := h.records[addr]; ok {
		return record
	}
	if len(h.records) >= h.max {
		clear(h.records)
	}
	record := h.create()
	h.records[addr] = record
	return record
}

// Len returns the number of records.
func (h *Hosts[T]) Len() int { return len(h.records) }
