// Package device holds the words that the parts of a box share: its states,
// its status, what can be wrong with it, and the snapshots that pass between
// them. It decides nothing and owns no goroutine.
//
// The parts are
//
//   - device/engine: decides what the box does next and does it. Its loop owns
//     the facts; the sweeper beside it deletes sessions.
//   - device/fetch: downloads the items of one pick.
//   - device/slideshow: owns the order of the photos and which one is shown.
//   - device/screen: composes the page and the status, and owns the menu and
//     what a key means.
//   - device/library: lists and copies items for other programs.
//   - device/control, device/hooks, device/metrics and device/phone: what
//     programs and phones reach. They import this package and none of the above.
//
// The engine publishes a Snapshot and the slideshow a Frame for each change,
// and the screen composes both. What people ask for goes the other way, as a
// display.Wish. cmd/pickerd connects them.
package device
