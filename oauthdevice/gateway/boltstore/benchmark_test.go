package boltstore_test

import (
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"pickerd/oauthdevice/gateway/boltstore"
	"pickerd/oauthdevice/gateway/storetest"
)

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, open(b, newPath(b), boltstore.Options{}))
}

// BenchmarkPending measures many pending sign-ins, and how they expire all at once:
// GATEWAY_PENDING=1000000 go test -run '^$' -bench Pending -benchtime 1x
func BenchmarkPending(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("GATEWAY_PENDING"))
	if n == 0 {
		b.Skip("GATEWAY_PENDING is not set")
	}
	for range b.N {
		c := newClock()
		path := newPath(b)
		s := open(b, path, boltstore.Options{Now: c.now})
		s.NoSync() // fills it in minutes
		begin := time.Now()
		must(b, storetest.Fill(b, s, n, time.Hour))
		b.ReportMetric(time.Since(begin).Seconds(), "fill-s")
		used, size, _ := s.Stats()
		b.ReportMetric(float64(used)/float64(n), "used-B/code")
		b.ReportMetric(float64(size)/1e6, "file-MB")

		begin = time.Now()
		must(b, s.Close())
		s = open(b, path, boltstore.Options{Now: c.now})
		b.ReportMetric(time.Since(begin).Seconds(), "reopen-s")
		var mem runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&mem)
		b.ReportMetric(float64(mem.HeapAlloc)/1e6, "heap-MB")

		// Calls come while the writer removes what has expired.
		_, _, before := s.Stats()
		c.advance(2 * time.Hour)
		var took, slowest time.Duration
		for s.HasExpired() {
			call := time.Now()
			_, err := s.Join(b.Context(), "others", "m", 1, time.Hour)
			must(b, err)
			took += time.Since(call)
			slowest = max(slowest, time.Since(call))
		}
		_, _, after := s.Stats()
		b.ReportMetric(took.Seconds(), "expire-s")
		b.ReportMetric(float64(after-before), "transactions")
		b.ReportMetric(float64(took.Microseconds())/1000/float64(after-before), "ms/transaction")
		b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-call-ms")

		must(b, s.Close())
		begin = time.Now()
		_ = open(b, path, boltstore.Options{Now: c.now})
		b.ReportMetric(time.Since(begin).Seconds(), "reopen-empty-s")
		st, err := os.Stat(path)
		must(b, err)
		b.ReportMetric(float64(st.Size())/1e6, "empty-file-MB")
	}
}
