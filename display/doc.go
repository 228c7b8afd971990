// Package display defines what a screen shows and what people may request. A Page is
// one flat value. A Board carries the newest one to every output. A Wish carries a
// request in the opposite direction.
//
// The outputs are in the packages below. They lay out a page from its fields alone.
package display
