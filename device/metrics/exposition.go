package metrics

import (
	"bytes"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A family is a metric with its metadata and the names of its labels.
type family struct {
	name, kind, help string
	labels           []string // in alphabetical order
}

func gauge(name, help string, labels ...string) *family {
	return &family{name, "gauge", help, labels}
}

func counter(name, help string, labels ...string) *family {
	return &family{name, "counter", help, labels}
}

// An exposition collects the samples of one scrape. The library's sets are not
// used for this: they write HELP lines without a text, and what is read at scrape
// time would have to be registered anew for each scrape.
type exposition map[*family]*bytes.Buffer

// add adds a sample. Its label values are in the order of the family's labels.
func (e exposition) add(f *family, v float64, labels ...string) {
	e.addSuffix(f, "", f.labels, v, labels...)
}

// addSuffix adds a sample whose name is the family's name with a suffix, as
// summaries have them.
func (e exposition) addSuffix(f *family, suffix string, names []string, v float64, labels ...string) {
	b := e.buffer(f)
	b.WriteString(f.name + suffix)
	separator := byte('{')
	for i, name := range names {
		b.WriteByte(separator)
		b.WriteString(name + `="` + escapeLabel.Replace(labels[i]) + `"`)
		separator = ','
	}
	if len(names) > 0 {
		b.WriteByte('}')
	}
	b.WriteByte(' ')
	b.WriteString(formatValue(v))
	b.WriteByte('\n')
}

// buffer returns what the samples of f are written to.
func (e exposition) buffer(f *family) *bytes.Buffer {
	if e[f] == nil {
		e[f] = new(bytes.Buffer)
	}
	return e[f]
}

// bytes returns the text exposition format, version 0.0.4: families by name, with
// HELP and TYPE. Families without a sample are left out.
func (e exposition) bytes() []byte {
	var b bytes.Buffer
	byName := func(a, b *family) int { return strings.Compare(a.name, b.name) }
	for _, f := range slices.SortedFunc(maps.Keys(e), byName) {
		if e[f].Len() == 0 {
			continue
		}
		b.WriteString("# HELP " + f.name + " " + escapeHelp.Replace(f.help) + "\n")
		b.WriteString("# TYPE " + f.name + " " + f.kind + "\n")
		b.Write(e[f].Bytes())
	}
	return b.Bytes()
}

var (
	escapeLabel = strings.NewReplacer(`\`, `\\`, "\n", `\n`, `"`, `\"`)
	escapeHelp  = strings.NewReplacer(`\`, `\\`, "\n", `\n`)
)

// formatValue formats infinities and NaN as the format wants them, too.
func formatValue(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
