package e2e

import (
	"bufio"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"pickerd/device"
)

var soak = flag.Duration("soak", 45*time.Second, "how long TestSoak makes picks; an hour says more")

// vitals are the figures that must not grow, from the box's metrics.
type vitals struct{ rss, files, goroutines, picks float64 }

func (v vitals) String() string {
	return fmt.Sprintf("%.1f MB, %.0f files, %.0f goroutines after %.0f picks", v.rss/1e6, v.files, v.goroutines, v.picks)
}

// vitals reads the metrics of a box.
func (b *box) vitals() vitals {
	b.t.Helper()
	resp, err := http.Get(b.screen + "metrics")
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	var v vitals
	for in := bufio.NewScanner(resp.Body); in.Scan(); {
		name, value, _ := strings.Cut(in.Text(), " ")
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			continue
		}
		switch name {
		case "process_resident_memory_bytes":
			v.rss = n
		case "process_open_fds":
			v.files = n
		case "go_goroutines":
			v.goroutines = n
		case `pickerd_picks_total{outcome="done"}`, `pickerd_picks_total{outcome="cancelled"}`:
			v.picks += n
		}
	}
	return v
}

// minPicks is the number of picks that TestSoak makes at least, however slow the
// machine is.
const minPicks = 10

// TestSoak makes and cancels picks, and checks that nothing grows.
func TestSoak(t *testing.T) {
	g := googleWith(t, 100*time.Millisecond)
	dir := t.TempDir()
	b := newBox(t, g, dir)
	page, err := http.Get(b.screen + "events?w=1920&h=1080")
	if err != nil {
		t.Fatal(err)
	}
	defer page.Body.Close()
	go func() { // a browser that watches
		for in := bufio.NewReader(page.Body); ; {
			if _, err := in.ReadString('\n'); err != nil {
				return
			}
		}
	}()
	b.until("a code is offered", func() bool { s := b.status(); return s != nil && s.Pairing != nil })
	if !g.auth.Approve(b.status().Pairing.UserCode) {
		t.Fatal("code not accepted")
	}
	began := time.Now()
	var first vitals
	warm, report := *soak/5, *soak/10
	for n, next := 0, report; time.Since(began) < *soak || n <= minPicks; n++ {
		if n > 0 {
			if err := b.try("pick"); err != nil {
				t.Fatal(err)
			}
		}
		b.until("a session is open", func() bool { return b.status().State == device.Picking && len(g.photos.Open()) == 1 })
		if n%5 == 4 {
			b.tell("cancel")
		} else {
			var ids []string
			for k := range 3 {
				ids = append(ids, g.items[(n+k*5)%len(g.items)].ID)
			}
			if err := g.photos.Choose(g.photos.Open()[0], ids...); err != nil {
				t.Fatal(err)
			}
		}
		b.until("the pick is over", func() bool {
			s := b.status()
			return s.State == device.Showing && s.Sessions == device.Sessions{} && len(g.photos.Open()) == 0
		})
		g.photos.PurgeExpired()
		if n%100 == 99 {
			g.auth.ExpireAccess() // so that tokens are refreshed
		}
		if first == (vitals{}) && n > 2 && time.Since(began) > warm {
			first = b.vitals()
			t.Log("warm:", first)
		}
		if time.Since(began) > next {
			next += report
			t.Logf("%v: %v", time.Since(began).Round(time.Second), b.vitals())
		}
	}
	last := b.vitals()
	t.Logf("%v: %v", time.Since(began).Round(time.Second), last)
	if last.picks < minPicks {
		t.Errorf("%v picks, want %d", last.picks, minPicks)
	}
	// The heap varies with garbage collection. A leak of a page or a file per pick is
	// more than that.
	if last.rss > first.rss*1.25+4e6 || last.files > first.files+8 || last.goroutines > first.goroutines+8 {
		t.Errorf("growth from %v to %v", first, last)
	}
	db, err := os.Stat(dir + "/state/pickerd.db")
	if err != nil {
		t.Fatal(err)
	}
	media, err := os.ReadDir(dir + "/state/media")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("database %d kB, media folder %d files", db.Size()/1000, len(media))
	if db.Size() > 4<<20 || len(media) > 10 {
		t.Error("the state directory grows")
	}
}
