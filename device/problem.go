package device

import (
	"errors"
	"slices"
	"strconv"
	"strings"
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
	// Where is the place in the configuration that the problem is about, or nil.
	Where *Place

	Operator  bool // an operator must change something at Google or in the configuration
	Retryable bool // a person may ask for another try
	Offline   bool // no server can be reached, which explains every later failure
	Disk      bool // nothing can be stored, so nobody is asked to sign in
}

// A Place is one in a configuration. Members that are not known are empty.
type Place struct {
	File string // "" for the environment
	Line int
	Key  string // or the name of a variable
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
	return w.Say(key, p.Args...), w.Say("notice."+p.Code+".remedy", p.Args...), ways
}

// english holds the words for logs and for other programs.
var english = sync.OnceValue(words.English)

// Status returns the problem as other programs see it.
func (p *Problem) Status() *ProblemStatus {
	s := &ProblemStatus{Code: p.Code}
	if p.Where != nil {
		s.File, s.Line, s.Key = p.Where.File, p.Where.Line, p.Where.Key
	}
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

// The codes of problems in the state SetUp. BadConfiguration is also the code of a
// mistake that costs one setting and not the screen.
const (
	NotSetUp         = "not_set_up"
	BadConfiguration = "configuration"
)

// maxMistake bounds the text of a mistake on the screen, in characters. A file may
// have a key of any length.
const maxMistake = 200

// ConfigurationProblem returns the problem of a mistake at a place. what says in English
// what is wrong.
func ConfigurationProblem(at Place, what string) *Problem {
	at.Key = shortened(at.Key)
	file := at.File
	if at.Line > 0 {
		file += ":" + strconv.Itoa(at.Line)
	}
	parts := slices.DeleteFunc([]string{file, at.Key, what}, func(s string) bool { return s == "" })
	return &Problem{Code: BadConfiguration, Args: []any{"where", shortened(strings.Join(parts, ": "))}, Where: &at, Operator: true}
}

// shortened returns at most maxMistake characters of a text.
func shortened(s string) string {
	if text := []rune(s); len(text) > maxMistake {
		return string(text[:maxMistake-1]) + "…"
	}
	return s
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
