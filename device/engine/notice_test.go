package engine

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestEveryNoticeHasWords(t *testing.T) {
	for code, n := range notices {
		p := n.problem().Status()
		if p.Message == "" || strings.HasPrefix(p.Message, "notice.") || strings.HasPrefix(p.Remedy, "notice.") || p.Remedy == "" || strings.Contains(p.Message+p.Remedy, "_") && n.Code != "client_refused" {
			t.Errorf("%s: %+v", code, p)
		}
	}
	if len(notices) < 20 {
		t.Error(fmt.Sprint("only ", len(notices), " notices"))
	}
}

// TestEveryNoticeEnds names what each notice waits for that outlasts the next step.
func TestEveryNoticeEnds(t *testing.T) {
	want := map[success]string{
		resumed:  "rate_limited",
		opened:   "no_photos_account no_room photos_lost",
		signedIn: "admin_policy client_gone code_spent denied grant_revoked key_lost only_import org_internal pair_again reauth_required scope_missing state_damaged testing_project",
	}
	got := map[success][]string{}
	for _, code := range slices.Sorted(maps.Keys(notices)) {
		n := notices[code]
		got[n.Until] = append(got[n.Until], code)
	}
	for what, codes := range want {
		if s := strings.Join(got[what], " "); s != codes {
			t.Errorf("success %d ends %s, want %s", what, s, codes)
		}
	}
}
