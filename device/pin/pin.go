// Package pin checks the PIN that an operator may set, and bounds how fast PINs can
// be guessed. Each try is counted on disk before it is compared, so a pulled plug gives
// no more tries.
package pin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"sync"
	"time"

	"pickerd/device"
)

// Tries counts on disk. store.PINs implements it.
type Tries interface {
	// Tries returns the number of PINs entered since the last right one.
	Tries() (int, error)
	// Count adds one to it and returns it.
	Count() (int, error)
	// Reset makes it 0.
	Reset() error
}

const (
	freeTries = 5 // wrong ones before the first wait
	firstWait = time.Minute
	maxWait   = time.Hour
)

// A Guard checks PINs. Its methods may be called from any goroutine.
//
// Waits are measured with the monotonic clock of the process, since the clock of the
// box may be wrong: a wait that a restart interrupts begins again.
type Guard struct {
	sum   [sha256.Size]byte // of the PIN
	tries Tries
	began time.Time // the program

	mu   sync.Mutex
	last time.Time // when the last wrong one was entered; zero before this process's first
}

// New returns a Guard of a PIN.
func New(pin string, tries Tries) *Guard {
	return &Guard{sum: sha256.Sum256([]byte(pin)), tries: tries, began: time.Now()}
}

// Enter checks a PIN. Its error is device.ErrPINWrong, a *device.PINWaitError, or that
// of the disk: a try that can't be counted is refused.
func (g *Guard) Enter(pin string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	n, err := g.tries.Tries()
	if err != nil {
		return fmt.Errorf("read the number of PINs entered: %w", err)
	}
	if left := g.left(n); left > 0 {
		return &device.PINWaitError{For: left}
	}
	if n, err = g.tries.Count(); err != nil {
		return fmt.Errorf("count a PIN: %w", err)
	}
	sum := sha256.Sum256([]byte(pin))
	if subtle.ConstantTimeCompare(sum[:], g.sum[:]) != 1 {
		g.last = time.Now()
		if left := g.left(n); left > 0 {
			return errors.Join(device.ErrPINWrong, &device.PINWaitError{For: left})
		}
		return device.ErrPINWrong
	}
	if err := g.tries.Reset(); err != nil {
		return fmt.Errorf("forget wrong PINs: %w", err)
	}
	return nil
}

// left returns how long to wait after n tries.
func (g *Guard) left(n int) time.Duration {
	if n < freeTries {
		return 0
	}
	since := g.last
	if since.IsZero() {
		since = g.began
	}
	return time.Until(since.Add(waitAfter(n)))
}

// waitAfter returns the wait after n wrong PINs: a minute after the fifth, and twice as
// long after each further one, up to an hour.
func waitAfter(n int) time.Duration {
	wait := firstWait
	for ; n > freeTries && wait < maxWait; n-- {
		wait *= 2
	}
	return min(wait, maxWait)
}
