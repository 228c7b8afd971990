package storetest

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pickerd/oauthdevice/gateway"
)

// A pending sign-in as the gateway stores it: a record, and two more entries that
// lead to it, by the code that is typed and by the QR code.
const (
	recordSize    = 350
	referenceSize = 64

	callers = 64 // at the same time
)

func hashed(kind string, i int) string {
	sum := sha256.Sum256(fmt.Append(nil, kind, i))
	return kind + ":" + hex.EncodeToString(sum[:])
}

func pending(i int) map[string][]byte {
	return map[string][]byte{
		hashed("device", i): make([]byte, recordSize),
		hashed("typed", i):  make([]byte, referenceSize),
		hashed("link", i):   make([]byte, referenceSize),
	}
}

// Benchmark measures a store that already keeps some sign-ins, with 64 callers at
// the same time.
func Benchmark(b *testing.B, s gateway.Store) {
	const kept = 10_000
	if err := Fill(b, s, kept, time.Hour); err != nil {
		b.Fatal(err)
	}
	var created atomic.Int64
	created.Store(kept)
	old := make([]byte, recordSize)
	next := func(n *atomic.Int64) int { return int(n.Add(1) - 1) }
	var taken atomic.Int64
	for _, bench := range []struct {
		name string
		call func() error
	}{
		{"Get", func() error {
			_, err := s.Get(b.Context(), hashed("device", next(&taken)%kept))
			return err
		}},
		{"Create", func() error { return s.Create(b.Context(), pending(next(&created)), time.Hour) }},
		{"Swap", func() error { return s.Swap(b.Context(), hashed("device", next(&taken)%kept), old, old, time.Hour) }},
		{"Join", func() error {
			_, err := s.Join(b.Context(), "set", hashed("member", next(&created)), 1<<30, time.Hour)
			return err
		}},
		{"Take", func() error { return oneOf(s.Take(b.Context(), hashed("link", next(&taken)))) }},
	} {
		b.Run(bench.name, func(b *testing.B) { together(b, bench.call) })
	}
}

// oneOf drops what Take returns. There may be fewer entries than calls.
func oneOf(_ []byte, err error) error {
	if isTrouble(err) {
		return err
	}
	return nil
}

// together calls f b.N times, from many goroutines, and reports percentiles.
func together(b *testing.B, f func() error) {
	took := make([]time.Duration, b.N)
	var n atomic.Int64
	var all sync.WaitGroup
	b.ResetTimer()
	for range callers {
		all.Go(func() {
			for i := int(n.Add(1)) - 1; i < b.N; i = int(n.Add(1)) - 1 {
				begin := time.Now()
				if err := f(); err != nil {
					b.Error(err)
					return
				}
				took[i] = time.Since(begin)
			}
		})
	}
	all.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}

// Fill creates n pending sign-ins of one client.
func Fill(tb testing.TB, s gateway.Store, n int, ttl time.Duration) error {
	tb.Helper()
	var next atomic.Int64
	errs := make([]error, 4*callers)
	var all sync.WaitGroup
	for c := range errs {
		all.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if errs[c] = s.Create(tb.Context(), pending(i), ttl); errs[c] != nil {
					return
				}
				if _, errs[c] = s.Join(tb.Context(), "pending", hashed("member", i), n, ttl); errs[c] != nil {
					return
				}
			}
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
