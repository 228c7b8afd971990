// Package redistest runs redis-server for tests.
package redistest

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	maxTries  = 5 // another program may take the port that was free
	startTime = 10 * time.Second
)

// A Server is a redis-server on a port of its own. It keeps nothing on disk.
type Server struct {
	Addr string // host and port

	t    testing.TB
	dir  string
	args []string
	cmd  *exec.Cmd
}

// New starts a server and stops it at the end of the test. args are options of
// redis-server. Without redis-server the test is skipped, or fails if CI is set.
func New(t testing.TB, args ...string) *Server {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") == "" {
			t.Skip("redis-server is not installed")
		}
		t.Fatal(err)
	}
	s := &Server{t: t, dir: t.TempDir(), args: args}
	t.Cleanup(s.Stop)
	for range maxTries {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		s.Addr = l.Addr().String()
		l.Close()
		if s.start() {
			return s
		}
	}
	t.Fatalf("redis-server did not start: %s", s.log())
	return nil
}

// URL returns the URL of the server.
func (s *Server) URL() string { return "redis://" + s.Addr }

// Start starts a server that was stopped, on the same port.
func (s *Server) Start() {
	s.t.Helper()
	if !s.start() {
		s.t.Fatalf("redis-server did not start again: %s", s.log())
	}
}

// Stop kills the server.
func (s *Server) Stop() {
	if s.cmd != nil {
		s.cmd.Process.Kill()
		s.cmd.Wait()
		s.cmd = nil
	}
}

// Pause makes the server silent until Resume is called.
func (s *Server) Pause() { s.cmd.Process.Signal(syscall.SIGSTOP) }

// Resume ends a pause.
func (s *Server) Resume() { s.cmd.Process.Signal(syscall.SIGCONT) }

// start starts a server and reports whether it answers.
func (s *Server) start() bool {
	s.t.Helper()
	_, port, _ := net.SplitHostPort(s.Addr)
	log, err := os.Create(filepath.Join(s.dir, "log"))
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	s.cmd = exec.Command("redis-server", append([]string{"--bind", "127.0.0.1", "--port", port,
		"--save", "", "--appendonly", "no", "--dir", s.dir}, s.args...)...)
	s.cmd.Stdout, s.cmd.Stderr = log, log
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	for begin := time.Now(); time.Since(begin) < startTime; time.Sleep(10 * time.Millisecond) {
		if s.isReady() {
			return true
		}
		var status syscall.WaitStatus
		if pid, _ := syscall.Wait4(s.cmd.Process.Pid, &status, syscall.WNOHANG, nil); pid > 0 {
			s.cmd = nil // it has ended, because the port was taken
			return false
		}
	}
	s.Stop()
	return false
}

// isReady reports whether the process that was started answers on the port. Another
// Redis may have the port.
func (s *Server) isReady() bool {
	c, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Second))
	fmt.Fprint(c, "INFO server\r\n")
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		line := lines.Text()
		if id, ok := strings.CutPrefix(line, "process_id:"); ok {
			return id == strconv.Itoa(s.cmd.Process.Pid)
		}
		if strings.HasPrefix(line, "-") { // such as NOAUTH
			return strings.HasPrefix(line, "-NOAUTH")
		}
	}
	return false
}

func (s *Server) log() string {
	data, _ := os.ReadFile(filepath.Join(s.dir, "log"))
	return string(data)
}
