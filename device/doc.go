// Package device decides what the box does next and does it: pair, open a
// picking session, wait for the person, fetch, show, and delete every session
// afterwards.
//
// It is level-triggered. What is known stands in the store (facts); next names
// the state that follows from it; one step of that state runs; then again.
// State is derived and never stored, so that after a crash the same function
// finds the place. A wish from outside stops the step, waits until it has let
// go, then changes the facts.
//
// Deleting sessions is not a state but a duty on disk, done by the sweeper.
// Retries, order and the words that people read are decided here and nowhere
// below.
package device
