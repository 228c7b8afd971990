package engine

import "sync/atomic"

// Options are the part of a Config that may change while the engine runs.
type Options struct {
	Name   string // of the box, shown on the phone
	Append bool   // new picks join the photos on the box instead of replacing them
	// OriginalVideos has videos fetched in the size of the original, not of screens.
	OriginalVideos bool
}

// settings are a Config and the Options in force.
type settings struct {
	Config
	current atomic.Pointer[Options]
}

// options returns the Options in force. Config.Options are only the first ones.
func (s *settings) options() Options { return *s.current.Load() }

// Configure replaces the options of an engine, in any goroutine. They apply to what
// begins afterwards: a download goes on with those it began with, until it is
// continued after an interruption.
func Configure(e *Engine, o Options) { e.cfg.current.Store(&o) }
