package device_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/screen"
	"pickerd/display"
	"pickerd/picker/pickertest"
)

// TestNoticeEnds checks that a notice is not shown any longer than until what it is
// about has succeeded, or was given up.
func TestNoticeEnds(t *testing.T) {
	noProblem := func(t *testing.T, s device.Status) {
		t.Helper()
		if s.Problem != nil {
			t.Errorf("in state %s: %+v", s.State, s.Problem)
		}
	}
	deny := func(w *world) {
		w.auth.Deny(w.untilCode().Pairing.UserCode)
		w.untilProblem("denied")
	}
	t.Run("declined, then signed in", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			deny(w)
			noProblem(t, w.pair())
		})
	})
	t.Run("declined, then cancelled", func(t *testing.T) {
		inWorld(t, options{config: twoAccounts}, func(t *testing.T, w *world) {
			w.pairAndChoose("anna", "item-1")
			if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
				t.Fatal(err)
			}
			deny(w)
			if err := w.dev.Cancel(t.Context()); err != nil {
				t.Fatal(err)
			}
			noProblem(t, w.untilState(device.Showing))
		})
	})
	t.Run("declined, then another account chooses", func(t *testing.T) {
		inWorld(t, options{config: twoAccounts}, func(t *testing.T, w *world) {
			w.pairAndChoose("anna", "item-1")
			if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
				t.Fatal(err)
			}
			deny(w)
			if err := w.dev.PickAs(t.Context(), w.accountID("anna@example.org")); err != nil {
				t.Fatal(err)
			}
			noProblem(t, w.untilState(device.Picking))
		})
	})
	t.Run("no Google Photos account, then one", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.photos.Fail(pickertest.OpCreate, repeat(4, pickertest.Refuse(400, "FAILED_PRECONDITION", ""))...)
			w.auth.Approve(w.untilCode().Pairing.UserCode)
			w.untilProblem("no_photos_account")
			noProblem(t, w.untilState(device.Picking))
		})
	})
	t.Run("photos lost, then another pick", func(t *testing.T) {
		inWorld(t, options{}, func(t *testing.T, w *world) {
			w.photos.Fail(pickertest.OpList, repeat(50, answer(200, "application/json", `{"nextPageToken":"again"}`))...)
			w.pair()
			w.choose()
			w.untilProblem("photos_lost")
			if err := w.dev.Pick(t.Context()); err != nil {
				t.Fatal(err)
			}
			noProblem(t, w.untilState(device.Picking))
		})
	})
	t.Run("no answer, then photos", func(t *testing.T) {
		inWorld(t, options{items: pickertest.PlainPhotos(40)}, func(t *testing.T, w *world) {
			w.photos.Fail(pickertest.OpList, repeat(6, pickertest.Refuse(503, "UNAVAILABLE", ""))...)
			slow := func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(10 * time.Minute):
				case <-r.Context().Done():
				}
			}
			w.pair()
			w.photos.FailItem("item-40", slow)
			w.choose()
			w.untilProblem("server_trouble")
			p := w.untilPage("most photos", func(p display.Page) bool { return p.Progress != nil && p.Progress.Done >= 39 })
			if p.Problem != "" {
				t.Errorf("%q over %+v", strings.TrimSpace(p.Problem), p.Progress)
			}
		})
	})
}

// TestTroubleOverPhotos checks that trouble is told over the photos for a minute, and
// after that in the menu and the status alone.
func TestTroubleOverPhotos(t *testing.T) {
	keep := func(c *Config) { c.KeepPhotos = true }
	for name, tt := range map[string]struct {
		code  string
		begin func(t *testing.T, w *world)
	}{
		"unpaired, photos kept": {"pair_again", func(t *testing.T, w *world) {
			if err := w.dev.Unpair(t.Context(), false); err != nil {
				t.Fatal(err)
			}
		}},
		"permission withdrawn": {"grant_revoked", func(t *testing.T, w *world) {
			w.auth.RevokeAll()
			w.pass(2 * time.Hour)
			if err := w.dev.Pick(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.untilCode()
			if err := w.dev.Cancel(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
		"API disabled": {"api_disabled", func(t *testing.T, w *world) {
			w.photos.Fail(pickertest.OpCreate, repeat(1000, pickertest.Refuse(403, "PERMISSION_DENIED", "it is disabled."))...)
			if err := w.dev.Pick(t.Context()); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, options{config: keep}, func(t *testing.T, w *world) {
				w.pairAndChoose("anna", "item-1")
				tt.begin(t, w)
				w.untilProblem(tt.code)
				p := w.untilPage("bar over a photo", func(p display.Page) bool { return p.Slide != nil && p.Problem != "" })
				w.pass(59 * time.Second)
				if now := w.dev.Pages().Get(); now.Problem != p.Problem {
					t.Errorf("after 59 s the bar says %q, want %q", now.Problem, p.Problem)
				}
				w.pass(2 * time.Second)
				now, s := w.dev.Pages().Get(), w.dev.Statuses().Get()
				if now.Slide == nil || now.Problem != "" || now.Remedy != "" || !now.RetryAt.IsZero() {
					t.Errorf("after a minute: %q %q %v", now.Problem, now.Remedy, now.RetryAt)
				}
				if s.Problem == nil || s.Problem.Code != tt.code {
					t.Fatalf("the status says %+v", s.Problem)
				}
				if m := w.press(screen.KeyMenu).Menu; m == nil || m.Text != s.Problem.Message+" "+s.Problem.Remedy {
					t.Errorf("menu %+v", m)
				}
			})
		})
	}
}

// TestChoosingNamesOne checks that the picking screen of several people names the one
// who chooses, and nobody else.
func TestChoosingNamesOne(t *testing.T) {
	inWorld(t, options{config: twoAccounts}, func(t *testing.T, w *world) {
		w.pairAndChoose("anna", "item-1")
		if err := w.dev.PickAs(t.Context(), device.NewAccount); err != nil {
			t.Fatal(err)
		}
		if p := w.untilPage("code", func(p display.Page) bool { return p.QR != "" }); p.Account != "" {
			t.Errorf("while another account is linked: %q", p.Account)
		}
		w.pairAndChoose("ben", "item-2")
		if err := w.dev.PickAs(t.Context(), w.accountID("anna@example.org")); err != nil {
			t.Fatal(err)
		}
		if p := w.untilPage("link", func(p display.Page) bool { return p.QR != "" }); !strings.Contains(p.Account, "anna@example.org") || strings.Contains(p.Account, "ben") {
			t.Errorf("while Anna chooses: %q", p.Account)
		}
	})
}

// TestLostImport checks that a box that is paired from a computer says why its pairing
// was lost, before it says who can pair it again.
func TestLostImport(t *testing.T) {
	inWorld(t, options{setUp: methods(device.ByImport)}, func(t *testing.T, w *world) {
		if _, err := w.dev.Import(t.Context(), w.seal(w.issueToken())); err != nil {
			t.Fatal(err)
		}
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.choose("item-1")
		w.untilState(device.Showing)
		w.untilClean()
		w.auth.RevokeAll()
		w.pass(2 * time.Hour)
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilProblem("grant_revoked")
		w.pass(5 * time.Second)
		if p := w.dev.Statuses().Get().Problem; p == nil || p.Code != "grant_revoked" {
			t.Errorf("after five seconds: %+v", p)
		}
		w.untilPage("photo and reason", func(p display.Page) bool { return p.Slide != nil && p.Problem != "" })
		if err := w.dev.Pick(t.Context()); err != nil {
			t.Fatal(err)
		}
		w.untilProblem("only_import")
		w.untilProblem("grant_revoked")
	})
}
