package main

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"pickerd/device"
	"pickerd/device/setup"
	"pickerd/oauthdevice/oauthtest"
	"pickerd/store"
)

// TestSetUpResumes checks that a box goes on with a set-up that its disk did not let it
// finish, without a restart.
func TestSetUpResumes(t *testing.T) {
	before := setUpInterval
	setUpInterval = 50 * time.Millisecond
	defer func() { setUpInterval = before }()
	auth := oauthtest.New(oauthtest.Options{})
	google := httptest.NewServer(auth)
	defer google.Close()
	dir := t.TempDir()
	state := filepath.Join(dir, "state")
	notify := listenNotify(t, dir)
	env := map[string]string{
		"PICKERD_GOOGLE_DEVICE_AUTH_URL": google.URL + "/device/code", "PICKERD_GOOGLE_TOKEN_URL": google.URL + "/token",
		"PICKERD_HTTP_LISTEN": "127.0.0.1:0", "CREDENTIALS_DIRECTORY": dir, "NOTIFY_SOCKET": notify.path,
		"STATE_DIRECTORY": state, "RUNTIME_DIRECTORY": dir,
	}
	plan, err := json.Marshal(setup.Plan{Settings: map[string]string{"name": "Hall"}, Client: &setup.Client{
		File: "client_secret.json", Data: fmt.Appendf(nil, `{"installed":{"client_id":%q,"client_secret":%q}}`, auth.ClientID(), auth.ClientSecret())}})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.NewSetUp(state, nil).Begin(plan); err != nil {
		t.Fatal(err)
	}
	obstacle := filepath.Join(state, "client") // the folder of clients
	if err := os.WriteFile(obstacle, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	file := writeFile(t, "pickerd.toml", "")
	log, stop := daemon(t, env, "run", "--config", file)
	defer stop()
	<-notify.ready
	until := func(want device.State) {
		t.Helper()
		untilStatus(t, env, log, string(want), func(s device.Status) bool { return s.State == want && s.Name == "Hall" })
	}
	until(device.SetUp)
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	until(device.Pairing)
	if code := stop(); code != 0 {
		t.Errorf("exit code %d\n%s", code, log)
	}
	if n := strings.Count(log.String(), "set-up not finished"); n > 3 {
		t.Errorf("the same error is logged %d times", n)
	}
	if strings.Contains(log.String(), oauthtest.Mark) {
		t.Errorf("a secret is in the log:\n%s", log)
	}
}
