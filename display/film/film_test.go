package film_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"pickerd/display/film"
	"pickerd/display/photo/outside"
	"pickerd/display/photo/outside/outsidetest"
)

// A service is the other end of a film's connection.
type service struct {
	*net.UnixConn
	order film.Order
	slots []byte
}

// open starts a film whose service does what serve says after it has received the order.
func open(t *testing.T, r film.Request, serve func(*service)) (*film.Film, error) {
	t.Helper()
	client, far := outsidetest.Pair(t)
	path := filepath.Join(t.TempDir(), "film")
	if err := os.WriteFile(path, []byte("the film"), 0o600); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r.File = file
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		defer far.Close()
		m, err := outside.ReceiveMessage(far)
		if err != nil {
			t.Error(err)
			return
		}
		defer m.Close()
		s := &service{UnixConn: far}
		if s.order, err = film.ParseOrder(m); err != nil {
			t.Error(err)
			return
		}
		s.slots, err = unix.Mmap(int(s.order.Memory.Fd()), 0, s.order.Slots*s.order.SlotSize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
		if err != nil {
			t.Error(err)
			return
		}
		defer unix.Munmap(s.slots)
		serve(s)
	}()
	f, err := film.Start(t.Context(), client, r)
	t.Cleanup(func() {
		if f != nil {
			f.Close()
		}
		<-ended
	})
	return f, err
}

// say sends answers.
func (s *service) say(answers ...film.Answer) {
	for _, a := range answers {
		s.Write(a.Append(nil))
	}
}

// hear waits for a request.
func (s *service) hear() string {
	word, value, err := film.ReadRequest(s)
	if err != nil {
		return err.Error()
	}
	return word + " " + string(rune('0'+value))
}

// fill writes one colour to a slot.
func (s *service) fill(slot int, c uint32) {
	b := s.slots[slot*s.order.SlotSize():][:s.order.SlotSize()]
	pix := unsafe.Slice((*uint32)(unsafe.Pointer(&b[0])), len(b)/4)
	for i := range pix {
		pix[i] = c
	}
}

var info = film.Answer{Word: film.WordInfo, Value: 1, Time: time.Minute, Name: "vaapi (renderD128)"}

// Frames come out of the shared memory, one for each request, and requests reach the
// service.
func TestFrames(t *testing.T) {
	var heard []string
	f, err := open(t, film.Request{W: 6, H: 4, Cover: true, Start: time.Second, Volume: 7}, func(s *service) {
		o := s.order
		for _, file := range []*os.File{o.Video, o.Sound} { // with positions of their own
			if b, err := io.ReadAll(file); string(b) != "the film" || err != nil {
				t.Errorf("the service reads %q, %v", b, err)
			}
		}
		for _, size := range []int64{1, 1 << 20} {
			if err := o.Memory.Truncate(size); !errors.Is(err, syscall.EPERM) {
				t.Errorf("the service resizes the memory: %v", err)
			}
		}
		if o.W != 6 || o.H != 4 || !o.Cover || o.Start != time.Second || o.Volume != 7 || o.Slots != 8 {
			t.Errorf("%+v", o)
		}
		s.say(info)
		heard = append(heard, s.hear())
		s.fill(2, 0x102030)
		s.say(film.Answer{Word: film.WordFrame, Value: 2, W: 3, H: 2, Time: 5 * time.Second, Dropped: 4})
		heard = append(heard, s.hear(), s.hear(), s.hear(), s.hear())
		s.fill(7, 0xffffff)
		s.say(film.Answer{Word: film.WordFrame, Value: 7, W: 6, H: 4, Time: 6 * time.Second, Dropped: 4})
		heard = append(heard, s.hear())
		s.say(film.Answer{Word: film.WordEnd})
	})
	if err != nil {
		t.Fatal(err)
	}
	frame, err := f.Next(t.Context())
	if err != nil || frame.At != 5*time.Second || frame.Image.W != 3 || frame.Image.H != 2 || frame.Image.Row(1)[2] != 0x102030 {
		t.Fatalf("%+v, %v", frame, err)
	}
	if got, want := f.Info(), (film.Info{W: 3, H: 2, Duration: time.Minute, Sound: true, Decoder: "vaapi (renderD128)", Dropped: 4}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	f.SetVolume(9)
	f.Pause(true)
	f.Pause(true)
	f.Pause(false)
	if frame, err = f.Next(t.Context()); err != nil || frame.Image.Row(3)[5] != 0xffffff {
		t.Fatalf("%+v, %v", frame, err)
	}
	for range 2 {
		if _, err := f.Next(t.Context()); err != io.EOF {
			t.Errorf("at the end: %v", err)
		}
	}
	f.Close()
	if got := frame.Image.Row(3)[5]; got != 0 {
		t.Errorf("after the end a frame has %06x", got)
	}
	if got, want := strings.Join(heard, ","), "NEXT 0,VOLU 9,PAUS 1,PAUS 0,NEXT 0,NEXT 0"; got != want {
		t.Errorf("the service heard %s, want %s", got, want)
	}
}

// What a captured service may say costs the film and nothing else.
func TestWrongAnswers(t *testing.T) {
	frame := func(slot uint32, w, h int, at time.Duration) film.Answer {
		return film.Answer{Word: film.WordFrame, Value: slot, W: w, H: h, Time: at}
	}
	for _, tt := range []struct {
		name    string
		answers []film.Answer
		want    error
	}{
		{"nothing", nil, outside.ErrAnswer},
		{"a frame first", []film.Answer{frame(0, 1, 1, 0)}, outside.ErrAnswer},
		{"the end first", []film.Answer{{Word: film.WordEnd}}, outside.ErrAnswer},
		{"a slot too high", []film.Answer{info, frame(8, 1, 1, 0)}, outside.ErrAnswer},
		{"too wide", []film.Answer{info, frame(7, 7, 4, 0)}, outside.ErrAnswer},
		{"too high", []film.Answer{info, frame(7, 6, 5, 0)}, outside.ErrAnswer},
		{"empty", []film.Answer{info, frame(0, 0, 1, 0)}, outside.ErrAnswer},
		{"before the beginning", []film.Answer{info, frame(0, 1, 1, -1)}, outside.ErrAnswer},
		{"unknown word", []film.Answer{info, {Word: "XXXX"}}, outside.ErrAnswer},
		{"many infos", []film.Answer{info, info, info, info, info, info, info, info, info, info, info, info, info, info, info, info, info, info, {Word: film.WordEnd}}, outside.ErrAnswer},
		{"refused", []film.Answer{{Word: film.WordFail, Value: uint32(outside.NoPicture)}}, outside.NoPicture},
		{"failed", []film.Answer{info, {Word: film.WordFail, Value: uint32(outside.Silent)}}, outside.Silent},
		{"crashed", []film.Answer{info}, outside.ErrAnswer},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f, err := open(t, film.Request{W: 6, H: 4}, func(s *service) {
				if len(tt.answers) > 0 {
					s.say(tt.answers[0])
					if tt.answers[0].Word == film.WordInfo {
						s.hear()
					}
					s.say(tt.answers[1:]...)
				}
			})
			for n := 0; err == nil; n++ {
				if n > 1 {
					t.Fatal("more frames than answers")
				}
				_, err = f.Next(t.Context())
			}
			if !errors.Is(err, tt.want) {
				t.Errorf("%v, want %v", err, tt.want)
			}
		})
	}
}

// Next ends with its context, and the frame that it waited for comes with the next call.
func TestNextContext(t *testing.T) {
	heard := make(chan string, 2)
	f, err := open(t, film.Request{W: 6, H: 4}, func(s *service) {
		s.say(info)
		heard <- s.hear()
		if s.hear() == "VOLU 1" {
			s.say(film.Answer{Word: film.WordFrame, W: 1, H: 1, Time: 1})
		}
		heard <- s.hear() // the end of the connection
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-heard
		cancel()
	}()
	if _, err := f.Next(ctx); err != context.Canceled {
		t.Errorf("error %v", err)
	}
	f.SetVolume(1)
	if frame, err := f.Next(t.Context()); err != nil || frame.At != 1 {
		t.Errorf("%+v, %v", frame, err)
	}
	f.Close()
	if got := <-heard; got != "EOF" {
		t.Errorf("heard %s", got)
	}
}

// The address space of a film serves the next one, smaller or larger.
func TestMemory(t *testing.T) {
	for _, side := range []int{100, 10, 100, 300, 50} {
		f, err := open(t, film.Request{W: side, H: side}, func(s *service) {
			s.say(info)
			s.hear()
			s.fill(s.order.Slots-1, uint32(side))
			s.say(film.Answer{Word: film.WordFrame, Value: uint32(s.order.Slots - 1), W: side, H: side})
			s.hear()
		})
		if err != nil {
			t.Fatal(err)
		}
		frame, err := f.Next(t.Context())
		if err != nil || frame.Image.Row(side - 1)[side-1] != uint32(side) {
			t.Errorf("%d: %v", side, err)
		}
		f.Close()
	}
}

func TestUnavailable(t *testing.T) {
	if _, err := film.Open(t.Context(), filepath.Join(t.TempDir(), "none"), film.Request{}); !errors.Is(err, outside.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

func FuzzAnswer(f *testing.F) {
	f.Add(info.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := film.ReadAnswer(bytes.NewReader(b))
		if (err == nil) != (len(b) >= len(info.Append(nil))) {
			t.Fatal(err)
		}
		for _, c := range a.Name {
			if c < ' ' || c > '~' {
				t.Errorf("%q", a.Name)
			}
		}
	})
}

func FuzzOrder(f *testing.F) {
	f.Add(film.Order{W: 1, H: 1, Slots: 3}.Message().Text)
	f.Fuzz(func(t *testing.T, b []byte) {
		if o, err := film.ParseOrder(outside.Message{Text: b}); err == nil { // there are no files
			t.Errorf("%+v", o)
		}
	})
}
