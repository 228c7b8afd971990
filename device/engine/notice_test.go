package engine

import (
	"fmt"
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
