package control_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"

	"pickerd/device"
	"pickerd/device/control"
	"pickerd/display"
)

// exampleActor carries out what clients ask for. It does so by changing the status;
// the daemon's Actor is its engine.
type exampleActor struct {
	statuses *display.Board[device.Status]
}

func (a exampleActor) Do(_ context.Context, w display.Wish) error {
	status := a.statuses.Get()
	switch w.Verb {
	case display.Pick:
		if status.State != device.Idle {
			return device.ErrPickRunning
		}
		status.State = device.Picking
	case display.Cancel:
		status.State = device.Idle
	}
	a.statuses.Set(status)
	return nil
}

// A program on the box starts a pick, finds that a second one is refused, and cancels
// the first. Only the actor is made up here; the socket is a real one.
func Example() {
	dir, err := os.MkdirTemp("", "")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "control.sock")

	statuses := new(display.Board[device.Status])
	statuses.Set(device.Status{State: device.Idle, Name: "Living room"})
	l, err := control.Listen(socket)
	if err != nil {
		log.Fatal(err)
	}
	server := &http.Server{Handler: control.Handler(control.Config{
		Actor:    exampleActor{statuses},
		Statuses: statuses,
		Log:      slog.New(slog.DiscardHandler),
	})}
	go server.Serve(l)
	defer server.Close()

	ctx := context.Background()
	client := control.NewClient(socket)
	status, err := client.Pick(ctx, "", "")
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.Name, "is", status.State)

	_, err = client.Pick(ctx, "", "")
	if p, ok := errors.AsType[*control.Problem](err); ok {
		fmt.Println("A second pick:", p.Status)
	}

	if status, err = client.Cancel(ctx); err != nil {
		log.Fatal(err)
	}
	fmt.Println(status.Name, "is", status.State)

	// Output:
	// Living room is picking
	// A second pick: 409
	// Living room is idle
}
