// Package screen owns what is seen. It composes the page and the status from
// the engine's Snapshot and the slideshow's Frame, and it owns the menu, the
// phone remote, the countdown for an inactive guest, the clock, and what a key
// means.
//
// It never reads or writes the disk. What people ask for goes to the engine or
// the slideshow as a display.Wish.
package screen
