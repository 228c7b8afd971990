package displays_test

import (
	"net/netip"
	"reflect"
	"sync"
	"testing"

	"pickerd/device/displays"
)

// Of changes at once, the board has the result of all of them.
func TestBoardIsNewest(t *testing.T) {
	r := newRig(t)
	for round := range 1000 {
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				_, err := r.Keeper.Wait("", netip.AddrFrom4([4]byte{192, 0, 2, byte(i + 1)}), page)
				if err != nil {
					t.Error(err)
				}
				displays.Publish(r.Keeper)
			})
		}
		all.Wait()
		if board, list := r.Board().Get(), r.List(); !reflect.DeepEqual(board, list) {
			t.Fatalf("round %d: the board has %d displays that wait, of %d", round, len(board.Waiting), len(list.Waiting))
		}
		displays.Clear(r.Keeper)
	}
}
