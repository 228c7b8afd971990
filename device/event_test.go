package device_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pickerd/device"
)

// TestEvents goes through a box's life and checks each event.
func TestEvents(t *testing.T) {
	anna, ben := device.AccountStatus{ID: "anna"}, device.AccountStatus{ID: "ben"}
	done := &device.PickEnd{RequestID: "1", Outcome: device.PickDone, Photos: 3, Failed: 1, At: time.Unix(1, 0)}
	events := device.NewEvents(device.Status{State: device.Starting})
	for _, tt := range []struct {
		name string
		now  device.Status
		want string
	}{
		{"start", device.Status{State: device.Pairing, Library: device.Library{Items: 2}}, "state{pairing}"},
		{"the same", device.Status{State: device.Pairing, Library: device.Library{Items: 2}}, ""},
		{"paired", device.Status{State: device.Picking, Library: device.Library{Items: 2}, Accounts: []device.AccountStatus{anna}, Pick: &device.PickStatus{RequestID: "1"}},
			"paired{anna} pick_started{1} state{picking}"},
		{"session known", device.Status{State: device.Picking, Library: device.Library{Items: 2}, Accounts: []device.AccountStatus{anna}, Pick: &device.PickStatus{RequestID: "1", SessionID: "s"}}, ""},
		{"some are fetched", device.Status{State: device.Fetching, Library: device.Library{Items: 4}, Accounts: []device.AccountStatus{anna}, Pick: &device.PickStatus{RequestID: "1"}}, "state{fetching}"},
		{"all are fetched", device.Status{State: device.Showing, Library: device.Library{Items: 5}, Accounts: []device.AccountStatus{anna}, LastPick: done},
			"pick_finished{1 photos=3 failed=1} state{showing} photos{5}"},
		{"on the screen", device.Status{State: device.Showing, Library: device.Library{Items: 5}, Accounts: []device.AccountStatus{anna}, LastPick: done, Showing: &device.ShowingStatus{Item: "x"}}, "photo_shown{x}"},
		{"again", device.Status{State: device.Showing, Library: device.Library{Items: 5}, Accounts: []device.AccountStatus{anna}, LastPick: done, Showing: &device.ShowingStatus{Item: "x", Since: time.Unix(9, 0)}}, "photo_shown{x}"},
		{"trouble", device.Status{State: device.Showing, Library: device.Library{Items: 5}, Accounts: []device.AccountStatus{anna}, LastPick: done, Problem: &device.ProblemStatus{Code: "offline"}}, "problem_begun{offline}"},
		{"other trouble", device.Status{State: device.Showing, Library: device.Library{Items: 5}, Accounts: []device.AccountStatus{anna}, LastPick: done, Problem: &device.ProblemStatus{Code: "disk_full"}},
			"problem_ended{offline} problem_begun{disk_full}"},
		{"cancelled", device.Status{State: device.Showing, Library: device.Library{Items: 5}, Accounts: []device.AccountStatus{ben}, LastPick: &device.PickEnd{RequestID: "2", Outcome: "cancelled"}},
			"forgotten{anna} paired{ben} pick_failed{2 cancelled} problem_ended{disk_full}"},
	} {
		var got []string
		for _, e := range events.Next(tt.now) {
			d := e.Data
			parts := []string{string(d.State), d.Item, d.RequestID, d.Outcome, d.Account, d.Problem}
			if d.Items > 0 {
				parts = append(parts, fmt.Sprint(d.Items))
			}
			if d.Photos > 0 {
				parts = append(parts, fmt.Sprint("photos=", d.Photos))
			}
			if d.Failed > 0 {
				parts = append(parts, fmt.Sprint("failed=", d.Failed))
			}
			parts = slices.DeleteFunc(parts, func(s string) bool { return s == "" })
			got = append(got, e.Name+"{"+strings.Join(parts, " ")+"}")
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, s, tt.want)
		}
	}
}
