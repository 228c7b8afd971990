package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pickerd/device"
)

// displays is how many screens show one slideshow.
const displays = 200

// BenchmarkDisplays measures one daemon with 200 screens: the time from a request
// for the next photo until a screen is told of it and until the screen has it, each
// as median and 99th percentile, and the memory per screen. The screens run on the
// same machine.
func BenchmarkDisplays(b *testing.B) {
	g := newGoogle(b)
	box := configured(b, g, b.TempDir())
	box.env = []string{"PICKERD_SLIDESHOW_INTERVAL=1h", "PICKERD_SLIDESHOW_PAIRS=false"}
	box.start()
	g.auth.Approve(box.untilStatus("a code", func(s *device.Status) bool { return s.Pairing != nil }).Pairing.UserCode)
	s := box.untilStatus("a session", func(s *device.Status) bool { return s.State == device.Picking && s.Pick.SessionID != "" })
	if err := g.photos.Choose(s.Pick.SessionID, "sample-sunset", "sample-harbour", "sample-dunes"); err != nil {
		b.Fatal(err)
	}
	box.untilStatus("photos", func(s *device.Status) bool { return s.State == device.Showing && s.Sessions == device.Sessions{} })
	before := memory(b, box.cmd.Process.Pid, "VmRSS")
	ctx, cancel := context.WithCancel(b.Context())
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	told, had := make(chan time.Time, displays), make(chan time.Time, displays)
	ready := make(chan bool, displays)
	for range displays {
		wg.Go(func() { watch(ctx, box.screen, ready, told, had) })
	}
	for range displays {
		<-ready
	}
	perScreen := (memory(b, box.cmd.Process.Pid, "VmRSS") - before) * 1000 / displays
	var events, photos []time.Duration
	used := cpu(b, box.cmd.Process.Pid)
	turns := 0
	for b.Loop() {
		for range 20 {
			turns++
			began := time.Now()
			resp, err := http.Post(box.screen+"next", "", nil)
			if err != nil {
				b.Fatal(err)
			}
			resp.Body.Close()
			for range displays {
				events = append(events, (<-told).Sub(began))
			}
			for range displays {
				photos = append(photos, (<-had).Sub(began))
			}
		}
	}
	slices.Sort(events)
	slices.Sort(photos)
	ms := func(list []time.Duration, share float64) float64 {
		return float64(list[min(int(share*float64(len(list))), len(list)-1)].Microseconds()) / 1000
	}
	b.ReportMetric(ms(events, 0.5), "ms-told-median")
	b.ReportMetric(ms(events, 0.99), "ms-told-p99")
	b.ReportMetric(ms(photos, 0.5), "ms-photo-median")
	b.ReportMetric(ms(photos, 0.99), "ms-photo-p99")
	b.ReportMetric((cpu(b, box.cmd.Process.Pid)-used).Seconds()*1000/float64(turns), "ms-cpu/turn")
	b.ReportMetric(perScreen, "kB/screen")
	b.ReportMetric(memory(b, box.cmd.Process.Pid, "VmHWM"), "MB-peak-rss")
}

// watch is one screen. It sends the times at which it was told of another photo and
// at which it had received it.
func watch(ctx context.Context, screen string, ready chan<- bool, told, had chan<- time.Time) {
	c := &http.Client{Transport: &http.Transport{DialContext: (&net.Dialer{}).DialContext, MaxIdleConnsPerHost: 1}}
	defer c.CloseIdleConnections()
	get := func(path string) *http.Response {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, screen+path, nil)
		if err != nil {
			panic(err)
		}
		for {
			resp, err := c.Do(req)
			if err == nil && resp.StatusCode == http.StatusOK {
				return resp
			}
			if ctx.Err() != nil {
				return nil
			}
			panic(fmt.Sprint(path, resp, err))
		}
	}
	stream := get("events?w=1920&h=1080")
	if stream == nil {
		return
	}
	defer stream.Body.Close()
	lines := bufio.NewScanner(stream.Body)
	lines.Buffer(nil, 1<<20)
	last := ""
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var p struct {
			Slide struct {
				Alt   string
				Media []struct{ Src string }
			}
		}
		if err := json.Unmarshal([]byte(data), &p); err != nil {
			panic(err)
		}
		if !strings.HasSuffix(p.Slide.Alt, " of 3") || p.Slide.Media[0].Src == last { // until the slideshow has all three
			continue
		}
		first := last == ""
		if last = p.Slide.Media[0].Src; first {
			ready <- true
			continue
		}
		told <- time.Now()
		resp := get(last)
		if resp == nil {
			return
		}
		_, err := io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if err != nil && ctx.Err() == nil {
			panic(err)
		}
		had <- time.Now()
	}
}
