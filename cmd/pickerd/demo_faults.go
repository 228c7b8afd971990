package main

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"pickerd/cmd/command"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

// simulation is how the demo's simulators behave.
type simulation struct {
	auth   oauthtest.Options
	photos pickertest.Options
	items  []*pickertest.Item // before the samples
}

// A fault is a behaviour of Google's services that the demo plays on request, so that
// the screens that people get to see can be seen.
type fault struct {
	name, what string
	set        func(*simulation)
}

// faults are all of them, sorted by name.
var faults = []fault{
	{"absurd-date", "Google's responses are of the year 9999", func(s *simulation) {
		const date = "Fri, 31 Dec 9999 23:59:59 GMT"
		s.auth.Date, s.photos.Date = date, date
	}},
	{"clock-ahead", "Google's clock is two days ahead of the box", func(s *simulation) {
		s.auth.ClockSkew, s.photos.ClockSkew = 48*time.Hour, 48*time.Hour
	}},
	{"cut-downloads", "the first three downloads of each photo or video end at nine tenths", func(s *simulation) {
		s.photos.MediaCut.Times, s.photos.MediaCut.Share = 3, 0.9
	}},
	{"disabled", "the Photos Picker API is not enabled in the project", func(s *simulation) { s.photos.Disabled = true }},
	{"endless-list", "the list of what was picked goes on with other photos for ever", func(s *simulation) { s.photos.Listing = pickertest.EndlessList }},
	{"foreign-media", "the list names a stranger's host for every second photo", func(s *simulation) {
		s.photos.ForeignMedia = "https://googleusercontent.com.evil.example"
	}},
	{"ignore-ranges", "the media hosts ignore Range: a download that was cut starts anew", func(s *simulation) { s.photos.MediaCut.Whole = true }},
	{"looping-list", "the last page of the list of what was picked leads to the first one", func(s *simulation) { s.photos.Listing = pickertest.LoopingList }},
	{"made-at-consent", "Google makes the first picking session at consent, under the box's requestId", func(s *simulation) { s.photos.RepeatedRequest = pickertest.MadeAtConsent }},
	{"made-at-consent-hidden", "the same, but the box can't read that session", func(s *simulation) { s.photos.RepeatedRequest = pickertest.MadeAtConsentHidden }},
	{"no-account", "the person has no active Google Photos account", func(s *simulation) { s.photos.NoAccount = true }},
	{"no-m37", "the media hosts know no stream of a video with 1080 lines", func(s *simulation) {
		s.photos.RefusedSuffixes = map[string]int{"m37": http.StatusNotFound}
	}},
	{"no-streams", "the media hosts refuse every undocumented stream of a video", func(s *simulation) {
		s.photos.RefusedSuffixes = map[string]int{"m37": http.StatusForbidden, "m22": http.StatusForbidden, "m18": http.StatusForbidden}
	}},
	{"portal", "a captive portal answers instead of Google", func(s *simulation) { s.auth.Intercept = http.StatusOK }},
	{"proxy", "a proxy wants a user name and a password", func(s *simulation) { s.auth.Intercept = http.StatusProxyAuthRequired }},
	{"refuse-scope", "the device endpoint refuses the scope of the Picker", func(s *simulation) { s.auth.RefuseScope = true }},
	{"refuse-session", "sessions can be made but neither read nor deleted, for no reason that the answer names", func(s *simulation) {
		denied := pickertest.Refuse(http.StatusForbidden, "PERMISSION_DENIED", "The caller does not have permission.")
		s.photos.Answers = map[string]http.HandlerFunc{pickertest.OpGet: denied, pickertest.OpDelete: denied}
	}},
	{"repeating-list", "the list of what was picked names the same photos for ever", func(s *simulation) { s.photos.Listing = pickertest.RepeatingList }},
	{"short-code", "a pairing code lasts a minute", func(s *simulation) { s.auth.CodeLife = time.Minute }},
	{"short-link", "a picking session may be polled for two minutes", func(s *simulation) { s.photos.TimeoutIn = 2 * time.Minute }},
	{"slow-video", "a video starts after 20 seconds", func(s *simulation) { s.photos.SlowVideo = 20 * time.Second }},
	{"throttle", "the media hosts serve 4 files in 10 seconds and answer others with 429", func(s *simulation) {
		s.photos.MediaLimit = pickertest.Limit{N: 4, Per: 10 * time.Second, RetryAfter: true}
	}},
	{"throttle-403", "the media hosts serve 4 files in 10 seconds and answer others with 403", func(s *simulation) {
		s.photos.MediaLimit = pickertest.Limit{N: 4, Per: 10 * time.Second, Status: http.StatusForbidden}
	}},
}

// setFaults applies faults by their names, separated by commas.
func (s *simulation) setFaults(names string) error {
	for name := range strings.SplitSeq(names, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		i := slices.IndexFunc(faults, func(f fault) bool { return f.name == name })
		if i < 0 {
			return command.Hint(fmt.Errorf("no fault is called %q", name), "pickerd demo --list-faults", exitUsage)
		}
		faults[i].set(s)
	}
	return nil
}

// listFaults prints the faults.
func listFaults(w io.Writer) error {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range faults {
		fmt.Fprintf(tw, "%s\t%s\n", f.name, f.what)
	}
	return tw.Flush()
}
