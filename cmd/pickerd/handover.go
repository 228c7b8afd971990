package main

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"pickerd/cmd/command"
	"pickerd/oauthdevice"
	"pickerd/store/regular"
)

// handoverCommand is internal: pickerd-configured.service runs it as root. It exits
// with 0 if the running service has other credentials than it would get by a restart,
// and with 1 if not.
const handoverCommand = "credentials-changed"

// A handover compares what the service manager hands to the running service with what
// it would hand to the next one.
type handover struct {
	root   string // prefix of system paths, for tests
	unseal func(name, path string) ([]byte, error)
}

// maxSealed bounds a sealed credential in bytes. It is a little larger than its
// content.
const maxSealed = 2 << 20

// isChanged reports whether a restart would give the service something new that it can
// use. Files that are missing, can't be read, or are worse than what the service has
// are no reason: they must not stop a box that runs.
func (h handover) isChanged() bool {
	given := filepath.Join(h.root, "/run/credentials/pickerd.service")
	if st, err := os.Stat(given); err != nil || !st.IsDir() {
		return false // the service does not run
	}
	for _, name := range []string{"client_secret.json", "web_client_secret.json", "desktop_client_secret.json", "token", "mqtt_password", "state.key"} {
		has, err := regular.ReadFile(filepath.Join(given, name), maxSealed)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if h.differs(name, has) {
			return true
		}
	}
	return false
}

// differs reports whether there are sources of a credential, and none is what the
// service has.
func (h handover) differs(name string, has []byte) bool {
	changed := false
	for _, data := range h.sources(name) {
		if bytes.Equal(data, has) {
			return false
		}
		changed = changed || !strings.HasSuffix(name, ".json") || isClient(data) || !isClient(has)
	}
	return changed
}

// isClient reports whether a client file can be used.
func isClient(data []byte) bool {
	_, err := oauthdevice.ParseClientFile(data)
	return err == nil
}

// sources returns the contents of the files that a credential may come from.
func (h handover) sources(name string) (list [][]byte) {
	plain := filepath.Join("/etc/credstore", name)
	if name == "client_secret.json" {
		plain = filepath.Join("/etc/pickerd", name)
	}
	if data, err := regular.ReadFile(filepath.Join(h.root, plain), maxSealed); err == nil && name != "state.key" {
		list = append(list, data)
	}
	sealed := filepath.Join(h.root, "/etc/credstore.encrypted", name)
	if _, err := os.Stat(sealed); err != nil {
		return list
	}
	if data, err := h.unseal(name, sealed); err == nil {
		list = append(list, data)
	}
	return list
}

// unseal decrypts a credential with systemd-creds(1).
func unseal(name, path string) ([]byte, error) {
	return exec.Command("systemd-creds", "decrypt", "--name="+name, path, "-").Output()
}

// reportHandover is the internal command.
func reportHandover() error {
	if !(handover{unseal: unseal}).isChanged() {
		return command.ErrReported
	}
	return nil
}
