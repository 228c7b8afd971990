package e2e

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestRandomKills pulls the plug at random moments of pick after pick. In the
// end every session is deleted and the box is still paired.
func TestRandomKills(t *testing.T) {
	const kills = 20
	g := newGoogle(t)
	dir := t.TempDir()
	b := configured(t, g, dir)
	ctx, cancel := context.WithCancel(t.Context())
	var person sync.WaitGroup
	defer person.Wait()
	defer cancel()
	person.Go(func() { // approves and chooses whatever is asked for
		for tick := time.NewTicker(20 * time.Millisecond); ; {
			select {
			case <-ctx.Done():
				tick.Stop()
				return
			case <-tick.C:
			}
			if code := g.auth.UserCode(); code != "" {
				g.auth.Approve(code)
			}
			for _, id := range g.photos.Open() {
				g.photos.Choose(id) // fails where it was done before
			}
		}
	})
	for range kills {
		b.start()
		b.try("pick") // fails while one is under way
		life := time.NewTimer(time.Duration(rand.IntN(3000)) * time.Millisecond)
		select {
		case <-life.C:
		case err := <-b.ended:
			t.Fatalf("pickerd ended by itself: %v\n%s", err, b.log)
		}
		b.kill()
	}
	b.start()
	b.until("everything is done and deleted", func() bool {
		return b.sessions() == 0 && len(g.photos.Open()) == 0 && b.library() == 13
	})
	b.stop()
	made := len(g.photos.Sessions())
	t.Logf("%d kills, %d sessions made, all deleted", kills, made)
	if made < 5 {
		t.Errorf("only %d sessions were made: the test tests little", made)
	}
}
