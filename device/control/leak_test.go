package control

import (
	"testing"

	"go.uber.org/goleak"
)

// No test leaves a goroutine behind. A server waits half a second before it closes
// a connection whose request it has not read to the end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}
