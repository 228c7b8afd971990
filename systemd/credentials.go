package systemd

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"pickerd/store/regular"
)

// CredentialPath returns the path of a credential (systemd.exec(5), LoadCredential=),
// "" if the manager provides none.
func CredentialPath(getenv func(string) string, name string) string {
	dir := getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return ""
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return path
}

// maxCredential is the limit of the service manager (systemd.exec(5)).
const maxCredential = 1 << 20

// Credential returns the content of a credential, nil if the manager provides none.
func Credential(getenv func(string) string, name string) ([]byte, error) {
	path := CredentialPath(getenv, name)
	if path == "" {
		return nil, nil
	}
	data, err := regular.ReadFile(path, maxCredential)
	if err != nil {
		return nil, fmt.Errorf("read the credential %s: %w", name, err)
	}
	return data, nil
}
