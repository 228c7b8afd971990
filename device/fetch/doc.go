// Package fetch downloads the items of a pick to the box, in passes. Each pass
// lists the session anew, so that media addresses are fresh, and tries what is
// missing. What is on the disk already is not fetched again.
//
// A failure counts against an item only if it can't be the network's, the
// disk's or all of Google's.
package fetch
