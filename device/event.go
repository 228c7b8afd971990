package device

import (
	"slices"
	"time"
)

// An Event is a change of a box that other programs may want to know. Hooks and the
// bridge to MQTT learn of changes from Events alone.
type Event struct {
	Name string    `json:"event"`
	At   time.Time `json:"at"`
	Data EventData `json:"data"`
}

// Names of events.
const (
	StateChanged  = "state"         // Data.State
	PhotosChanged = "photos"        // Data.Items
	PhotoShown    = "photo_shown"   // Data.Item
	PickStarted   = "pick_started"  // Data.RequestID
	PickFinished  = "pick_finished" // Data.RequestID, Photos, Videos, Failed
	PickFailed    = "pick_failed"   // Data.RequestID, Outcome
	AccountPaired = "paired"        // Data.Account
	AccountGone   = "forgotten"     // Data.Account
	ProblemBegun  = "problem_begun" // Data.Problem
	ProblemEnded  = "problem_ended" // Data.Problem
)

// EventNames returns the names of all events.
func EventNames() []string {
	return []string{StateChanged, PhotosChanged, PhotoShown, PickStarted, PickFinished, PickFailed, AccountPaired, AccountGone, ProblemBegun, ProblemEnded}
}

// EventData is what there is to say about an event. Members that its name does not
// list are empty.
type EventData struct {
	State     State  `json:"state,omitempty"`
	Items     int    `json:"items,omitempty"` // on the box
	Item      string `json:"item,omitempty"`  // by ID
	RequestID string `json:"request_id,omitempty"`
	Outcome   string `json:"outcome,omitempty"` // as in PickEnd
	Photos    int    `json:"photos,omitempty"`
	Videos    int    `json:"videos,omitempty"`
	Failed    int    `json:"failed,omitempty"`
	Account   string `json:"account,omitempty"` // by ID
	Problem   string `json:"problem,omitempty"` // its code
}

// Events finds the events between the statuses that somebody sees, who may miss some of
// them.
type Events struct {
	last    Status
	library Library // as it was when it was known last
	known   bool
}

// NewEvents returns Events from a status on.
func NewEvents(first Status) *Events {
	return &Events{last: first, library: first.Library, known: first.knowsLibrary()}
}

// Next returns what has changed since the last status, in the order in which one thing
// leads to the other. At is not set.
func (e *Events) Next(now Status) (list []Event) {
	before := e.last
	e.last = now
	add := func(name string, data EventData) { list = append(list, Event{Name: name, Data: data}) }
	for _, a := range before.Accounts {
		if !now.hasAccount(a.ID) {
			add(AccountGone, EventData{Account: a.ID})
		}
	}
	for _, a := range now.Accounts {
		if !before.hasAccount(a.ID) {
			add(AccountPaired, EventData{Account: a.ID})
		}
	}
	if p := now.LastPick; p != nil && (before.LastPick == nil || *before.LastPick != *p) {
		if p.Outcome == PickDone {
			add(PickFinished, EventData{RequestID: p.RequestID, Photos: p.Photos, Videos: p.Videos, Failed: p.Failed})
		} else {
			add(PickFailed, EventData{RequestID: p.RequestID, Outcome: p.Outcome})
		}
	}
	if p := now.Pick; p != nil && (before.Pick == nil || before.Pick.RequestID != p.RequestID) {
		add(PickStarted, EventData{RequestID: p.RequestID})
	}
	if was, is := before.problemCode(), now.problemCode(); was != is {
		if was != "" {
			add(ProblemEnded, EventData{Problem: was})
		}
		if is != "" {
			add(ProblemBegun, EventData{Problem: is})
		}
	}
	if now.State != before.State {
		add(StateChanged, EventData{State: now.State})
	}
	if now.knowsLibrary() {
		if e.known && now.Library != e.library {
			add(PhotosChanged, EventData{Items: now.Library.Items})
		}
		e.library, e.known = now.Library, true
	}
	if s := now.Showing; s != nil && (before.Showing == nil || before.Showing.Item != s.Item || !before.Showing.Since.Equal(s.Since)) {
		add(PhotoShown, EventData{Item: s.Item})
	}
	return list
}

// knowsLibrary is false before all items are downloaded.
func (s *Status) knowsLibrary() bool { return s.State != Starting && s.State != Fetching }

func (s *Status) hasAccount(id string) bool {
	return slices.ContainsFunc(s.Accounts, func(a AccountStatus) bool { return a.ID == id })
}

func (s *Status) problemCode() string {
	if s.Problem == nil {
		return ""
	}
	return s.Problem.Code
}
