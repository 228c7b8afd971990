package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// attacks are the scanner's modules that need nothing from elsewhere.
const attacks = "backup,blindsql,brute_login_form,cookieflags,crlf,csp,csrf,exec,file,htaccess,http_headers,methods,permanentxss,redirect,shellshock,sql,xss,xxe"

// paths are what is at the page's address; a scanner finds only what is linked.
var paths = []string{"", "screen.json", "qr.svg", "menu.svg", "clear", "healthz", "metrics", "pickerd.js", "media/1?file=2", "fonts/x?y=1",
	"signin?key=1", "remote/x?wish=next", "pair/x?address=1", "pair/callback?state=1&code=2", "next", "key/up", "menu/x"}

// A scanner (wapiti) finds nothing, neither from the network, with and without the
// display key, nor on the box.
func TestScanner(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("wapiti"); err != nil && os.Getenv("CI") == "" {
		t.Skip("apt-get install wapiti")
	}
	l, _, b, at := onNetwork(t)
	far := []string{"ip", "netns", "exec", l.name}
	for name, from := range map[string]struct {
		url       string
		wrap, say []string
	}{
		"a stranger":          {"http://" + at + "/", far, nil},
		"who knows the key":   {"http://" + at + "/", far, []string{"-H", "Authorization: Bearer " + b.key()}},
		"somebody on the box": {b.screen, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			report := filepath.Join(dir, "report.json")
			args := append(slices.Clone(from.wrap), "wapiti", "-u", from.url, "--scope", "folder", "-m", attacks, "-f", "json", "-o", report,
				"--store-session", dir, "--no-bugreport", "-v", "0", "-t", "10", "--max-scan-time", "100")
			args = append(args, from.say...)
			for _, p := range paths {
				args = append(args, "-s", from.url+p)
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
			type finding struct {
				Level                    int
				Method, Path, Info, Name string
			}
			var r struct{ Vulnerabilities, Anomalies map[string][]finding }
			if err := json.Unmarshal(data, &r); err != nil || len(r.Vulnerabilities) < 10 {
				t.Fatalf("%v: %s", err, data)
			}
			for _, kind := range []map[string][]finding{r.Vulnerabilities, r.Anomalies} {
				for name, list := range kind {
					for _, f := range list {
						if excused(name, f.Info) {
							continue
						}
						t.Error(fmt.Sprint(name, ": ", f.Method, " ", f.Path, ": ", f.Info))
					}
				}
			}
		})
	}
}

// excused are findings that are none: advice from before what is there instead.
func excused(name, info string) bool {
	switch {
	case strings.HasPrefix(info, "Strict-Transport-Security"): // must not be there without TLS (RFC 6797 §7.2)
	case strings.HasPrefix(info, "X-XSS-Protection"): // for filters that browsers no longer have; the policy allows no inline script
	case name == "Cross Site Request Forgery" && strings.Contains(info, "Lack of anti CSRF token"): // Sec-Fetch-Site and Origin are proof, see TestGuard
	default:
		return false
	}
	return true
}
