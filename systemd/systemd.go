// Package systemd talks to the service manager, and holds the unit files. Under
// anything else than systemd its functions do nothing.
package systemd

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Notifier sends a service's state to the manager (sd_notify(3)).
type Notifier struct {
	socket   string
	watchdog time.Duration // within which the manager wants a sign of life; 0 when it wants none
}

// NewNotifier returns the Notifier for $NOTIFY_SOCKET and $WATCHDOG_USEC.
func NewNotifier(getenv func(string) string) Notifier {
	n := Notifier{socket: getenv("NOTIFY_SOCKET")}
	usec, err := strconv.ParseInt(getenv("WATCHDOG_USEC"), 10, 64)
	// A child that inherits the environment is not whom the manager watches
	// (sd_watchdog_enabled(3)).
	if pid := getenv("WATCHDOG_PID"); err == nil && (pid == "" || pid == strconv.Itoa(os.Getpid())) {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

// Ready says that the service is up.
func (n Notifier) Ready() error { return n.send("READY=1") }

// Stopping says that the service is on its way out.
func (n Notifier) Stopping() error { return n.send("STOPPING=1") }

// Status sets the line that systemctl status shows.
func (n Notifier) Status(s string) error {
	return n.send("STATUS=" + strings.ReplaceAll(s, "\n", " "))
}

// KeepAlive feeds the manager's watchdog until ctx ends, as long as alive says
// so. It calls starving once each time that alive begins to say no: the manager
// then ends the service and starts it anew. What can't be sent is reported to
// failed, and the next time is another try.
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
	if _, err := c.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell the service manager %q: %w", state, err)
	}
	return nil
}
