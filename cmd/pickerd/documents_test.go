package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/pelletier/go-toml/v2"
)

// root is the project's folder.
var root = filepath.Join("..", "..")

// documents returns the paths of all Markdown files of the project.
func documents(t *testing.T) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() && (d.Name() == ".git" || d.Name() == "dist" || d.Name() == "node_modules") {
			return fs.SkipDir
		}
		if err == nil && filepath.Ext(path) == ".md" {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

var (
	fence   = regexp.MustCompile("(?ms)^ *```.*?^ *```")
	heading = regexp.MustCompile(`(?m)^#{1,6} +(.+)$`)
	inline  = regexp.MustCompile("`[^`\n]*`")
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
)

// anchors returns the fragments that a Markdown file's headings make, as GitHub
// names them: in lower case, hyphens for spaces, without punctuation.
func anchors(text string) map[string]bool {
	all := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		all[strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case unicode.IsLetter(r), unicode.IsDigit(r), r == '-', r == '_':
				return unicode.ToLower(r)
			}
			return -1
		}, strings.TrimSpace(m[1]))] = true
	}
	return all
}

// TestDocumentLinks follows every relative link and anchor in the documents.
func TestDocumentLinks(t *testing.T) {
	links := 0
	for _, file := range documents(t) {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := inline.ReplaceAllString(fence.ReplaceAllString(string(data), ""), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			u, err := url.Parse(m[1])
			if err != nil {
				t.Errorf("%s: %v", file, err)
				continue
			}
			if u.IsAbs() {
				continue
			}
			links++
			target, in := file, string(data)
			if u.Path != "" {
				target = filepath.Join(filepath.Dir(file), u.Path)
				if _, err := os.Stat(target); errors.Is(err, fs.ErrNotExist) {
					t.Errorf("%s: there is nothing at %s", file, m[1])
					continue
				}
			}
			if u.Fragment == "" {
				continue
			}
			if u.Path != "" {
				other, err := os.ReadFile(target)
				if err != nil {
					t.Errorf("%s: %s: %v", file, m[1], err)
					continue
				}
				in = string(other)
			}
			if !anchors(in)[u.Fragment] {
				t.Errorf("%s: there is no heading for %s", file, m[1])
			}
		}
	}
	if links < 50 {
		t.Errorf("only %d links were found", links)
	}
}

// TestReadmeLength keeps the front page short enough to be read to its end.
func TestReadmeLength(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(string(data), "\n"); lines > 200 || len(data) > 20_000 {
		t.Errorf("README.md has %d lines and %d bytes; want at most 200 and 20,000", lines, len(data))
	}
}

// TestDocumentedProblems finds every problem code in the table of messages, and
// no other.
func TestDocumentedProblems(t *testing.T) {
	table, err := os.ReadFile(filepath.Join(root, "display", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	english, err := os.ReadFile(filepath.Join(root, "display", "words", "languages", "en.toml"))
	if err != nil {
		t.Fatal(err)
	}
	var words struct {
		Notice map[string]any `toml:"notice"`
	}
	if err := toml.Unmarshal(english, &words); err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| [^|]* \\| `([a-z_]+)` \\| [^|]+ \\|$").FindAllStringSubmatch(string(table), -1) {
		listed[m[1]] = true
		if words.Notice[m[1]] == nil {
			t.Errorf("display/README.md has a message for %q, which is no problem", m[1])
		}
	}
	for code := range words.Notice {
		if !listed[code] {
			t.Errorf("display/README.md has no message for %s", code)
		}
	}
}

// TestDocumentedCommands finds every command of the program in its document.
func TestDocumentedCommands(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, "device", "control", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range commands() {
		if !strings.Contains(string(data), "`pickerd "+c.name) {
			t.Errorf("device/control/README.md does not tell about pickerd %s", c.name)
		}
	}
}

// TestDocumentedRequests finds an example for every request of the control API.
func TestDocumentedRequests(t *testing.T) {
	dir := filepath.Join(root, "device", "control")
	data, err := os.ReadFile(filepath.Join(dir, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	description, err := os.ReadFile(filepath.Join(dir, "openapi.json"))
	if err != nil {
		t.Fatal(err)
	}
	var api struct {
		Paths map[string]map[string]json.RawMessage `json:"paths"`
	}
	if err := json.Unmarshal(description, &api); err != nil {
		t.Fatal(err)
	}
	if len(api.Paths) == 0 {
		t.Fatal("openapi.json has no paths")
	}
	for path, methods := range api.Paths {
		for method := range methods {
			option := ""
			if method != "get" {
				option = "-X " + strings.ToUpper(method) + " .*"
			}
			example := regexp.MustCompile("(?m)^curl .*" + option + "http://x" + regexp.QuoteMeta(strings.NewReplacer("{id}", "ID", "{code}", "CODE", "{action}", "next").Replace(path)) + `\b`)
			if !example.Match(data) {
				t.Errorf("device/control/README.md has no example of %s %s", method, path)
			}
		}
	}
}
