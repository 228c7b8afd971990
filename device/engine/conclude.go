package engine

import (
	"context"

	"pickerd/device"
)

// Conclude ends an Engine's Run between two steps, unless somebody is paired or about
// to be: a code that is on the screen is polled on by the next Engine. It returns what
// that one is to go on with. Its error is device.ErrGuestHere or device.ErrStopping.
func Conclude(ctx context.Context, e *Engine) (*device.Carryover, error) {
	err := e.ask(ctx, func() error {
		f := &e.facts
		if f.grant != nil || f.pick != nil || f.Library.Photos > 0 || f.tokenPending || f.pairing != nil && f.pairing.Answered() {
			return device.ErrGuestHere
		}
		e.concluded = true
		return nil
	})
	if err != nil {
		return nil, err
	}
	return e.pub.carryover(e.tally.copy()), nil
}
