package device

import (
	"testing"

	"pickerd/store"
)

// The receipt counts photos and videos apart.
func TestReceiptText(t *testing.T) {
	for want, r := range map[string]receipt{
		"No photos arrived.":                                {},
		"1 photo added.":                                    {photos: 1},
		"12 photos added.":                                  {photos: 12},
		"1 video added.":                                    {videos: 1},
		"12 photos and 1 video added.":                      {photos: 12, videos: 1},
		"1 photo and 2 videos added.":                       {photos: 1, videos: 2},
		"No photos arrived. 2 could not be downloaded.":     {failed: 2},
		"3 photos added. 1 could not be downloaded. " + end: {photos: 3, failed: 1, deleted: true},
	} {
		v := view{state: Showing, receipt: &r}
		if got := v.page().Receipt; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

const end = "Access to your selection in Google Photos has ended."

// A second account has a heading that says so.
func TestAnotherAccountTitle(t *testing.T) {
	pairing := &store.Pairing{Method: ByDevice, UserCode: "GQVQ-JKEC", VerificationURI: "https://www.google.com/device"}
	for newcomer, want := range map[bool]string{false: "Show your photos on Living room", true: "Link another account to Living room"} {
		v := view{state: Pairing, name: "Living room", pairing: pairing, newcomer: newcomer}
		if got := v.page().Title; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
