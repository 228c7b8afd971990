package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"pickerd/display/film"
	"pickerd/display/photo"
	"pickerd/display/photo/outside"
)

const (
	// maxFilm bounds the time of a film with its pauses. It is less than RuntimeMaxSec= of
	// the unit. A film without an end ends there.
	maxFilm = 4*time.Hour - time.Minute
	// maxGap bounds the time between two frames, and maxKeyGap that between two key frames
	// when others are left out: x264 has one each 250 frames. A larger one is a wrong
	// timestamp. The client waits longer.
	maxGap    = 10 * time.Second
	maxKeyGap = 20 * time.Second
	// usualGap is the time between two frames with wrong timestamps.
	usualGap = 40 * time.Millisecond
	// maxApart is how far frames and sound may be apart after wrong timestamps of frames.
	// Then the sound begins anew, as after a failure if it was heard for minHeard before,
	// at most maxSounds times, after which there is none.
	maxApart  = 200 * time.Millisecond
	minHeard  = time.Second
	maxSounds = 4
	// maxLate is how late a frame may leave the decoder before frames are left out in it.
	// It is left alone for minEffort after it was started.
	maxLate   = 1500 * time.Millisecond
	minEffort = 3 * time.Second
	// stillEvery is how often the last frame is sent while the sound goes on after it. The
	// client would take a longer silence for a failure.
	stillEvery = 10 * time.Second
	// maxFill is how long a film waits for full slots before it begins.
	maxFill = 300 * time.Millisecond
	// skipAhead is how long a decoder may take to start.
	skipAhead = 300 * time.Millisecond
)

// A player plays one film for a client. Its fields belong to run.
type player struct {
	t       *tools
	conn    *net.UnixConn
	job     job // of the decoder
	methods []method
	clock   *clock
	volume  atomic.Int32
	wake    chan struct{} // holds a value after the clock started or stopped

	decoder *decoder
	began   time.Time     // when the decoder was started
	queue   []rawFrame    // decoded, in order
	offset  time.Duration // added to timestamps to correct wrong ones
	last    time.Duration // timestamp of the newest frame
	gap     time.Duration // between the newest two
	first   bool          // a frame was decoded
	firstAt time.Time     // when

	sound   *sound        // nil: none is played
	soundAt time.Duration // the offset that the sound was started with
	sounds  int           // how often it began anew
	mute    bool          // the sound is over or has failed
	started bool          // the clock was started
	paused  bool
	waiting bool // the client waits for a frame
	shown   int  // the slot that the client uses, or -1
	sent    sentFrame
	dropped int
}

// A sentFrame is the newest frame that the client got.
type sentFrame struct {
	rawFrame
	sentAt time.Time
}

// playFilm plays a film to the end.
func (t *tools) playFilm(ctx context.Context, conn *net.UnixConn, o film.Order) error {
	head, err := photo.Head(o.Video)
	if err != nil {
		return err
	}
	format := photo.Format(head)
	if !strings.HasPrefix(format, "video/") {
		return outside.Unknown
	}
	in := input{file: o.Video, demuxer: demuxers[format]}
	about, err := t.probe(ctx, &in)
	if err != nil {
		return err
	}
	memory, err := unix.Mmap(int(o.Memory.Fd()), 0, o.Slots*o.SlotSize(), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return os.NewSyscallError("mmap", err)
	}
	defer unix.Munmap(memory)
	p := &player{t: t, conn: conn, methods: t.methods(about.codec), wake: make(chan struct{}, 1), shown: -1, last: o.Start, gap: usualGap}
	p.job = job{in: in, about: about, order: o, memory: memory, start: o.Start, free: make(chan int, o.Slots)}
	p.clock = newClock(time.Now, o.Start, func() {
		select {
		case p.wake <- struct{}{}:
		default:
		}
	})
	p.volume.Store(int32(o.Volume))
	for slot := range o.Slots {
		p.job.free <- slot
	}
	return p.run(ctx)
}

// errLeft means that the client has left, or that the film took too long.
var errLeft = errors.New("client has left")

// A control is what a client says while a film plays.
type control struct {
	word  string
	value int
}

// run plays.
func (p *player) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	requests, left := make(chan control), make(chan struct{})
	go func() {
		defer close(left)
		defer cancel()
		for {
			word, value, err := film.ReadRequest(p.conn)
			if err != nil {
				return // the client has left, or this function
			}
			select {
			case requests <- control{word, value}:
			case <-ctx.Done():
				return
			}
		}
	}()
	defer func() {
		cancel()
		p.conn.SetReadDeadline(time.Unix(1, 0))
		<-left
		p.stopSound()
		p.decoder.stop(p.job.free)
	}()
	p.start(ctx)
	if err := p.inform(); err != nil {
		return err
	}
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		next, over, err := p.step(ctx)
		switch {
		case err != nil:
			return err
		case over:
			return send(p.conn, film.Answer{Word: film.WordEnd})
		}
		timer.Reset(next)
		frames := p.decoder.frames
		if p.decoder.over {
			frames = nil
		}
		select {
		case <-ctx.Done():
			return errLeft
		case <-timer.C:
		case <-p.wake:
		case <-p.soundDone():
			p.soundOver(ctx)
		case r := <-requests:
			p.obey(ctx, r)
		case f, ok := <-frames:
			if err := p.take(ctx, f, ok); err != nil {
				return err
			}
		}
	}
}

// start starts the decoder.
func (p *player) start(ctx context.Context) {
	p.job.method = p.methods[0]
	p.decoder = p.t.startDecoder(ctx, p.job)
	p.began = time.Now()
}

// restart starts the decoder where the film is now.
func (p *player) restart(ctx context.Context, ahead time.Duration) {
	p.decoder.stop(p.job.free)
	for _, f := range p.queue {
		p.job.free <- f.slot
	}
	p.queue = nil
	if p.first {
		p.job.start = max(position(p.clock)-p.offset+ahead, 0)
	}
	p.start(ctx)
}

// take puts a frame into the queue. Without one, the decoder has ended.
func (p *player) take(ctx context.Context, f rawFrame, ok bool) error {
	if !ok {
		p.decoder.over = true
		switch err := p.decoder.err; {
		case err == nil:
			return nil
		case !p.job.method.devices:
			return err
		}
		fmt.Fprintf(os.Stderr, "pickerd-media: %s failed: %v\n", p.job.method.name, p.decoder.err)
		p.methods = p.methods[1:]
		p.restart(ctx, 0)
		return p.inform()
	}
	if p.job.method.devices && strings.Contains(p.decoder.messages.String(), "Failed setup for format") {
		p.job.method = software // ffmpeg has turned to it
		if err := p.inform(); err != nil {
			return err
		}
	}
	f.at += p.offset
	most := maxGap
	if p.job.slow == len(savings)-1 {
		most = maxKeyGap
	}
	if d := f.at - p.last; d < -usualGap || d > most {
		p.offset += usualGap - d
		f.at += usualGap - d
		p.align(ctx)
	}
	f.at = max(f.at, p.last)
	if p.first {
		p.gap = f.at - p.last
	}
	if !p.first {
		p.firstAt = time.Now()
	}
	p.last, p.first = f.at, true
	p.queue = append(p.queue, f)
	late := position(p.clock) - f.at
	if late > maxLate && time.Since(p.began) > minEffort && p.job.slow < len(savings)-1 {
		p.job.slow++
		fmt.Fprintf(os.Stderr, "pickerd-media: %s is %v late, decoding with %v\n", p.job.method.name, late, savings[p.job.slow])
		p.restart(ctx, skipAhead)
	}
	return nil
}

// step sends the frame that is due, and returns the time until it has to be called
// again. over means that the film is at its end.
func (p *player) step(ctx context.Context) (next time.Duration, over bool, err error) {
	// With all slots full, the film begins without a pause.
	if p.first && !p.started && (len(p.job.free) == 0 || p.decoder.over || time.Since(p.firstAt) > maxFill) {
		p.started = true
		if !p.paused {
			p.startSound(ctx)
			p.clock.run(true)
		}
	}
	at, running := p.clock.position()
	for len(p.queue) > 1 && p.queue[1].at <= at {
		p.job.free <- p.queue[0].slot
		p.queue = p.queue[1:]
		p.dropped++
	}
	if p.paused {
		return time.Hour, false, nil
	}
	wait := time.Hour
	switch {
	case len(p.queue) > 0 && p.queue[0].at <= at && p.waiting:
		f := p.queue[0]
		p.queue = p.queue[1:]
		p.shown = f.slot
		return 0, false, p.show(f)
	case len(p.queue) > 1 && !p.waiting:
		wait = p.queue[1].at - at
	case len(p.queue) > 0 && p.waiting:
		wait = p.queue[0].at - at
	case !p.first && p.decoder.over: // the film was to start behind its last frame
		return 0, true, nil
	case len(p.queue) == 0 && p.decoder.over && (p.sound == nil || p.sent.w == 0):
		wait = p.last + p.gap - at
		if wait <= 0 {
			return 0, true, nil
		}
	case len(p.queue) == 0 && p.decoder.over && p.waiting:
		wait = p.sent.sentAt.Add(stillEvery).Sub(p.clock.now())
		if wait <= 0 {
			// Its slot is free, but nobody writes it any more.
			f := p.sent.rawFrame
			f.at = max(f.at, at)
			return 0, false, p.show(f)
		}
		return wait, false, nil // the clock may be waiting for the sound
	}
	switch {
	case !p.started:
		wait = maxFill
	case !running:
		wait = time.Hour // until the clock starts
	}
	return wait, false, nil
}

// show sends a frame to the client, which waits for it.
func (p *player) show(f rawFrame) error {
	p.sent, p.waiting = sentFrame{f, p.clock.now()}, false
	return send(p.conn, film.Answer{Word: film.WordFrame, Value: uint32(f.slot), W: f.w, H: f.h, Time: f.at, Dropped: uint32(p.dropped)})
}

// obey does what the client asks for.
func (p *player) obey(ctx context.Context, r control) {
	switch r.word {
	case film.WordNext:
		if p.shown >= 0 {
			p.job.free <- p.shown
			p.shown = -1
		}
		p.waiting = true
	case film.WordPause:
		p.paused = r.value != 0
		p.clock.run(!p.paused && p.started)
	case film.WordVolume:
		p.volume.Store(int32(min(max(r.value, 0), 100)))
	}
	if p.started && !p.paused && p.volume.Load() > 0 {
		p.startSound(ctx)
	} else {
		p.stopSound()
	}
}

// startSound plays the sound from where the film is, unless it does or shall not.
func (p *player) startSound(ctx context.Context) {
	if p.sound != nil || p.mute || !p.job.about.sound || p.volume.Load() == 0 {
		return
	}
	in := p.job.in
	in.file = p.job.order.Sound
	p.soundAt = p.offset
	p.sound = p.t.startSound(ctx, soundJob{in: in, start: max(position(p.clock)-p.offset, 0), offset: p.offset, clock: p.clock, volume: &p.volume})
}

// align starts the sound anew where the frames are in the file, if that has become
// another place.
func (p *player) align(ctx context.Context) {
	if p.sound == nil || (p.offset-p.soundAt).Abs() <= maxApart {
		return
	}
	p.stopSound()
	p.soundAnew(ctx)
}

// soundOver has a sound that failed begin anew, if it was heard: a sound device that
// gets nothing in time may be lost to its program.
func (p *player) soundOver(ctx context.Context) {
	ended := p.sound
	p.sound = nil
	if ended.err != nil {
		fmt.Fprintln(os.Stderr, "pickerd-media: no sound:", ended.err)
	}
	if ended.err == nil || position(p.clock)-ended.from < minHeard {
		p.mute = true
		return
	}
	p.soundAnew(ctx)
}

// soundAnew starts the sound where the film is, a few times.
func (p *player) soundAnew(ctx context.Context) {
	p.sounds++
	p.mute = p.sounds > maxSounds
	p.startSound(ctx)
}

func (p *player) stopSound() {
	if p.sound != nil {
		p.sound.stop()
		p.sound = nil
	}
}

// soundDone returns a channel that is closed when the sound has ended.
func (p *player) soundDone() <-chan struct{} {
	if p.sound == nil {
		return nil
	}
	return p.sound.done
}

// inform tells the client about the film.
func (p *player) inform() error {
	a := film.Answer{Word: film.WordInfo, Time: p.job.about.duration, Name: p.job.method.name}
	if p.job.about.sound {
		a.Value = 1
	}
	return send(p.conn, a)
}
