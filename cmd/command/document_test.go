package command_test

import (
	"testing"

	"pickerd/cmd/command"
)

func TestDocument(t *testing.T) {
	if got := command.Document("pickerd-not-installed", "store/README.md"); got != "store/README.md" {
		t.Errorf("Document without the package = %q; want the name in the sources", got)
	}
	if got := command.Document("..", "doc/../../../etc/passwd"); got != "/etc/passwd" {
		t.Errorf("Document of a file that exists = %q; want its path", got)
	}
}
