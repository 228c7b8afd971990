package engine

import (
	"log/slog"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/store"
)

// BenchmarkRound measures what a round of the loop does before its step, with a
// code on the screen.
func BenchmarkRound(b *testing.B) {
	st, err := store.Open(b.TempDir(), store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer st.Close()
	now := time.Now()
	if err := st.Pairings.Save(store.Pairing{Method: device.ByDevice, ClientID: "id", RequestID: "r", UserCode: "GQVQ-JKEC", StartedAt: now, ExpiresAt: now.Add(time.Hour)}); err != nil {
		b.Fatal(err)
	}
	e := New(Config{Store: st, Methods: []Method{{Name: device.ByDevice, ClientID: "id"}}, Log: slog.New(slog.DiscardHandler)})
	reads, snapshots := st.ReadTransactions(), 0
	for b.Loop() {
		seq := e.pub.board.Get().Seq
		if err := e.load(); err != nil {
			b.Fatal(err)
		}
		e.enter(next(e.facts), nil)
		snapshots += e.pub.board.Get().Seq - seq
	}
	b.ReportMetric(float64(st.ReadTransactions()-reads)/float64(b.N), "reads/op")
	b.ReportMetric(float64(snapshots)/float64(b.N), "snapshots/op")
	if s := e.pub.board.Get(); s.State != device.Pairing || s.Code == nil {
		b.Errorf("%+v", s)
	}
}
