// Package systemd talks to the service manager, and holds the unit files. Under
// anything else than systemd its functions do nothing.
package systemd

import (
	"fmt"
	"net"
	"strings"
)

// A Notifier sends a service's state to the manager (sd_notify(3)).
type Notifier struct {
	socket string
}

// NewNotifier returns the Notifier for $NOTIFY_SOCKET.
func NewNotifier(getenv func(string) string) Notifier {
	return Notifier{getenv("NOTIFY_SOCKET")}
}

// Ready says that the service is up.
func (n Notifier) Ready() error { return n.send("READY=1") }

// Stopping says that the service is on its way out.
func (n Notifier) Stopping() error { return n.send("STOPPING=1") }

// Status sets the line that systemctl status shows.
func (n Notifier) Status(s string) error {
	return n.send("STATUS=" + strings.ReplaceAll(s, "\n", " "))
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
