package cec

import (
	"context"
	"errors"
	"time"

	"pickerd/display"
)

// claimAfter is how long other devices have to say that the television shows them
// before this one says so of itself.
const claimAfter = 3 * time.Second

// A follower speaks for the screen on one adapter.
type follower struct {
	cfg *Config
	dev Device
	// path is that of dev.
	path string
	ctx  context.Context

	state State
	name  string
	keys  keypad
	claim *time.Timer
	again *time.Timer // when it is looked for a television at another adapter

	known     bool      // lit is
	lit       bool      // the screen is on
	active    bool      // the television shows this box
	slept     bool      // this box has sent the television into standby
	putOut    bool      // the television was switched off, and the screen with it
	elsewhere bool      // it shows another device, or itself
	power     uint8     // of the television, as it has last reported
	switched  bool      // the television has switched the screen: it need not be told
	toggled   time.Time // when the key power was last heard
	failures  changeFilter
}

// A changeFilter passes a text only if it differs from the one before.
type changeFilter struct{ last string }

func (c *changeFilter) isNew(text string) bool {
	changed := text != c.last
	c.last = text
	return changed
}

// run follows the adapter and the pages until ctx ends or the adapter fails.
func (f *follower) run(events <-chan Event, failed <-chan error, pages <-chan display.Page) error {
	f.keys = keypad{release: time.NewTimer(time.Hour), report: func(code uint16, value int32) { f.cfg.Key(f.ctx, code, value) }}
	defer f.keys.up()
	f.claim = time.NewTimer(time.Hour)
	f.claim.Stop()
	f.again = time.NewTimer(retryInterval)
	defer f.again.Stop()
	f.keys.release.Stop()
	for {
		var err error
		select {
		case <-f.ctx.Done():
			return f.ctx.Err()
		case err = <-failed:
		case e := <-events:
			if e.State != nil {
				err = f.moved(*e.State)
			}
			if len(e.Message) > 0 && err == nil {
				err = f.handle(e.Message)
			}
		case p := <-pages:
			err = f.show(p)
		case <-f.keys.release.C:
			f.keys.up()
		case <-f.again.C:
			err = f.look()
		case <-f.claim.C:
			if f.lit && f.power != PowerStandby && f.power != PowerToStandby {
				err = f.become()
			}
		}
		if err != nil {
			return err
		}
	}
}

// send sends a message unless the adapter has no address. That nobody acknowledges it is
// no error: the television may be unplugged or not know CEC.
func (f *follower) send(to uint8, op Opcode, operands ...byte) error {
	if f.state.Logical == NoLogicalAddress {
		return nil
	}
	err := f.dev.Transmit(NewMessage(f.state.Logical, to, op, operands...))
	switch {
	case err == nil:
		f.failures.isNew("")
		return nil
	case isGone(err):
		return err
	case f.failures.isNew(err.Error()):
		f.cfg.Log.Info("CEC message not delivered", "opcode", op.String(), "to", to, "err", err)
	}
	return nil
}

// moved takes over other addresses.
func (f *follower) moved(s State) error {
	before := f.state
	f.state = s
	if s == before {
		return nil
	}
	f.active, f.elsewhere, f.power = false, false, PowerOn
	f.keys.up()
	f.claim.Stop()
	if s.Physical == NoPhysicalAddress {
		f.again.Reset(retryInterval)
	}
	if s.Logical == NoLogicalAddress {
		return nil
	}
	f.cfg.Log.Info("CEC adapter in use", "device", f.dev.String(), "physical", s.Physical.String(), "logical", s.Logical)
	if f.cfg.Standby {
		f.claim.Reset(claimAfter)
	}
	if f.cfg.Standby || f.putOut { // what it said while there was no address is lost
		if err := f.send(TV, GiveDevicePowerStatus); err != nil {
			return err
		}
	}
	if !f.cfg.Standby {
		return nil
	}
	return f.send(Broadcast, RequestActiveSource)
}

// look returns errNoTV if the television is not at this adapter but at another one. The
// adapter is kept otherwise: many a television takes the address away in standby.
func (f *follower) look() error {
	if f.state.Physical != NoPhysicalAddress || f.cfg.Device != Auto {
		return nil
	}
	dev, _, err := find(f.cfg, f.path)
	if err != nil {
		f.again.Reset(retryInterval)
		return nil
	}
	dev.Close()
	return errNoTV
}

// show follows the page.
func (f *follower) show(p display.Page) error {
	if p.Device != f.name && p.Device != "" {
		f.name = p.Device
		if err := f.dev.Claim(TypePlayback, p.Device); err != nil {
			return err
		}
		s, err := f.dev.State()
		if err == nil {
			err = f.moved(s)
		}
		if err != nil {
			return err
		}
	}
	lit := !p.Night
	if f.known && lit == f.lit {
		return nil
	}
	first := !f.known
	f.known, f.lit = true, lit
	f.slept, f.putOut = f.slept && !lit, f.putOut && !lit
	told := f.switched
	f.switched = false
	switch {
	case first || told || !f.cfg.Standby:
		return nil
	case !lit && f.active:
		f.active, f.slept = false, true
		return f.send(TV, Standby)
	case lit && !f.elsewhere && f.state.Logical == NoLogicalAddress:
		return f.wake()
	case lit && !f.elsewhere:
		if err := f.send(TV, ImageViewOn); err != nil {
			return err
		}
		return f.become()
	}
	return nil
}

// wake switches a television on that takes the address away in standby. The kernel lets
// an adapter without an address send this one message, if the hardware can.
func (f *follower) wake() error {
	if err := f.dev.Transmit(NewMessage(Broadcast, TV, ImageViewOn)); isGone(err) {
		return err
	}
	return nil
}

// become says that the television is to show this box.
func (f *follower) become() error {
	f.active, f.elsewhere = true, false
	f.claim.Stop()
	return f.send(Broadcast, ActiveSource, f.state.Physical.bytes()...)
}

// turn switches the screen because the television was switched.
func (f *follower) turn(on bool) {
	if on == f.lit {
		return
	}
	f.switched, f.putOut = true, !on
	f.cfg.Switch(f.ctx, on)
}

// handle takes in a message.
func (f *follower) handle(m Message) error {
	if m.isPoll() {
		return nil
	}
	args := m.Operands()
	switch m.Op() {
	case UserControlPressed:
		if len(args) > 0 {
			f.control(args[0])
		}
	case UserControlReleased:
		f.keys.up()
	case Play:
		f.keys.tap(keyOf[0x61])
	case DeckControl:
		if len(args) > 0 && (args[0] == 1 || args[0] == 2) { // skip forward, skip reverse
			f.keys.tap(keyOf[0x4a+args[0]])
		}
	case Standby, SetStreamPath, RoutingChange, RoutingInformation, ActiveSource, InactiveSource, ReportPowerStatus, RequestActiveSource:
		return f.follow(m, args)
	default:
		return f.answer(m, args)
	}
	return nil
}

// control takes in a key of the remote control.
func (f *follower) control(key byte) {
	switch key {
	case controlPowerOff:
		f.turn(false)
	case controlPowerOn:
		f.turn(true)
	case controlPower, controlPowerToggle:
		now := time.Now()
		if now.Sub(f.toggled) >= releaseAfter { // a key that is held down is repeated
			f.turn(!f.lit)
		}
		f.toggled = now
	default:
		f.keys.press(key)
	}
}

// follow takes in what says whether the television is on and what it shows.
func (f *follower) follow(m Message, args []byte) error {
	at := 0
	switch m.Op() {
	case Standby:
		f.active, f.elsewhere = false, false
		f.power = PowerStandby
		f.keys.up()
		f.claim.Stop()
		if !f.lit && !f.slept { // a person did it: no sensor is to switch the screen on
			f.putOut = true
			f.cfg.Switch(f.ctx, false)
		}
		f.turn(false)
		return nil
	case InactiveSource:
		f.elsewhere = false
		return nil
	case ReportPowerStatus:
		if m.From() == TV && len(args) > 0 {
			f.power = args[0]
			told := m.To() == Broadcast || f.putOut || f.slept // no mere answer
			if told && (f.power == PowerOn || f.power == PowerToOn) {
				f.turn(true)
			}
		}
		return nil
	case RequestActiveSource:
		if m.From() == TV {
			f.power, f.slept = PowerOn, false
			f.turn(true)
			if f.cfg.Standby && !f.active && !f.elsewhere {
				f.claim.Reset(claimAfter) // nobody may answer: it may show this box already
			}
		}
		if f.active {
			return f.become()
		}
		return nil
	case RoutingChange:
		at = 2 // after the address before
	}
	p, ok := addressIn(args, at)
	if !ok {
		return nil
	}
	f.power, f.slept = PowerOn, false
	if p != f.state.Physical || m.Op() == ActiveSource {
		f.active, f.elsewhere = false, true
		f.claim.Stop()
		return nil
	}
	f.turn(true)
	return f.become()
}

// answer answers a question.
func (f *follower) answer(m Message, args []byte) error {
	from := m.From()
	if from == Broadcast || m.To() == Broadcast {
		return nil
	}
	switch m.Op() {
	case GiveDevicePowerStatus:
		status := byte(PowerOn)
		if !f.lit {
			status = PowerStandby
		}
		return f.send(from, ReportPowerStatus, status)
	case MenuRequest:
		return f.send(from, MenuStatus, 0) // activated: the remote's keys are for this box
	case GiveDeckStatus:
		if len(args) > 0 && args[0] == 2 { // no more reports
			return nil
		}
		return f.send(from, DeckStatus, 0x1f) // none of those of a player
	case FeatureAbort, SetOSDName, DeviceVendorID, MenuStatus, DeckStatus:
		return nil
	}
	return f.send(from, FeatureAbort, byte(m.Op()), 0) // unrecognized
}

// isGone reports whether an error means that the adapter can't be used any more.
func isGone(err error) bool { return errors.Is(err, errGone) }
