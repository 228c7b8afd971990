package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"pickerd/oauthdevice"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/picker"
	"pickerd/picker/pickertest"
)

// Figures of the whole process, against simulators on this machine:
//
//	go test -run '^$' -bench . -benchtime 5x

// emptyServer is a program whose HTTP server answers nothing but 200.
const emptyServer = `package main

import (
	"net/http"
	"os"
)

func main() {
	http.ListenAndServe(os.Args[1], http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
}
`

// BenchmarkStart measures the time from the start of the process to the first page
// with a pairing code, and the time from the start of an empty HTTP server to its first
// answer. They alternate.
func BenchmarkStart(b *testing.B) {
	g := newGoogle(b)
	path, err := binary()
	if err != nil {
		b.Fatal(err)
	}
	source := filepath.Join(b.TempDir(), "empty.go")
	if err := os.WriteFile(source, []byte(emptyServer), 0o600); err != nil {
		b.Fatal(err)
	}
	empty, err := build("empty", source)
	if err != nil {
		b.Fatal(err)
	}
	var whole, least time.Duration
	for b.Loop() {
		box, at := configured(b, g, b.TempDir()), freeAddress(b)
		whole += firstAnswer(b, box.screen+"qr.svg", path, box.args...)
		least += firstAnswer(b, "http://"+at+"/", empty, at)
	}
	b.ReportMetric(0, "ns/op") // of both
	b.ReportMetric(whole.Seconds()*1000/float64(b.N), "ms-pickerd")
	b.ReportMetric(least.Seconds()*1000/float64(b.N), "ms-empty")
	b.ReportMetric(whole.Seconds()/least.Seconds(), "times-empty")
}

// firstAnswer returns the time from the start of a program to its first answer 200.
func firstAnswer(b *testing.B, url, path string, args ...string) time.Duration {
	b.Helper()
	cmd := exec.Command(path, args...)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	defer cmd.Wait()
	defer cmd.Process.Kill()
	for time.Since(began) < time.Minute {
		resp, err := http.Get(url)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return time.Since(began)
			}
		}
		time.Sleep(time.Millisecond)
	}
	b.Fatalf("%s does not answer", path)
	return 0
}

// BenchmarkAtRest measures the CPU time and memory of a box that shows a code.
func BenchmarkAtRest(b *testing.B) {
	g := googleWith(b, 5*time.Second) // as Google requires
	box := configured(b, g, b.TempDir())
	box.start()
	resp, err := http.Get(box.screen + "events?w=1920&h=1080")
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	go io.Copy(io.Discard, resp.Body)
	const watched = 20 * time.Second
	for b.Loop() {
		before := cpu(b, box.cmd.Process.Pid)
		time.Sleep(watched)
		b.ReportMetric(100*(cpu(b, box.cmd.Process.Pid)-before).Seconds()/watched.Seconds(), "%core")
		b.ReportMetric(memory(b, box.cmd.Process.Pid, "VmRSS"), "MB-rss")
	}
}

const (
	figureItems = 500
	figureBytes = 500_000
)

// bigItems returns photos of 500 kB each that begin with a valid JPEG.
func bigItems() []*pickertest.Item {
	items := pickertest.PlainPhotos(figureItems)
	rnd := rand.NewChaCha8([32]byte{})
	for _, it := range items {
		pad := make([]byte, figureBytes-len(it.Data))
		rnd.Read(pad)
		it.Data, it.Unscaled = append(it.Data, pad...), true
	}
	return items
}

// BenchmarkFetch500 measures the time from Done to the last of 500 photos of 500 kB,
// and the time curl takes for the same, four at a time, without and with a sync of its
// files, as pickerd has synced them. They alternate, so that each pays for what the other
// has left in the disk's queue.
func BenchmarkFetch500(b *testing.B) {
	g := newGoogle(b, bigItems()...)
	token, list := mediaList(b, g)
	var box, curl, synced time.Duration
	peak, n := 0.0, 0
	for b.Loop() {
		n++
		d, mb := fetchWithBox(b, g)
		box, peak = box+d, max(peak, mb)
		c, s := fetchWithCurl(b, token, list)
		curl, synced = curl+c, synced+s
	}
	b.ReportMetric(float64(box.Milliseconds())/float64(n), "ms-pickerd")
	b.ReportMetric(float64(curl.Milliseconds())/float64(n), "ms-curl")
	b.ReportMetric(box.Seconds()/curl.Seconds(), "times-curl")
	b.ReportMetric(box.Seconds()/synced.Seconds(), "times-curl-and-sync")
	b.ReportMetric(peak, "MB-peak-rss")
}

func fetchWithBox(b *testing.B, g *google) (took time.Duration, peak float64) {
	b.Helper()
	dir, err := os.MkdirTemp("", "pickerd-figures-")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	box := configured(b, g, dir)
	box.start()
	box.until("a code", func() bool { return g.auth.UserCode() != "" })
	g.auth.Approve(g.auth.UserCode())
	fresh := func() (id string) {
		for _, s := range g.photos.Sessions() {
			if !s.Deleted && !s.Set {
				id = s.ID
			}
		}
		return id
	}
	box.until("a session", func() bool { return fresh() != "" })
	if err := g.photos.Choose(fresh()); err != nil {
		b.Fatal(err)
	}
	box.until("the download is complete", func() bool { return strings.Contains(box.log.String(), "msg=fetched") })
	took, err = time.ParseDuration(regexp.MustCompile(`took=(\S+)`).FindStringSubmatch(box.log.String())[1])
	if err != nil {
		b.Fatal(err)
	}
	peak = memory(b, box.cmd.Process.Pid, "VmHWM")
	box.until("deleted", func() bool { return box.sessions() == 0 })
	box.stop()
	return took, peak
}

func fetchWithCurl(b *testing.B, token string, list []string) (took, synced time.Duration) {
	b.Helper()
	dir, err := os.MkdirTemp("", "pickerd-figures-")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(dir)
	var config bytes.Buffer
	var files []string
	for i, u := range list {
		files = append(files, filepath.Join(dir, strconv.Itoa(i)))
		fmt.Fprintf(&config, "url = \"%s=w1920-h1080\"\noutput = %q\n", u, files[i])
	}
	file := filepath.Join(dir, "curl.config")
	if err := os.WriteFile(file, config.Bytes(), 0o600); err != nil {
		b.Fatal(err)
	}
	began := time.Now()
	cmd := exec.Command("curl", "--silent", "--fail", "--parallel", "--parallel-max", "4", "-H", "Authorization: Bearer "+token, "--config", file)
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("%v %s", err, out)
	}
	took = time.Since(began)
	if out, err := exec.Command("sync", files...).CombinedOutput(); err != nil {
		b.Fatalf("%v %s", err, out)
	}
	return took, time.Since(began)
}

// mediaList picks all items through the API and returns a token and their URLs.
func mediaList(b *testing.B, g *google) (token string, urls []string) {
	b.Helper()
	c := authClient(g)
	a, err := c.Authorize(b.Context(), "")
	if err != nil {
		b.Fatal(err)
	}
	g.auth.Approve(a.UserCode)
	t, err := c.Poll(b.Context(), a.DeviceCode)
	if err != nil {
		b.Fatal(err)
	}
	api := apiClient(g, string(t.Access))
	s, err := api.CreateSession(b.Context(), "", 0)
	if err != nil {
		b.Fatal(err)
	}
	if err := g.photos.Choose(s.ID); err != nil {
		b.Fatal(err)
	}
	for m, err := range api.MediaItems(b.Context(), s.ID) {
		if err != nil {
			b.Fatal(err)
		}
		urls = append(urls, m.MediaFile.BaseURL)
	}
	return string(t.Access), urls
}

// memory returns a figure of /proc/PID/status in MB.
func memory(b *testing.B, pid int, key string) float64 {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	m := regexp.MustCompile(key + `:\s+(\d+) kB`).FindSubmatch(data)
	kb, err := strconv.Atoi(string(m[1]))
	if err != nil {
		b.Fatal(err)
	}
	return float64(kb) / 1000
}

// cpu returns the CPU time of a process.
func cpu(b *testing.B, pid int) time.Duration {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+2:]))
	user, err1 := strconv.Atoi(fields[11])
	system, err2 := strconv.Atoi(fields[12])
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	return time.Duration(user+system) * 10 * time.Millisecond // USER_HZ is 100
}

func authClient(g *google) *oauthdevice.Client {
	return &oauthdevice.Client{ID: g.auth.ClientID(), Secret: oauthdevice.Secret(g.auth.ClientSecret()), Scopes: []string{oauthtest.PickerScope},
		DeviceAuthURL: g.url + "/auth/device/code", TokenURL: g.url + "/auth/token"}
}

func apiClient(g *google, token string) *picker.Client {
	return &picker.Client{BaseURL: g.url + "/photos", Tokens: fixed(token)}
}

// fixed is a token source that always returns the same token.
type fixed string

func (f fixed) Token(context.Context) (string, error) { return string(f), nil }
func (f fixed) Invalidate(string)                     {}
