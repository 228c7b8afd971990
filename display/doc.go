// Package display says what a screen shows, and what people may ask of it. A
// Page is one flat value, a Board carries the newest one to every output, and a
// Wish carries what people ask for the other way.
//
// The outputs are in the packages below. They lay out what a page holds without
// asking back.
package display
