package doctor

import (
	"context"
	"errors"
	"os"
	"slices"
	"strconv"
	"time"

	"pickerd/device"
)

func (d *Doctor) pickerAPI(_ context.Context, check string) {
	s := d.status
	switch {
	case s != nil && s.Problem != nil && s.Problem.Code == "api_disabled":
		d.found(check, Fail, s.Problem.Remedy, "%s", s.Problem.Message)
	case s == nil || s.Account == nil:
		d.skip(check, "Needs a paired account.")
	case s.Pick != nil && s.Pick.SessionID != "", s.Library.Items > 0:
		d.ok(check, "The API works: it has created sessions.")
	default:
		d.skip(check, "No pick has been tried yet.")
	}
}

// tokenLost are the codes of problems that end a token.
var tokenLost = []string{"key_lost", "testing_project", "grant_revoked", "client_gone", "reauth_required"}

// tokenUnusable are the codes of problems that keep a token from being used.
var tokenUnusable = []string{"client_refused", "refused"}

func (d *Doctor) token(_ context.Context, check string) {
	s := d.status
	switch {
	case s == nil:
		d.skip(check, "The daemon does not answer.")
	case s.Problem != nil && (slices.Contains(tokenLost, s.Problem.Code) || s.Account != nil && slices.Contains(tokenUnusable, s.Problem.Code)):
		d.found(check, Fail, s.Problem.Remedy, "%s", s.Problem.Message)
	case s.Outstanding != nil && s.Outstanding.Revocation:
		d.found(check, Warn, "pickerd does this as soon as the server can be reached.", "The permission of a forgotten account is not revoked yet.")
	case s.Account == nil && s.Library.Items > 0:
		d.found(check, Warn, "To choose other photos, press OK at the screen and pair again.", "No account is paired. Earlier photos are still shown.")
	case s.Account == nil:
		d.skip(check, "No account is paired yet.")
	default:
		d.ok(check, "Paired %s by %s.", s.Account.PairedAt.Format(time.DateTime), s.Account.Method)
	}
}

func (d *Doctor) service(ctx context.Context, check string) {
	if _, err := os.Stat(d.path("/run/systemd/system")); err != nil {
		d.skip(check, "The system does not use systemd.")
		return
	}
	out, err := d.cfg.Command(ctx, "systemctl", "show", "pickerd.service", "-p", "LoadState,ActiveState,SubState,UnitFileState,Result,ExecMainStatus,NRestarts,StatusText")
	if err != nil {
		d.skip(check, "systemctl: %v", err)
		return
	}
	p := properties(out)
	restarts, _ := strconv.Atoi(p["NRestarts"])
	switch {
	case p["LoadState"] == "not-found":
		d.skip(check, "The unit pickerd.service is not installed.")
	case p["LoadState"] != "loaded":
		d.found(check, Fail, "See systemctl status pickerd.", "The unit is %s.", p["LoadState"])
	case p["ActiveState"] == "failed" && p["ExecMainStatus"] == "78":
		d.found(check, Fail, "Correct the configuration. The service then starts automatically.", "The service stopped because its configuration is invalid.")
	case p["ExecMainStatus"] == "243": // EXIT_CREDENTIALS of systemd.exec(5)
		d.found(check, Fail, "Find out which in journalctl -u pickerd. Seal it again (systemd-creds encrypt), or remove its line from the unit.", "The service can't start: a credential can't be read. It is damaged, or was sealed on another machine.")
	case p["ActiveState"] != "active":
		d.found(check, Fail, "systemctl start pickerd. See journalctl -u pickerd for why it stopped.", "The service is %s (%s, result %s).", p["ActiveState"], p["SubState"], p["Result"])
	case restarts > 3:
		d.found(check, Warn, "See journalctl -u pickerd for the reason.", "The service runs, but restarted %d times.", restarts)
	case p["UnitFileState"] != "enabled" && p["UnitFileState"] != "":
		d.found(check, Warn, "systemctl enable pickerd", "The service runs, but does not start at boot (%s).", p["UnitFileState"])
	default:
		d.ok(check, "Running: %s", p["StatusText"])
	}
}

func (d *Doctor) daemon(_ context.Context, check string) {
	s := d.status
	switch {
	case s == nil && errors.Is(d.statusErr, errNoAnswer):
		d.found(check, Fail, "systemctl restart pickerd. The watchdog also does this after some minutes. journalctl -u pickerd then shows what it was doing.", "%v", d.statusErr)
	case s == nil:
		d.found(check, Fail, "systemctl start pickerd. For another control.socket: pickerd doctor --socket PATH. Only root and the group pickerd have access.", "%v", d.statusErr)
	case s.Problem != nil:
		r := Warn
		if s.State == device.Blocked || s.State == device.SetUp {
			r = Fail
		}
		d.found(check, r, s.Problem.Remedy, "State %s: %s (%s)", s.State, s.Problem.Message, s.Problem.Code)
	default:
		d.ok(check, "State %s since %s.", s.State, s.Since.Format(time.DateTime))
	}
}

// broker checks the connection to an MQTT broker. If none is configured it says nothing.
func (d *Doctor) broker(_ context.Context, check string) {
	if d.cfg.Config == nil || d.cfg.Config.MQTT.URL == "" {
		return
	}
	if d.status == nil {
		d.skip(check, "The daemon does not answer.")
		return
	}
	switch b := d.status.Broker; {
	case b == nil:
		d.found(check, Warn, "systemctl restart pickerd", "The daemon runs without the broker of mqtt.url.")
	case !b.Since.IsZero():
		d.ok(check, "Connected to %s since %s.", b.Address, b.Since.Format(time.DateTime))
	case b.Error == "":
		d.skip(check, "The daemon is connecting to %s.", b.Address)
	default:
		d.found(check, Warn, "Check that the broker runs, and the settings of [mqtt]: address, user name and password, certificates. The broker must let the user have the topics of this box. pickerd tries again automatically.", "Not connected to %s: %s", b.Address, b.Error)
	}
}

// A session that was not deleted for this long points to a problem with the network
// or Google.
const sessionOld = 24 * time.Hour

func (d *Doctor) leftover(_ context.Context, check string) {
	if d.status == nil {
		d.skip(check, "The daemon does not answer.")
		return
	}
	pending, old := 0, 0
	for _, s := range d.sessions {
		if s.State != "pending_deletion" {
			continue
		}
		pending++
		if time.Since(s.CreatedAt) > sessionOld {
			old++
		}
	}
	switch {
	case old > 0:
		d.found(check, Fail, "See pickerd sessions for the list and journalctl -u pickerd for the reason. Google ends each session after seven days.", "%d picking sessions have not been deleted for more than a day.", old)
	case pending > 0:
		d.found(check, Warn, "pickerd retries until Google confirms it.", "%d picking sessions are not deleted yet.", pending)
	case len(d.sessions) > 0:
		d.ok(check, "%d in use or just replaced, none left over.", len(d.sessions))
	default:
		d.ok(check, "None left over.")
	}
}
