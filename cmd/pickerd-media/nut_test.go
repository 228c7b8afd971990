package main

import (
	"bytes"
	"io"
	"os/exec"
	"testing"
	"time"
)

// nutFrames returns the timestamps and the first pixels of a stream's frames.
func nutFrames(t testing.TB, b []byte) (at []time.Duration, first []uint32, err error) {
	n := newNUTReader(bytes.NewReader(b))
	for {
		ts, size, err := n.next()
		if err != nil {
			if err == io.EOF {
				err = nil
			}
			return at, first, err
		}
		if size > 1<<20 {
			return at, first, errNUT
		}
		pix := make([]byte, size)
		if err := n.read(pix); err != nil {
			return at, first, err
		}
		at = append(at, ts)
		if len(pix) > 3 {
			first = append(first, uint32(pix[2])<<16|uint32(pix[1])<<8|uint32(pix[0]))
		}
	}
}

// encodeNUT returns what ffmpeg writes for a filter.
func encodeNUT(t testing.TB, graph string) []byte {
	b, err := exec.CommandContext(t.Context(), "ffmpeg", "-nostdin", "-v", "error", "-f", "lavfi", "-i", graph, "-enc_time_base", "1:1000",
		"-c:v", "rawvideo", "-pix_fmt", "bgr0", "-f", "nut", "pipe:1").Output()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Frames come with their timestamps, however far apart they are.
func TestNUT(t *testing.T) {
	need(t, "ffmpeg")
	b := encodeNUT(t, "color=c=red:s=16x8:r=10:d=1,setpts='if(lt(N,5),N*0.1,100+N*N*0.5)/TB'")
	at, first, err := nutFrames(t, b)
	if err != nil || len(at) != 10 {
		t.Fatalf("%d frames, %v", len(at), err)
	}
	for i, ts := range at {
		want := time.Duration(i) * 100 * time.Millisecond
		if i >= 5 {
			want = 100*time.Second + time.Duration(i*i)*500*time.Millisecond
		}
		if (ts-want).Abs() > 2*time.Millisecond || first[i] != 0xfe0000 && first[i] != 0xfd0000 && first[i] != 0xff0000 {
			t.Errorf("frame %d is at %v, want %v; it is %06x", i, ts, want, first[i])
		}
	}
	for _, end := range []int{10, 60, 200, len(b) - 1} {
		if _, _, err := nutFrames(t, b[:end]); err == nil {
			t.Errorf("no error of the first %d bytes", end)
		}
	}
}

// A short timestamp is the one that is nearest to the last.
func TestNUTTimestamp(t *testing.T) {
	n := &nutReader{shift: 7}
	for _, want := range []int64{5, 60, 70, 130, 128, 127, 190, 1000} {
		coded := uint64(want) & 127
		if want == 1000 {
			coded = 1000 + 128
		}
		if n.last = n.timestamp(coded); n.last != want {
			t.Errorf("%d, want %d", n.last, want)
		}
	}
}

func FuzzNUT(f *testing.F) {
	f.Add([]byte(nutFile + "NMzV_\x04\xadH\x04\x03\x01\x01\x01"))
	f.Fuzz(func(t *testing.T, b []byte) { nutFrames(t, b) })
}
