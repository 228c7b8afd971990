package gateway

import "time"

// Metrics takes what a Server counts. No label says anything about a person, a
// code or a token. Its methods may be called concurrently.
type Metrics interface {
	// Code counts an outcome of codes: "asked", "approved", "declined" or
	// "expired". An expired code is noticed only if its box polls once more.
	Code(outcome string)
	// Handover takes the time from a code to its first token answer.
	Handover(d time.Duration)
	// Refresh counts an answer to a refresh: "ok", an error code of RFC 6749
	// §5.2, or "temporarily_unavailable".
	Refresh(answer string)
	// Guess counts a typed code that was refused: it was "wrong", or too many
	// were ("limited").
	Guess(refused string)
}

type noMetrics struct{}

func (noMetrics) Code(string)            {}
func (noMetrics) Handover(time.Duration) {}
func (noMetrics) Refresh(string)         {}
func (noMetrics) Guess(string)           {}
