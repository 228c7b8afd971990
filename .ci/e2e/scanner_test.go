package e2e

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// attacks are the scanner's modules that work without the internet.
const attacks = "backup,blindsql,brute_login_form,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,methods,permanentxss,redirect,shellshock,sql,xss,xxe"

// maxScan bounds a scan, in seconds. A scan takes about 20.
const maxScan = "600"

// paths are the paths at the page's address. A scanner finds only linked ones.
var paths = []string{"", "screen.json", "qr.svg", "menu.svg", "clear", "healthz", "metrics", "pickerd.js", "media/1?file=2", "fonts/x?y=1",
	"signin?key=1", "remote/x?wish=next", "pair/x?address=1", "pair/callback?state=1&code=2", "next", "key/up", "menu/x"}

// A finding is an entry of the scanner's report.
type finding struct {
	Level                    int
	Method, Path, Info, Name string
}

// TestScanner runs a vulnerability scanner, wapiti, from the network with and
// without the display key, and on the box. It finds nothing, and the keys that it
// guesses do not keep out the right one.
func TestScanner(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("wapiti"); err != nil && os.Getenv("CI") == "" {
		t.Skip("apt-get install wapiti")
	}
	l, _, b, at := onNetwork(t)
	far := []string{"ip", "netns", "exec", l.name}
	url, key := "http://"+at+"/", b.key()
	for _, tt := range []struct {
		name, url string
		wrap      []string // the command that runs the scanner, if any
		key       string
	}{
		{"with the display key", url, far, key},
		{"without the display key", url, far, ""},
		{"on the box", b.screen, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var args []string
			if tt.key != "" {
				args = []string{"-H", "Authorization: Bearer " + tt.key}
			}
			for name, list := range scan(t, tt.url, tt.wrap, args) {
				for _, f := range list {
					if isExcused(name, f.Info) {
						continue
					}
					t.Errorf("%s: %s %s: %s", name, f.Method, f.Path, f.Info)
				}
			}
		})
	}
}

// scan runs the scanner and returns its findings by kind.
func scan(t *testing.T, url string, wrap, more []string) map[string][]finding {
	t.Helper()
	dir := t.TempDir()
	report := filepath.Join(dir, "report.json")
	args := append(slices.Clone(wrap), "wapiti", "-u", url, "--scope", "folder", "-m", attacks, "-f", "json", "-o", report,
		"--store-session", dir, "--no-bugreport", "-v", "0", "-t", "60", "--max-scan-time", maxScan)
	args = append(args, more...)
	for _, p := range paths {
		args = append(args, "-s", url+p)
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "HOME="+dir)
	cmd.WaitDelay = time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var r struct{ Vulnerabilities, Anomalies map[string][]finding }
	if err := json.Unmarshal(data, &r); err != nil || len(r.Vulnerabilities) < 10 {
		t.Fatalf("%v: %s", err, data)
	}
	all := map[string][]finding{}
	for _, kind := range []map[string][]finding{r.Vulnerabilities, r.Anomalies} {
		for name, list := range kind {
			all[name] = append(all[name], list...)
		}
	}
	return all
}

// isExcused reports whether a finding is outdated advice.
func isExcused(name, info string) bool {
	switch {
	case strings.HasPrefix(info, "Strict-Transport-Security"): // must not be sent without TLS (RFC 6797 §7.2)
	case strings.HasPrefix(info, "X-XSS-Protection"): // for filters that browsers have dropped; the policy allows no inline script
	case name == "Cross Site Request Forgery" && strings.Contains(info, "Lack of anti CSRF token"): // Sec-Fetch-Site and Origin are checked, see TestGuard
	default:
		return false
	}
	return true
}
