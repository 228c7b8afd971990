// Package exposition writes metrics in the text format of Prometheus: families with
// their metadata, what a library's histograms write, and the metrics of the Go
// runtime and of the process.
package exposition

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// A Family is a metric with its metadata and the names of its labels.
type Family struct {
	name, kind, help string
	labels           []string // in alphabetical order
}

// Gauge returns a family of gauges. Its labels are in alphabetical order.
func Gauge(name, help string, labels ...string) *Family {
	return &Family{name, "gauge", help, labels}
}

// Counter returns a family of counters.
func Counter(name, help string, labels ...string) *Family {
	return &Family{name, "counter", help, labels}
}

// Histogram returns a family of histograms. Its samples are written to Buffer.
func Histogram(name, help string) *Family { return &Family{name: name, kind: "histogram", help: help} }

// Name returns the name of the metric.
func (f *Family) Name() string { return f.name }

// Handler serves what fill adds to a scrape, and the metrics of the process. The
// format is version 0.0.4, which every version of Prometheus reads.
func Handler(fill func(Scrape)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		s := Scrape{}
		addProcess(s)
		fill(s)
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		w.Write(s.bytes()) // an error means that the client is gone
	})
}

// A Scrape collects the samples of one scrape. The library's sets are not
// used for this: they write HELP lines without a text, and what is read at scrape
// time would have to be registered anew for each scrape.
type Scrape map[*Family]*bytes.Buffer

// Add adds a sample. Its label values are in the order of the family's labels.
func (e Scrape) Add(f *Family, v float64, labels ...string) {
	e.addSuffix(f, "", f.labels, v, labels...)
}

// addSuffix adds a sample whose name is the family's name with a suffix, as
// summaries have them.
func (e Scrape) addSuffix(f *Family, suffix string, names []string, v float64, labels ...string) {
	b := e.Buffer(f)
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

// Buffer returns what the samples of f are written to.
func (e Scrape) Buffer(f *Family) *bytes.Buffer {
	if e[f] == nil {
		e[f] = new(bytes.Buffer)
	}
	return e[f]
}

// AddCounts adds counts by label. Labels in always are added from the start, with
// 0: Prometheus sees no increase in a counter that appears with 1.
func (e Scrape) AddCounts(f *Family, counts map[string]int, always ...string) {
	all := map[string]int{}
	for _, label := range always {
		all[label] = 0
	}
	maps.Copy(all, counts)
	for _, label := range slices.Sorted(maps.Keys(all)) {
		e.Add(f, float64(all[label]), label)
	}
}

// bytes returns the text exposition format, version 0.0.4: families by name, with
// HELP and TYPE. Families without a sample are left out.
func (e Scrape) bytes() []byte {
	var b bytes.Buffer
	byName := func(a, b *Family) int { return strings.Compare(a.name, b.name) }
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
