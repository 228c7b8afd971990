package words

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// The program has the texts of the folder languages, and no others.
func TestPacked(t *testing.T) {
	files, err := filepath.Glob("languages/*.toml")
	if err != nil || len(files) != len(Languages()) {
		t.Errorf("%d files, %d are packed, %v: run display/words/pack.sh", len(files), len(Languages()), err)
	}
	for _, code := range Languages() {
		want, err := os.ReadFile("languages/" + code + ".toml")
		if err != nil {
			t.Error(err)
			continue
		}
		if got, err := source(code); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: the packed file differs from languages/%s.toml, %v: run display/words/pack.sh", code, code, err)
		}
	}
}
