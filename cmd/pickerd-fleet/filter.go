package main

import (
	"encoding/hex"
	"fmt"
	"path"
	"strings"

	"pickerd/cmd/command"
)

// A filter chooses boxes: "LABEL=VALUE", "state=STATE", "problem=CODE", "version=VERSION",
// "online", "offline", or an ID or a name. Values, IDs and names are patterns, as for files
// in a shell. The case of their letters does not matter. Of several IDs and names one must match,
// and each of the others.
type filter string

// filtersOf returns the filters of a command line.
func filtersOf(args []string) ([]filter, error) {
	var list []filter
	for _, arg := range args {
		if _, err := path.Match(arg, ""); err != nil || arg == "" {
			return nil, &command.UsageError{Msg: fmt.Sprintf("%q is not a pattern", arg)}
		}
		list = append(list, filter(arg))
	}
	return list, nil
}

// isName reports whether a filter is a pattern of IDs and names.
func (f filter) isName() bool {
	return f != "online" && f != "offline" && !strings.Contains(string(f), "=")
}

// isID reports whether a filter is the ID of a box as boxes have it, so that the others need
// not be read.
func (f filter) isID() bool {
	id, err := hex.DecodeString(string(f))
	return err == nil && len(id) == 8 && strings.ToLower(string(f)) == string(f)
}

// matchAll reports whether filters choose a box.
func matchAll(filters []filter, b *box) bool {
	named, names := false, false
	for _, f := range filters {
		switch matches := f.matches(b); {
		case f.isName():
			names, named = true, named || matches
		case !matches:
			return false
		}
	}
	return named || !names
}

func (f filter) matches(b *box) bool {
	name, value, ok := strings.Cut(string(f), "=")
	switch {
	case f.isName():
		return like(string(f), b.ID) || b.Status != nil && like(string(f), b.Status.Name)
	case !ok:
		return b.Online == (f == "online")
	case b.Status == nil:
		return false
	case name == "state":
		return like(value, string(b.Status.State))
	case name == "problem":
		return b.Status.Problem != nil && like(value, b.Status.Problem.Code)
	case name == "version":
		return like(value, b.Status.Version)
	}
	label, has := b.Status.Labels[name]
	return has && like(value, label)
}

// like reports whether a pattern matches a text, which may have slashes.
func like(pattern, s string) bool {
	plain := strings.NewReplacer("/", "\x00")
	matched, err := path.Match(plain.Replace(strings.ToLower(pattern)), plain.Replace(strings.ToLower(s)))
	return matched && err == nil
}
