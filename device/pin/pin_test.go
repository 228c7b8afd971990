package pin_test

import (
	"errors"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"pickerd/device"
	"pickerd/device/pin"
	"pickerd/store"
)

// counter counts in memory.
type counter struct {
	n   int
	err error
}

func (c *counter) Tries() (int, error) { return c.n, c.err }

func (c *counter) Count() (int, error) {
	if c.err == nil {
		c.n++
	}
	return c.n, c.err
}

func (c *counter) Reset() error { c.n = 0; return c.err }

const right, wrong = "480915", "480916"

// TestGuessing checks the waits of somebody who guesses, also across restarts.
func TestGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &counter{}
		g := pin.New(right, c)
		for n, wait := range []time.Duration{0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60} {
			wait *= time.Minute
			err := g.Enter(wrong)
			w, waits := errors.AsType[*device.PINWaitError](err)
			if !errors.Is(err, device.ErrPINWrong) || waits != (wait > 0) || waits && w.For != wait {
				t.Fatalf("wrong PIN %d: %v, want a wait of %v", n+1, err, wait)
			}
			if wait == 0 {
				continue
			}
			time.Sleep(wait / 2)
			g = pin.New(right, c) // a restart: the whole wait begins again
			time.Sleep(wait - time.Second)
			if w, ok := errors.AsType[*device.PINWaitError](g.Enter(right)); !ok || w.For != time.Second || c.n != n+1 {
				t.Errorf("after wrong PIN %d, a second early: %v, %d counted", n+1, w, c.n)
			}
			time.Sleep(time.Second)
		}
		if err := g.Enter(right); err != nil || c.n != 0 {
			t.Errorf("the right PIN: %v, %d counted", err, c.n)
		}
		for _, p := range []string{"", "480915 ", "4809", "4809150"} {
			if err := g.Enter(p); !errors.Is(err, device.ErrPINWrong) {
				t.Errorf("%q: %v", p, err)
			}
		}
	})
}

// TestUncounted checks that a PIN that can't be counted is refused, even the right one.
func TestUncounted(t *testing.T) {
	broken := errors.New("disk failed")
	if err := pin.New(right, &counter{err: broken}).Enter(right); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

// TestPulledPlug cuts the power at each use of the disk while PINs are entered. No try
// is free.
func TestPulledPlug(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	cut := errors.New("power cut")
	for _, atCommit := range []bool{false, true} {
		off := false
		st, err := store.Open(dir, store.Options{BeforeOp: func(op store.Op) error {
			if off && (op.Kind == store.OpCommit) == atCommit {
				return cut
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		before, err := st.PINs.Tries()
		if err != nil {
			t.Fatal(err)
		}
		off = true
		err = pin.New(right, st.PINs).Enter(wrong)
		st.Close()
		if st, err := store.Open(dir, store.Options{}); err != nil {
			t.Fatal(err)
		} else if n, terr := st.PINs.Tries(); errors.Is(err, device.ErrPINWrong) && n != before+1 || terr != nil {
			t.Errorf("the answer %v, and %d tries on disk", err, n)
			st.Close()
		} else {
			st.Close()
		}
		if told := errors.Is(err, device.ErrPINWrong); told == atCommit {
			t.Errorf("cut at the commit %v: %v", atCommit, err)
		}
	}
}
