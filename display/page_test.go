package display_test

import (
	"testing"

	"pickerd/display"
)

func TestOffer(t *testing.T) {
	p := display.Page{Offers: []display.Offer{
		{Wish: display.Wish{Verb: display.Pick, Account: "anna"}, Label: "Choose photos"},
		{Wish: display.Wish{Verb: display.Cancel}, Label: "Cancel"},
	}}
	for verb, want := range map[display.Verb]string{
		display.Pick:   "Choose photos",
		display.Cancel: "Cancel",
		display.Hide:   "",
	} {
		o, ok := p.Offer(verb)
		if ok != (want != "") || o.Label != want || ok && o.Wish.Verb != verb {
			t.Errorf("offer of %s: %+v, %t, want label %q", verb, o, ok, want)
		}
		if got := p.Label(verb); got != want {
			t.Errorf("label of %s: %q, want %q", verb, got, want)
		}
	}
}
