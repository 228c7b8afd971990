package device

import (
	"errors"
	"sync"
	"syscall"
	"time"

	"pickerd/display/words"
)

// A Problem is what is wrong, without words: display/words has the sentences
// for its code.
type Problem struct {
	Code    string
	Since   time.Time // when it was first reported
	RetryAt time.Time // when the next try is due; zero if none is

	// Key is the key of the message in display/words; "" means that of Code.
	// Args fill the message in.
	Key  string
	Args []any
	// Methods are the pairing methods that an operator could enable.
	Methods []string

	Operator  bool // an operator must change something at Google or in the configuration
	Retryable bool // a person may ask for another try
	Offline   bool // no server can be reached, which explains every later failure
	Disk      bool // nothing can be stored, so nobody is asked to sign in
}

// In returns the words for a problem: what is wrong, what to do about it, and
// what an operator can do to enable other pairing methods.
func (p *Problem) In(w *words.Words) (message, remedy string, ways []string) {
	for _, method := range p.Methods {
		ways = append(ways, w.Say("page.way_"+method, "type", ClientType(method)))
	}
	key := p.Key
	if key == "" {
		key = "notice." + p.Code + ".message"
	}
	return w.Say(key, p.Args...), w.Say("notice." + p.Code + ".remedy"), ways
}

// english holds the words for logs and for other programs.
var english = sync.OnceValue(words.English)

// Status returns the problem as other programs see it.
func (p *Problem) Status() *ProblemStatus {
	s := &ProblemStatus{Code: p.Code}
	if !p.RetryAt.IsZero() {
		s.RetryAt = p.RetryAt.UTC()
	}
	s.Message, s.Remedy, s.Ways = p.In(english())
	return s
}

// Error returns the message in English.
func (p *Problem) Error() string {
	message, _, _ := p.In(english())
	return message
}

// A StoreError is an error of the state directory.
type StoreError struct{ Err error }

func (e *StoreError) Error() string { return "store: " + e.Err.Error() }
func (e *StoreError) Unwrap() error { return e.Err }

// The codes of problems with the disk.
const (
	DiskFull     = "disk_full"
	DiskReadOnly = "disk_read_only"
	DiskFailed   = "disk"
)

// DiskProblem returns what is wrong with the disk if err is a *StoreError, and
// nil otherwise.
func DiskProblem(err error) *Problem {
	e, ok := errors.AsType[*StoreError](err)
	if !ok {
		return nil
	}
	p := &Problem{Code: DiskFailed, Disk: true, Since: time.Now()}
	switch {
	case IsFull(e.Err):
		p.Code = DiskFull
	case errors.Is(e.Err, syscall.EROFS):
		p.Code = DiskReadOnly
	}
	return p
}

// IsFull reports whether a disk, or a quota on it, has no room left.
func IsFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
