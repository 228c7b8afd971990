package redisstore_test

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"pickerd/oauthdevice/gateway/redisstore/redistest"
	"pickerd/oauthdevice/gateway/storetest"
)

func BenchmarkStore(b *testing.B) {
	storetest.Benchmark(b, open(b, redistest.New(b).URL()))
}

// BenchmarkPending measures many pending sign-ins, and how they expire:
// GATEWAY_PENDING=1000000 go test -run '^$' -bench Pending -benchtime 1x
func BenchmarkPending(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("GATEWAY_PENDING"))
	if n == 0 {
		b.Skip("GATEWAY_PENDING is not set")
	}
	for range b.N {
		server := redistest.New(b)
		c := raw(b, server)
		s := open(b, server.URL())
		ctx := b.Context()
		memory := func() float64 {
			var bytes float64
			for line := range strings.Lines(c.Info(ctx, "memory").Val()) {
				fmt.Sscanf(line, "used_memory:%g", &bytes)
			}
			return bytes
		}
		empty := memory()
		begin := time.Now()
		must(b, storetest.Fill(b, s, n, time.Hour))
		b.ReportMetric(time.Since(begin).Seconds(), "fill-s")
		b.ReportMetric((memory()-empty)/float64(n), "B/code")
		b.ReportMetric(memory()/1e6, "memory-MB")

		// The clock cannot be set, so every key gets another expiry.
		at := time.Now().Add(time.Minute)
		script := `for _, key in ipairs(redis.call('KEYS', '*')) do redis.call('PEXPIREAT', key, ARGV[1]) end return 1`
		must(b, c.WithTimeout(5*time.Minute).Eval(ctx, script, nil, at.UnixMilli()).Err())
		time.Sleep(time.Until(at))
		begin = time.Now()
		slowest := time.Duration(0)
		for calls := 0; c.DBSize(ctx).Val() > 1; calls++ {
			call := time.Now()
			_, err := s.Join(ctx, "others", strconv.Itoa(calls), 1<<30, time.Minute)
			must(b, err)
			slowest = max(slowest, time.Since(call))
		}
		b.ReportMetric(time.Since(begin).Seconds(), "expire-s")
		b.ReportMetric(float64(slowest.Microseconds())/1000, "slowest-call-ms")
		b.ReportMetric(memory()/1e6, "empty-memory-MB")
	}
}
