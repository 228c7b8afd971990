package command

import "runtime/debug"

// A Build is what a program was built from.
type Build struct {
	Version string
	Commit  string // "" if unknown
	Day     string // the date of the commit, "" if unknown
	Dirty   bool   // with changes that are not committed
}

// Built describes the running program. packaged is the version of the packages that
// it is shipped in, "" for none.
func Built(packaged string) Build {
	b := Build{Version: packaged}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		if b.Version == "" {
			b.Version = "(unknown)"
		}
		return b
	}
	if b.Version == "" {
		b.Version = info.Main.Version
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.time":
			b.Day = s.Value[:min(len(s.Value), len("2006-01-02"))]
		case "vcs.modified":
			b.Dirty = s.Value == "true"
		}
	}
	return b
}

// Text returns the version of a program: "pickerd v1.4.0 (commit 0123456789ab+dirty
// of 2026-11-28)".
func (b Build) Text(program string) string {
	text := program + " " + b.Version
	if b.Commit == "" {
		return text
	}
	text += " (commit " + b.Commit[:min(len(b.Commit), 12)]
	if b.Dirty {
		text += "+dirty"
	}
	if b.Day != "" {
		text += " of " + b.Day
	}
	return text + ")"
}
