package doctor

import (
	"context"
	"errors"
	"os"
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
		d.skip(check, "It can be asked only for somebody who has paired.")
	case s.Pick != nil && s.Pick.SessionID != "", s.Library.Items > 0:
		d.ok(check, "It has given the daemon sessions.")
	default:
		d.skip(check, "No pick has been tried yet.")
	}
}

func (d *Doctor) token(_ context.Context, check string) {
	s := d.status
	switch {
	case s == nil:
		d.skip(check, "The daemon has it, and does not answer.")
	case s.Problem != nil && (s.Problem.Code == "key_lost" || s.Problem.Code == "testing_project"):
		d.found(check, Fail, s.Problem.Remedy, "%s", s.Problem.Message)
	case s.Outstanding != nil && s.Outstanding.Revocation:
		d.found(check, Warn, "It goes on by itself, once the server can be reached.", "A forgotten account is still to be revoked.")
	case s.Account == nil && s.Library.Items > 0:
		d.found(check, Warn, "To choose others, press OK at the screen and pair again.", "There is none: photos are shown, and nobody is paired.")
	case s.Account == nil:
		d.skip(check, "Nobody has paired yet.")
	default:
		d.ok(check, "There is one, paired %s by %s.", s.Account.PairedAt.Format(time.DateTime), s.Account.Method)
	}
}

func (d *Doctor) service(ctx context.Context, check string) {
	if _, err := os.Stat(d.path("/run/systemd/system")); err != nil {
		d.skip(check, "The system is not run by systemd.")
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
		d.skip(check, "There is no unit pickerd.service.")
	case p["LoadState"] != "loaded":
		d.found(check, Fail, "systemctl status pickerd says what is wrong with the unit.", "The unit is %s.", p["LoadState"])
	case p["ActiveState"] == "failed" && p["ExecMainStatus"] == "78":
		d.found(check, Fail, "Mend the configuration; the service starts by itself then.", "The service has ended: its configuration is wrong.")
	case p["ExecMainStatus"] == "243": // EXIT_CREDENTIALS of systemd.exec(5)
		d.found(check, Fail, "journalctl -u pickerd says which; seal it anew (systemd-creds encrypt), or remove its line in the unit.", "The service can't start: a credential can't be read. It is torn, or was sealed on another machine.")
	case p["ActiveState"] != "active":
		d.found(check, Fail, "systemctl start pickerd; journalctl -u pickerd says why it ended.", "The service is %s (%s, result %s).", p["ActiveState"], p["SubState"], p["Result"])
	case restarts > 3:
		d.found(check, Warn, "journalctl -u pickerd says why.", "The service runs; it was started anew %d times.", restarts)
	case p["UnitFileState"] != "enabled" && p["UnitFileState"] != "":
		d.found(check, Warn, "systemctl enable pickerd", "The service runs, but is not started at boot (%s).", p["UnitFileState"])
	default:
		d.ok(check, "It runs: %s", p["StatusText"])
	}
}

func (d *Doctor) daemon(_ context.Context, check string) {
	s := d.status
	switch {
	case s == nil && errors.Is(d.statusErr, errSilent):
		d.found(check, Fail, "systemctl restart pickerd; its watchdog does that too, after some minutes. journalctl -u pickerd has what it was at then.", "%v", d.statusErr)
	case s == nil:
		d.found(check, Fail, "Start it: systemctl start pickerd. With another control.socket: pickerd doctor --socket PATH. Only root and the group pickerd may ask.", "%v", d.statusErr)
	case s.Problem != nil:
		r := Warn
		if s.State == device.Blocked {
			r = Fail
		}
		d.found(check, r, s.Problem.Remedy, "It is %s: %s (%s)", s.State, s.Problem.Message, s.Problem.Code)
	default:
		d.ok(check, "It is %s since %s.", s.State, s.Since.Format(time.DateTime))
	}
}

// A session that is not deleted for so long has been forgotten by nobody, but by
// the network or Google.
const sessionOld = 24 * time.Hour

func (d *Doctor) leftover(_ context.Context, check string) {
	if d.status == nil {
		d.skip(check, "The daemon keeps the list, and does not answer.")
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
		d.found(check, Fail, "pickerd sessions lists them; journalctl -u pickerd says why they can't be deleted. Google ends each after seven days.", "%d picking sessions could not be deleted for more than a day.", old)
	case pending > 0:
		d.found(check, Warn, "It is tried until Google confirms it.", "%d picking sessions are still to be deleted.", pending)
	case len(d.sessions) > 0:
		d.ok(check, "None is left over; one is in use.")
	default:
		d.ok(check, "None is left over.")
	}
}
