package main

import (
	"log/slog"

	"pickerd/device/setup"
)

// resume finishes what a phone's set-up has begun and the disk refused, unless a phone
// is about to try it again. A plan whose settings are refused now is withdrawn, after
// which phones may set up the box.
func (s *setUp) resume() {
	if s.phones != nil && s.phones.isBusy() {
		return
	}
	layers, err := s.env.readConfig(s.file)
	if err != nil {
		return // usable reports it
	}
	record := setUpRecord(layers.Config)
	plan, err := record.Plan()
	if plan != nil {
		keeper := s.env.newKeeper(s.env.sources(s.file), layers, slog.New(slog.DiscardHandler)) // it logs what was logged before
		err = setup.Resume(s.serving, record, changeSettable(keeper))
	}
	why := ""
	if err != nil {
		why = err.Error()
	}
	if s.resumed.isNew(why) && err != nil {
		s.log.Error("set-up not finished", "err", err, "retry_in", setUpInterval)
	}
}
