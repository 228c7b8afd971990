package oauthdevice

import (
	"context"
	"time"
)

// grace is well below the five seconds that stopping the program may take.
const grace = 3 * time.Second

// WithGrace returns a context that ends three seconds after ctx does. It is for
// requests whose response is issued only once, such as a token: a request in
// flight may then complete after its caller has given up.
func WithGrace(ctx context.Context) (context.Context, context.CancelFunc) {
	extended, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		t := time.AfterFunc(grace, cancel)
		context.AfterFunc(extended, func() { t.Stop() })
	})
	return extended, func() {
		stop()
		cancel()
	}
}
