// Package engine decides what the box does next and does it: it pairs, creates
// a picking session, waits for the person, fetches, shows, and deletes every
// session afterwards.
//
// It is level-triggered. What is known is on disk (facts); next derives the state
// from it; one step of that state runs; then again. The state is never stored, so
// that after a crash the same function finds the place. A request from outside
// stops the step, waits until it has returned, and then changes the facts.
//
// The goroutines of Run, and what they own:
//
//   - the loop and its step: the facts, and all fields of Engine that say so
//   - the sweeper: the deletion of sessions and the revocation of tokens. That is
//     a duty on disk, not a state
//   - the expiry: the photos that are older than Config.KeepFor
//   - the replaced sessions: those that have left the screen while somebody may be
//     choosing in one of them
//   - the handover: what a gateway is still to be told about a token. That is a duty
//     on disk too
//   - the upkeep: what the disk did not take at first
//   - the verifier: photos that are damaged on the disk
//   - the keepalive: when the tokens were refreshed that nobody uses
//
// # The life of a pick
//
// An intent with a UUIDv4 requestId is on disk before the session is created with
// it. The session's ID is on disk before its pickerUri is shown. When the person
// is done, the items are fetched; then, or after a time-out, an error or a
// cancellation, the pick is marked as ended. The sweeper deletes the session at
// Google, and only then the record. A restart at any point continues from there.
package engine
