package findings_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"pickerd/cmd/findings"
)

func TestReport(t *testing.T) {
	all := []findings.Finding{{Check: "a", Result: findings.OK, Detail: "fine"}, {Check: "b", Result: findings.Warn, Detail: "so\nso", Remedy: "do"}}
	r := findings.New("box", "1", all)
	if !r.OK {
		t.Error("a warning is no failure")
	}
	var out strings.Builder
	r.Print(&out)
	for _, want := range []string{"ok    a", "warn  b", "\n" + strings.Repeat(" ", 21) + "so\n", "→ do", "2 findings: 1 ok, 0 skipped, 1 warnings, 0 failed."} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, &out)
		}
	}
	if findings.New("", "", append(all, findings.Finding{Result: findings.Fail})).OK {
		t.Error("a failure counts as OK")
	}
	out.Reset()
	var read findings.Report
	if err := r.PrintJSON(&out); err != nil || json.Unmarshal([]byte(out.String()), &read) != nil || read.Findings[1] != all[1] {
		t.Errorf("%v %s", err, &out)
	}
}

func TestClock(t *testing.T) {
	for _, tt := range []struct {
		off  time.Duration
		want findings.Result
		says string
	}{
		{-20 * time.Second, findings.OK, "The box's clock agrees with the server's."},
		{40 * time.Second, findings.Warn, "The box's clock is 40s ahead of the server's."},
		{-time.Hour - 10*time.Second, findings.Fail, "The box's clock is 1h0m0s behind the server's."},
	} {
		if got, says := findings.Clock("The box's", tt.off); got != tt.want || says != tt.says {
			t.Errorf("%v: %s, %q", tt.off, got, says)
		}
	}
}
