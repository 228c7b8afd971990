package store_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pickerd/store"
)

// However many files don't belong into the state directory, Open removes few of them:
// photos are to be shown within seconds. Upkeep removes the rest.
func TestManyStrays(t *testing.T) {
	const strays = 2000
	for name, stray := range map[string]string{
		"media":     filepath.Join(store.MediaName, "stray-%d.jpg"),
		"parts":     filepath.Join(store.MediaName, ".part-%d"),
		"databases": ".pickerd.db-%d",
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			s := open(t, dir)
			add(t, s, "one", true, "a", "b")
			must(t, s.Close())
			for i := range strays {
				must(t, os.WriteFile(filepath.Join(dir, fmt.Sprintf(stray, i)), nil, 0o600))
			}
			removed := 0
			s, err := store.Open(dir, store.Options{BeforeOp: func(op store.Op) error {
				if op.Kind == store.OpRemove {
					removed++
				}
				return nil
			}})
			must(t, err)
			defer s.Close()
			if got := ids(t, s); got != "ab" {
				t.Errorf("photos: %q", got)
			}
			if removed == 0 || removed > strays/5 {
				t.Errorf("Open removed %d files", removed)
			}
			must(t, s.Upkeep())
			if removed != strays {
				t.Errorf("%d of %d files removed", removed, strays)
			}
			before := removed
			must(t, s.Upkeep())
			if removed != before {
				t.Errorf("%d files removed again", removed-before)
			}
		})
	}
}
