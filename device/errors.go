package device

import (
	"errors"
	"time"
)

// Errors of what people and programs ask for.
var (
	// ErrPickRunning means that a pick is under way.
	ErrPickRunning = errors.New("a pick is under way")
	// ErrNoPick means that there is nothing to cancel.
	ErrNoPick = errors.New("no pick is under way")
	// ErrNotPaired means that there is no account to forget.
	ErrNotPaired = errors.New("no account is paired")
	// ErrGuestHere means that another guest has to finish first.
	ErrGuestHere = errors.New("a guest is using this box")
	// ErrNoAccount means that no paired account has that ID.
	ErrNoAccount = errors.New("no such account is paired")
	// ErrNoCode means that there is no code on the screen to be replaced.
	ErrNoCode = errors.New("no code is on the screen")
	// ErrStopping means that the daemon is shutting down.
	ErrStopping = errors.New("pickerd is stopping")
	// ErrUnready means that the state directory can't be used.
	ErrUnready = errors.New("the state directory can't be used")
	// ErrNotSetUp means that the box is in the state SetUp.
	ErrNotSetUp = errors.New("this box is not set up")
	// ErrPaired means that the largest allowed number of accounts is paired. One
	// has to be forgotten first, since its sessions can be deleted with its own
	// token only.
	ErrPaired = errors.New("no further account may be paired")
	// ErrAlreadyPaired means that this token is in use already.
	ErrAlreadyPaired = errors.New("that account is paired already")
	// ErrGuests means that an operator can't pair a box in mode "guest".
	ErrGuests = errors.New("guests bring their own account")
	// ErrForgetting means that a revocation is outstanding. Pairing now would
	// lose the new permission together with the old one.
	ErrForgetting = errors.New("the last account is still being forgotten at Google")
	// ErrNoCopy means that an item can't be decoded.
	ErrNoCopy = errors.New("no copy of this item can be made")
	// ErrNoCollection means that there is no collection with that ID or name.
	ErrNoCollection = errors.New("there is no such collection")
	// ErrCollectionName means that a name is too long, empty, or has characters that
	// names can't have.
	ErrCollectionName = errors.New("this is no name for a collection")
	// ErrCollectionTaken means that another collection has the name.
	ErrCollectionTaken = errors.New("another collection has that name")
	// ErrManyCollections means that there are as many collections as may be.
	ErrManyCollections = errors.New("there are too many collections")
	// ErrNoCollections means that the photos of guests are in no collections.
	ErrNoCollections = errors.New("guests have no collections")
)

// Errors of phones that sign in or control the box.
var (
	// ErrLinkUnknown means that a link or a state is not of this box, or is too old.
	ErrLinkUnknown = errors.New("the link is not one of this box")
	// ErrLinkUsed means that a phone has come back with this state already.
	ErrLinkUsed = errors.New("the link was used already")
	// ErrLinkLate means that a link has expired.
	ErrLinkLate = errors.New("the link has expired")
	// ErrNoAnswer means that a phone came back with neither code nor error.
	ErrNoAnswer = errors.New("there is no code in the address")
	// ErrNotThrough means that signing in did not lead to a pickerUri in time.
	// The screen says more.
	ErrNotThrough = errors.New("signing in did not complete")
	// ErrRemoteGone means that the key of a phone remote is unknown or has expired.
	ErrRemoteGone = errors.New("this remote no longer works")
	// ErrNotOffered means that a phone remote does not offer that now.
	ErrNotOffered = errors.New("the remote does not offer that now")
)

// A TokenError is why a token file was refused.
type TokenError struct {
	Message string // for an operator
	Err     error
}

// NewTokenError returns the TokenError of err, with the message of a key of
// display/words.
func NewTokenError(err error, key string, args ...any) *TokenError {
	return &TokenError{english().Say(key, args...), err}
}

func (e *TokenError) Error() string { return "token file: " + e.Err.Error() }
func (e *TokenError) Unwrap() error { return e.Err }

// ErrPINWrong means that an entered PIN is not the right one.
var ErrPINWrong = errors.New("the PIN is wrong")

// ErrPINNeeded means that the PIN must be entered first.
var ErrPINNeeded = errors.New("the PIN must be entered first")

// A PINWaitError means that too many wrong PINs were entered.
type PINWaitError struct {
	For time.Duration // until the next one may be entered
}

func (e *PINWaitError) Error() string {
	return "too many wrong PINs; the next one in " + e.For.Round(time.Second).String()
}

// Minutes returns the wait in whole minutes, at least one.
func (e *PINWaitError) Minutes() int {
	return max(1, int((e.For+time.Minute-1)/time.Minute))
}
