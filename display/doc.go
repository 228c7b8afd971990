// Package display says what a screen shows. A Page is one flat value; a Board
// carries the newest one to every output; a QR is a code as modules, to be
// painted by whoever has pixels. The outputs themselves are in the packages
// below and lay out what a page holds without asking back.
package display
