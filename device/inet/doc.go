// Package inet connects to servers, whatever is wrong with one of the two
// Internet protocols or with a proxy, and finds the address at which phones on
// the local network reach the box.
package inet
