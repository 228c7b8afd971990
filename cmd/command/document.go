package command

import (
	"os"
	"path/filepath"
)

// documents is where packages install their documents.
const documents = "/usr/share/doc"

// Document returns where to read a document, such as README.md or
// oauthdevice/README.md: the file of an installed package, or else its name in the
// sources.
func Document(pkg, name string) string {
	path := filepath.Join(documents, pkg, name)
	if _, err := os.Stat(path); err == nil {
		return path
	}
	return name
}
