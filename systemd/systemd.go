// Package systemd talks to the service manager and contains the unit files. Its
// functions do nothing unless systemd started the process.
package systemd

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// A Notifier sends a service's state to the manager (sd_notify(3)).
type Notifier struct {
	socket   string
	watchdog time.Duration // the manager's timeout; 0 without a watchdog
}

// NewNotifier returns the Notifier for $NOTIFY_SOCKET and $WATCHDOG_USEC.
func NewNotifier(getenv func(string) string) Notifier {
	n := Notifier{socket: getenv("NOTIFY_SOCKET")}
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	// The manager does not watch a child that inherits the environment
	// (sd_watchdog_enabled(3)).
	if pid := getenv("WATCHDOG_PID"); err == nil && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

// Ready reports that the service is ready.
func (n Notifier) Ready() error { return n.send("READY=1") }

// Reloading reports that the service reads its configuration again. Ready must follow.
func (n Notifier) Reloading() error {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		return err
	}
	return n.send(fmt.Sprintf("RELOADING=1\nMONOTONIC_USEC=%d", now.Nano()/1000))
}

// Stopping reports that the service is stopping.
func (n Notifier) Stopping() error { return n.send("STOPPING=1") }

// Status sets the line that systemctl status shows.
func (n Notifier) Status(s string) error {
	return n.send("STATUS=" + strings.ReplaceAll(s, "\n", " "))
}

// KeepAlive notifies the manager's watchdog while alive reports true, until ctx ends.
// It calls starving each time alive changes to false: the manager will then restart
// the service. It calls failed with the error of each notification not sent.
func (n Notifier) KeepAlive(ctx context.Context, alive func() bool, starving func(), failed func(error)) {
	if n.watchdog <= 0 {
		return
	}
	tick := time.NewTicker(n.watchdog / 3)
	defer tick.Stop()
	for well := true; ; {
		was := well
		if well = alive(); well {
			if err := n.send("WATCHDOG=1"); err != nil {
				failed(err)
			}
		} else if was {
			starving()
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// maxSend bounds a notification. A manager that does not read must not keep the
// program from ending.
const maxSend = 2 * time.Second

func (n Notifier) send(state string) error {
	if n.socket == "" {
		return nil
	}
	name := n.socket
	if strings.HasPrefix(name, "@") { // the abstract namespace
		name = "\x00" + name[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("reach the service manager: %w", err)
	}
	defer c.Close()
	if err := c.SetWriteDeadline(time.Now().Add(maxSend)); err != nil {
		return fmt.Errorf("tell the service manager: %w", err)
	}
	if _, err := c.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell the service manager %q: %w", state, err)
	}
	return nil
}
