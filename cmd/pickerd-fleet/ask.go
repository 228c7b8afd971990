package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// senders is how many messages are sent to the broker side by side.
const senders = 32

// A request is a message for one box, and what has become of it.
type request struct {
	box     *box
	id      string
	payload []byte

	data json.RawMessage // of the reply
	last uint64          // the highest serial at the box, if that of the order is not higher
	err  error           // nil if the box has done it
}

// A reply is a box's answer.
type reply struct {
	ID      string          `json:"id"`
	OK      bool            `json:"ok"`
	Data    json.RawMessage `json:"data"`
	Serial  uint64          `json:"serial"`
	Problem struct {
		Title, Detail, Code string
	} `json:"problem"`
}

// err returns the problem in a reply, nil if the box has done what was asked.
func (r reply) err() error {
	if r.OK {
		return nil
	}
	text := r.Problem.Detail
	if text == "" {
		text = r.Problem.Title
	}
	if text == "" {
		text = "refused"
	}
	if r.Problem.Code == "older_serial" {
		text += " The clock of this computer is behind that of another one."
	}
	if r.Problem.Code != "" {
		text += " (" + r.Problem.Code + ")"
	}
	return errors.New(short(text))
}

// Errors of a request.
var (
	errOffline = errors.New("offline")
	errSilent  = errors.New("does not answer")
	errNoReply = errors.New("has not answered yet")
)

// ask sends requests to their boxes side by side, and waits for the replies until a time
// after the last was sent. Boxes that are offline are not asked. The broker drops a message
// that it cannot deliver in that time, so that no box does later what was given up.
func ask(ctx context.Context, l link, base string, list []*request, wait time.Duration) error {
	pending := map[string]*request{} // by topic of the reply
	var send []*request
	for _, r := range list {
		if !r.box.Online {
			r.err = errOffline
			continue
		}
		pending[base+"/"+r.box.ID+"/reply"] = r
		send = append(send, r)
	}
	if len(send) == 0 {
		return nil
	}
	from := "+"
	if len(send) == 1 {
		from = send[0].box.ID
	}
	if err := l.subscribe(ctx, base+"/"+from+"/reply"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	failed, sent := make(chan failure, len(send)), make(chan struct{})
	go func() {
		defer close(sent)
		sendAll(ctx, l, base, send, wait, failed)
	}()
	err := await(ctx, l, base, pending, failed, sent, wait)
	cancel()
	<-sent
	return err
}

// A failure is a request that could not be sent.
type failure struct {
	r   *request
	err error
}

// sendAll publishes requests.
func sendAll(ctx context.Context, l link, base string, list []*request, expiry time.Duration, failed chan<- failure) {
	jobs := make(chan *request)
	var wg sync.WaitGroup
	for range min(senders, len(list)) {
		wg.Go(func() {
			for r := range jobs {
				err := ctx.Err() // the client may publish even so
				if err == nil {
					err = l.publish(ctx, message{topic: base + "/" + r.box.ID + "/command", payload: r.payload, expiry: expiry})
				}
				if err != nil {
					failed <- failure{r, err}
				}
			}
		})
	}
	for _, r := range list {
		jobs <- r
	}
	close(jobs)
	wg.Wait()
}

// await notes replies until all requests have one or the time is up.
func await(ctx context.Context, l link, base string, pending map[string]*request, failed <-chan failure, sent <-chan struct{}, wait time.Duration) error {
	var timer <-chan time.Time // from when all are sent
	for len(pending) > 0 {
		select {
		case m := <-l.received():
			var p reply
			if json.Unmarshal(m.payload, &p) != nil {
				continue
			}
			// A box does not know the ID of an order whose signature is wrong.
			if r := pending[m.topic]; r != nil && (p.ID == r.id || p.ID == "" && !p.OK) {
				delete(pending, m.topic)
				r.data, r.last, r.err = p.Data, p.Serial, p.err()
			}
		case f := <-failed:
			if topic := base + "/" + f.r.box.ID + "/reply"; pending[topic] == f.r {
				delete(pending, topic)
				f.r.err = f.err
			}
		case <-sent:
			sent = nil
			t := time.NewTimer(wait)
			defer t.Stop()
			timer = t.C
		case <-timer:
			for _, r := range pending {
				r.err = errSilent
			}
			return nil
		case err := <-l.lost():
			return giveUp(pending, fmt.Errorf("connection lost: %w", err))
		case <-ctx.Done():
			return giveUp(pending, ctx.Err())
		}
	}
	return nil
}

// giveUp ends requests that nobody waits for any more, and returns the error.
func giveUp(pending map[string]*request, err error) error {
	for _, r := range pending {
		r.err = errNoReply
	}
	return err
}
