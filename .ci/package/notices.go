package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// notices collects the licences of all modules linked into a program in a file. Most
// of them require it.
func (r *release) notices(program, file string) error {
	list, err := output(r.root, "go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}} {{.Version}} {{.Dir}}{{end}}{{end}}", "./cmd/"+program)
	if err != nil {
		return err
	}
	root, err := output("", "go", "env", "GOROOT")
	if err != nil {
		return err
	}
	modules := slices.Compact(slices.Sorted(strings.Lines(list + "\n")))
	modules = append(modules, "The Go standard library - "+root)
	var b bytes.Buffer
	for _, line := range modules {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		dir := fields[len(fields)-1]
		found := 0
		for _, pattern := range []string{"LICEN[CS]E*", "COPYING*", "NOTICE*"} {
			files, err := filepath.Glob(filepath.Join(dir, pattern))
			if err != nil {
				return err
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					return err
				}
				found++
				fmt.Fprintf(&b, "== %s: %s\n\n%s\n\n", strings.Join(fields[:len(fields)-1], " "), filepath.Base(file), bytes.TrimSpace(text))
			}
		}
		if found == 0 {
			return fmt.Errorf("no licence in %s", line)
		}
	}
	return r.write(file, zip(b.Bytes()))
}
