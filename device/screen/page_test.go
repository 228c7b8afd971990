package screen

import (
	"testing"
	"time"

	"pickerd/device"
)

// TestReceiptText checks that the receipt counts photos and videos apart.
func TestReceiptText(t *testing.T) {
	const end = "Access to your selection in Google Photos has ended."
	until := time.Date(2026, 12, 28, 12, 0, 0, 0, time.Local)
	for want, r := range map[string]device.Receipt{
		"1 photo added. It stays here until 28 December 2026.":                                     {Photos: 1, Until: until},
		"1 photo and 1 video added. They stay here until 28 December 2026. 2 can't be shown here.": {Photos: 1, Videos: 1, Unshowable: 2, Until: until},
		"No photos arrived. 1 could not be downloaded.":                                            {Failed: 1, Until: until},
		"No photos arrived.":                                {},
		"1 photo added.":                                    {Photos: 1},
		"12 photos added.":                                  {Photos: 12},
		"1 video added.":                                    {Videos: 1},
		"12 photos and 1 video added.":                      {Photos: 12, Videos: 1},
		"1 photo and 2 videos added.":                       {Photos: 1, Videos: 2},
		"No photos arrived. 2 could not be downloaded.":     {Failed: 2},
		"1 photo added. 2 can't be shown here.":             {Photos: 1, Unshowable: 2},
		"3 photos added. 1 could not be downloaded. " + end: {Photos: 3, Failed: 1, Deleted: true},
	} {
		v := view{cfg: &Config{}, snap: device.Snapshot{State: device.Showing}, receipt: &r}
		if p := v.page(); p.Receipt != want {
			t.Errorf("%q, want %q", p.Receipt, want)
		}
	}
}

// TestAnotherAccountTitle checks that a second account has a heading that says so.
func TestAnotherAccountTitle(t *testing.T) {
	code := &device.Code{Method: device.ByDevice, UserCode: "GQVQ-JKEC", VerificationURI: "https://www.google.com/device"}
	for another, want := range map[bool]string{false: "Show your photos on Living room", true: "Link another account to Living room"} {
		v := view{cfg: &Config{Options: Options{Name: "Living room"}}, snap: device.Snapshot{State: device.Pairing, Code: code, NewAccount: another}}
		if p := v.page(); p.Title != want {
			t.Errorf("%q, want %q", p.Title, want)
		}
	}
}
