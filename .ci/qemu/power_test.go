package qemu

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"flag"
	"fmt"
	"image"
	"image/jpeg"
	"math/rand/v2"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"pickerd/.ci/qemu/google"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker/pickertest"
)

var (
	cuts       = flag.Int("cuts", 3, "how often TestPowerCuts cuts the power")
	filesystem = flag.String("filesystem", "ext4", "the file system of TestPowerCuts: ext4 or f2fs")
)

// maxCut bounds the random time between the event that a cut is about and the cut.
const maxCut = 1500 * time.Millisecond

// A frame is a box whose disk and whose Google outlive its power cuts.
type frame struct {
	*machine
	*google.Google
	t     *testing.T
	board board
	ids   []string        // of all photos
	sums  map[string]bool // their SHA-256
}

// newFrame makes a disk and a Google with noisy photos, whose download takes a while.
func newFrame(t *testing.T) *frame {
	t.Helper()
	disk := filepath.Join(t.TempDir(), "disk")
	format := "truncate -s 256M " + disk + " && mkfs." + *filesystem + " -q " + disk
	if err := shell(format); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("10.0.2.2:%d", l.Addr().(*net.TCPAddr).Port)
	f := &frame{t: t, sums: map[string]bool{}}
	items := noise(t, 20)
	for _, it := range items {
		f.ids = append(f.ids, it.ID)
		f.sums[fmt.Sprintf("%x", sha256.Sum256(it.Data))] = true
	}
	if f.Google, err = google.New(address, items...); err != nil {
		t.Fatal(err)
	}
	// Tokens rotate all the time. A server that revokes a token before its successor
	// has arrived is one that no client can help.
	f.Auth.Change(func(o *oauthtest.Options) { o.RotateOverlap, o.TokenLife = true, 6*time.Second })
	srv := &http.Server{Handler: f.Handler()}
	served := make(chan struct{})
	go func() { defer close(served); _ = srv.Serve(l) }()
	t.Cleanup(func() { srv.Close(); <-served })
	f.board = board{
		args: []string{"-vga", "none", "-drive", "file=" + disk + ",format=raw,if=none,id=disk", "-device", "virtio-blk-pci,drive=disk",
			"-netdev", "user,id=net", "-device", "virtio-net-pci,netdev=net"},
		modules: []string{"crc32_generic", "crc32c_generic", "virtio_pci", "virtio_blk", *filesystem, "virtio_net"},
		append:  "state=/dev/vda filesystem=" + *filesystem + " google=" + address,
	}
	return f
}

// noise returns n photos that no compression makes small.
func noise(t *testing.T, n int) (items []*pickertest.Item) {
	t.Helper()
	random := rand.NewChaCha8([32]byte{})
	for i := range n {
		m := image.NewRGBA(image.Rect(0, 0, 640, 480))
		random.Read(m.Pix)
		var b bytes.Buffer
		if err := jpeg.Encode(&b, m, nil); err != nil {
			t.Fatal(err)
		}
		items = append(items, &pickertest.Item{ID: fmt.Sprint("noise-", i), Filename: fmt.Sprint(i, ".jpg"), MimeType: "image/jpeg",
			Width: 640, Height: 480, CreateTime: time.Now(), Data: b.Bytes(), Unscaled: true})
	}
	return items
}

// powerOn boots the box and starts pickerd.
func (f *frame) powerOn() {
	f.t.Helper()
	f.machine = boot(f.t, f.board)
	f.tell(`start [display];outputs=["http"];[http];listen="127.0.0.1:8420"`)
	f.until("pickerd answers", func() bool { s := f.status().State; return s != "" && s != "starting" })
}

// cut cuts the power within maxCut, and gives it back.
func (f *frame) cut() {
	f.t.Helper()
	wait := time.NewTimer(rand.N(maxCut))
	defer wait.Stop()
	<-wait.C
	if err := f.cutPower(); err != nil {
		f.t.Fatal(err)
	}
	f.powerOn()
}

// A frameStatus is what the test reads of a status. There is no state while pickerd
// doesn't answer.
type frameStatus struct {
	State    string
	Accounts []struct{}
	Pairing  struct {
		UserCode string `json:"user_code"`
	}
	Library  struct{ Items int }
	Sessions struct {
		Open    int
		Pending int `json:"pending_deletion"`
	}
	Outstanding *struct{}
	Problem     *struct{ Code string }
}

func (f *frame) status() (s frameStatus) {
	f.t.Helper()
	if err := json.Unmarshal([]byte(strings.ReplaceAll(f.tell("status"), " | ", "\n")), &s); err != nil {
		f.t.Fatal(err)
	}
	return s
}

// used reports whether the box has used a token of its pairing: then it was on the disk.
func (f *frame) used() bool {
	return slices.ContainsFunc(f.Photos.Calls(), func(c pickertest.Call) bool { return c.Status == http.StatusOK })
}

// pair approves codes until the box is paired.
func (f *frame) pair() {
	f.t.Helper()
	f.until("the box is paired", func() bool {
		s := f.status()
		if s.Pairing.UserCode != "" {
			_ = f.Approve() // fails while it is approved
		}
		return len(s.Accounts) == 1
	})
}

// pickAll chooses every photo of a pick, and starts one if there is none.
func (f *frame) pickAll() {
	f.t.Helper()
	f.pair()
	f.until("the photos are chosen", func() bool {
		s := f.status()
		if s.State == "showing" || s.State == "idle" {
			f.tell("begin pick")
		}
		return s.State == "picking" && f.Choose(f.ids...) == nil
	})
}

// checkLost fails the test if the box has lost a pairing whose token it had used.
func (f *frame) checkLost(used bool) {
	f.t.Helper()
	if s := f.status(); used && len(s.Accounts) == 0 {
		f.t.Errorf("the pairing is lost: %s, %+v", s.State, s.Problem)
	}
}

// settle waits until the pick is over, and checks what is on the disk.
func (f *frame) settle(photos int) {
	f.t.Helper()
	f.until("the pick is over", func() bool {
		s := f.status()
		if s.State == "picking" {
			_ = f.Choose(f.ids...) // fails if it was chosen before the cut
		}
		return s.Library.Items == photos && s.Sessions.Open+s.Sessions.Pending == 0
	})
	f.until("no session is open", func() bool { return len(f.Photos.Open()) == 0 })
	f.checkPhotos()
}

// checkPhotos fails the test if a photo on the disk is torn.
func (f *frame) checkPhotos() {
	f.t.Helper()
	for sum := range strings.FieldsSeq(f.tell("sums")) {
		if !f.sums[sum] {
			f.t.Errorf("a photo on the disk is torn: SHA-256 %s", sum)
		}
	}
}

// forget forgets the account and its photos.
func (f *frame) forget() {
	f.t.Helper()
	f.until("the box has forgotten", func() bool {
		s := f.status()
		if len(s.Accounts) > 0 {
			f.tell("begin unpair")
		}
		return len(s.Accounts) == 0 && s.Library.Items == 0 && s.Outstanding == nil
	})
	if left := f.tell("sums"); left != "" {
		f.t.Errorf("photos left after forgetting: %s", left)
	}
	f.until("no session is open", func() bool { return len(f.Photos.Open()) == 0 })
}

// TestPowerCuts cuts the power while a box pairs, fetches, forgets, and rotates its
// token. No session is left open, no pairing is lost, no photo is torn.
func TestPowerCuts(t *testing.T) {
	t.Parallel()
	moments := []struct {
		name string
		cut  func(f *frame)
	}{
		{"pairing", func(f *frame) {
			f.until("a code is shown", func() bool { s := f.status(); return s.Pairing.UserCode != "" })
			f.Photos.ForgetCalls()
			if err := f.Approve(); err != nil {
				f.t.Fatal(err)
			}
			f.cut()
			f.checkLost(f.used())
			f.pickAll()
			f.settle(len(f.ids))
		}},
		{"fetching", func(f *frame) {
			f.pickAll()
			f.cut()
			f.checkLost(true)
			f.checkPhotos()
			f.settle(len(f.ids))
		}},
		{"forgetting", func(f *frame) {
			f.pair()
			f.tell("begin unpair")
			f.cut()
			if s := f.status(); len(s.Accounts) == 0 && s.Library.Items > 0 {
				f.t.Errorf("half forgotten: %d photos without an account", s.Library.Items)
			}
			f.checkPhotos()
		}},
		{"rotation", func(f *frame) {
			f.pair()
			before := len(f.Auth.Calls())
			f.until("a token is being refreshed", func() bool {
				return slices.ContainsFunc(f.Auth.Calls()[before:], func(c oauthtest.Call) bool { return c.Op == oauthtest.OpRefresh })
			})
			f.cut()
			f.checkLost(true)
			f.pickAll()
			f.settle(len(f.ids))
		}},
	}
	f := newFrame(t)
	f.powerOn()
	for i := range *cuts {
		m := moments[i%len(moments)]
		began := time.Now()
		m.cut(f)
		if m.name == "forgetting" || m.name == "rotation" {
			f.forget()
		}
		t.Logf("cut %d, %s: %v", i+1, m.name, time.Since(began).Round(time.Second))
	}
	f.forget()
}
