package hooks

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/display"
)

type log struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A rig runs hooks and changes the status.
type rig struct {
	t     *testing.T
	board display.Board[device.Status]
	log   log
	out   string
	tick  *time.Ticker
}

func newRig(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := &rig{t: t, out: filepath.Join(t.TempDir(), "out"), tick: time.NewTicker(5 * time.Millisecond)}
	t.Cleanup(r.tick.Stop)
	cfg.Statuses, cfg.Log = &r.board, slog.New(slog.NewTextHandler(&r.log, nil))
	for _, c := range []*[]string{&cfg.OnPhotos, &cfg.OnPhoto, &cfg.OnState, &cfg.OnProblem} {
		for i := range *c {
			(*c)[i] = strings.ReplaceAll((*c)[i], "OUT", r.out)
		}
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = time.Minute
	}
	r.set(device.Pairing, 2)
	runner := New(cfg)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- runner.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return r
}

func (r *rig) set(state device.State, items int) {
	r.board.Set(device.Status{State: state, Name: "; rm -rf $HOME", Library: device.Library{Items: items}})
}

// until looks again and again: programs have no virtual time.
func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !ok(); <-r.tick.C {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited in vain until %s; %s; log %s", what, r.text(), r.log.String())
		}
	}
}

func (r *rig) text() string {
	data, _ := os.ReadFile(r.out)
	return string(data)
}

// collect is a hook that writes down what it is given.
var collect = []string{"/bin/sh", "-c", `cat >> OUT`}

func TestOnState(t *testing.T) {
	r := newRig(t, Config{OnState: append([]string{}, collect...)})
	r.set(device.Opening, 0)
	r.until("it follows", func() bool { return strings.Contains(r.text(), `"opening"`) })
	r.set(device.Opening, 1) // the same state
	r.set(device.Showing, 1)
	r.until("the next", func() bool { return strings.Contains(r.text(), `"showing"`) })
	for line := range strings.Lines(r.text()) {
		var s device.Status
		if err := json.Unmarshal([]byte(line), &s); err != nil || s.Name != "; rm -rf $HOME" {
			t.Errorf("%v: %s", err, line)
		}
	}
	if n := strings.Count(r.text(), "opening"); n != 1 || strings.Contains(r.text(), "pairing") {
		t.Errorf("one state was told %d times", n)
	}
}

func TestOnPhotoAndProblem(t *testing.T) {
	r := newRig(t, Config{OnPhoto: []string{"/bin/sh", "-c", "echo photo >> OUT"}, OnProblem: []string{"/bin/sh", "-c", "echo problem >> OUT"}})
	told := func(what string, n int) {
		t.Helper()
		r.until(fmt.Sprintf("%d times %s", n, what), func() bool { return strings.Count(r.text(), what) == n })
	}
	s := device.Status{State: device.Showing, Showing: &device.ShowingStatus{Item: "a"}}
	r.board.Set(s)
	told("photo", 1)
	s.Problem = &device.ProblemStatus{Code: "offline"}
	r.board.Set(s)
	told("problem", 1)
	s.Problem = nil
	r.board.Set(s)
	told("problem", 2)
	s.Showing = &device.ShowingStatus{Item: "b"}
	r.board.Set(s)
	told("photo", 2)
}

func TestOnPhotos(t *testing.T) {
	r := newRig(t, Config{OnPhotos: append([]string{}, collect...), OnState: []string{"/bin/sh", "-c", "echo . >> OUT.states"}})
	states := func() int { data, _ := os.ReadFile(r.out + ".states"); return strings.Count(string(data), ".") }
	r.set(device.Picking, 2)
	r.until("it picks", func() bool { return states() == 1 })
	r.set(device.Fetching, 3)
	r.until("it fetches", func() bool { return states() == 2 })
	if r.text() != "" {
		t.Errorf("told amid a download: %s", r.text())
	}
	r.set(device.Showing, 5)
	r.until("it is told", func() bool { return strings.Contains(r.text(), `"items":5`) })
	if strings.Contains(r.text(), `"items":3`) || strings.Contains(r.text(), `"items":2`) {
		t.Errorf("told too much: %s", r.text())
	}
}

// A hook that hangs, with children, is ended; one that fails is told of; neither
// keeps the next from being run.
func TestBadHooks(t *testing.T) {
	r := newRig(t, Config{OnState: []string{"/bin/sh", "-c", `echo run >> OUT; echo why it fails >&2; sleep 1000 & [ -e OUT.fail ] && exit 3; wait`}, Timeout: 300 * time.Millisecond})
	r.set(device.Opening, 0)
	r.until("it is run", func() bool { return strings.Contains(r.text(), "run") })
	r.until("it is ended", func() bool { return strings.Contains(r.log.String(), "it took longer than 300ms") })
	if err := os.WriteFile(r.out+".fail", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r.set(device.Picking, 0)
	r.until("it has failed", func() bool {
		return strings.Contains(r.log.String(), "exit status 3") && strings.Contains(r.log.String(), "why it fails")
	})
	none := newRig(t, Config{OnState: []string{"/none/there"}})
	none.set(device.Opening, 0)
	none.until("it is missed", func() bool { return strings.Contains(none.log.String(), "no such file") })
}
