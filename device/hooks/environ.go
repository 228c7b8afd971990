package hooks

import (
	"slices"
	"strings"
)

// kept are the variables that programs get: what a login sets, and where the control
// socket is. Everything else stays in the daemon: the client secret and the display
// key may be in its environment, and the manager's variables are about its process.
var kept = []string{
	"HOME", "LANG", "LANGUAGE", "LOGNAME", "PATH", "SHELL", "TERM", "TMPDIR", "TZ", "TZDIR", "USER",
	"XDG_RUNTIME_DIR", "DBUS_SESSION_BUS_ADDRESS", "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY",
	"RUNTIME_DIRECTORY", "PICKERD_CONTROL_SOCKET",
}

// defaultPath is the search path of programs if the daemon has none.
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Environ returns the variables of environ that a program gets that pickerd starts.
func Environ(environ []string) []string {
	env := []string{}
	path := false
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		if slices.Contains(kept, name) || strings.HasPrefix(name, "LC_") {
			env = append(env, v)
			path = path || name == "PATH" && value != ""
		}
	}
	if !path {
		env = append(env, defaultPath)
	}
	return env
}
