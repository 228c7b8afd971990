package store_test

import (
	"testing"

	"pickerd/store"
)

// A pick that has ended keeps its reason.
func TestPickStaysEnded(t *testing.T) {
	s := open(t, t.TempDir())
	must(t, s.Picks.Add(store.Pick{RequestID: "a"}))
	must(t, s.Picks.End("a", "cancelled"))
	must(t, s.Picks.End("a", "time-out"))
	must(t, s.Picks.Update("a", func(p *store.Pick) { p.EndReason, p.SessionID = "", "s" }))
	picks, err := s.Picks.All()
	must(t, err)
	if len(picks) != 1 || picks[0].EndReason != "cancelled" || picks[0].SessionID != "s" {
		t.Errorf("%+v", picks)
	}
	must(t, s.Picks.Delete("a"))
	if err := s.Picks.Update("a", func(*store.Pick) {}); err == nil {
		t.Error("a deleted pick was updated")
	}
}

// Replace ends the old pick and adds the new one.
func TestReplacePick(t *testing.T) {
	s := open(t, t.TempDir())
	must(t, s.Picks.Add(store.Pick{RequestID: "a", GrantID: "g", PickerURI: "https://example.org/a"}))
	must(t, s.Picks.Replace("a", "expired", store.Pick{RequestID: "b", GrantID: "g", UnusedBefore: 1}))
	picks, err := s.Picks.All()
	must(t, err)
	if len(picks) != 2 || picks[0].EndReason != "expired" || picks[0].PickerURI != "" || picks[1].EndReason != "" || picks[1].UnusedBefore != 1 {
		t.Errorf("%+v", picks)
	}
}

// Choose makes a replaced pick the current one and ends the others of its grant.
func TestChoosePick(t *testing.T) {
	s := open(t, t.TempDir())
	for _, p := range []store.Pick{
		{RequestID: "a", GrantID: "g", Replaced: true}, {RequestID: "b", GrantID: "g", SuccessorOf: "a"},
		{RequestID: "c", GrantID: "h"}, {RequestID: "d", GrantID: "h", EndReason: "cancelled"},
	} {
		must(t, s.Picks.Add(p))
	}
	must(t, s.Picks.Choose("a", "not needed"))
	must(t, s.Picks.Choose("d", "not needed"))
	must(t, s.Picks.Choose("unknown", "not needed"))
	picks, err := s.Picks.All()
	must(t, err)
	want := map[string]string{"a": "", "b": "not needed", "c": "", "d": "cancelled"}
	for _, p := range picks {
		if p.EndReason != want[p.RequestID] || p.Done != (p.RequestID == "a") || p.Replaced {
			t.Errorf("%+v", p)
		}
	}
	must(t, s.Picks.EndAll("g", "cancelled"))
	if picks, err = s.Picks.All(); err != nil || picks[0].Live() || !picks[2].Live() {
		t.Errorf("%+v, %v", picks, err)
	}
}
