package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"pickerd/display/cec"
)

// television checks the adapters of HDMI-CEC that the daemon may use and asks what is
// connected.
func (d *Doctor) television(ctx context.Context, check string) {
	if d.cfg.Config == nil {
		d.skip(check, "Needs a valid configuration.")
		return
	}
	c := d.cfg.Config
	paths := d.glob("/dev/cec*")
	if c.CEC.Device != cec.Auto && c.CEC.Device != "off" {
		paths = []string{c.CEC.Device}
	}
	switch {
	case !c.Display.HasOutput("framebuffer"):
		d.skip(check, "Only the output framebuffer uses HDMI-CEC.")
	case c.CEC.Device == "off":
		d.skip(check, "cec.device is off.")
	case len(paths) == 0:
		d.ok(check, "There is no /dev/cec*: this machine has no HDMI-CEC, or its driver is not loaded.")
	default:
		if closed := d.lacks(ctx, 6, paths...); len(closed) > 0 {
			d.found(check, Fail, "The package pickerd-framebuffer gives the service the group video. Without the service: usermod -aG video "+d.as.name, "%s may not open %s.", d.as.name, strings.Join(closed, ", "))
			return
		}
		d.adapters(check, paths)
	}
}

// An adapter is one of HDMI-CEC. *cec.Adapter is one.
type adapter interface {
	State() (cec.State, error)
	Ask(m cec.Message, reply cec.Opcode) (cec.Message, error)
	Close()
	String() string
}

// openAdapter opens an adapter.
func openAdapter(path string) (adapter, error) {
	a, err := cec.Open(path)
	if err != nil { // a nil *cec.Adapter would be an adapter
		return nil, err
	}
	return a, nil
}

// adapters asks what is connected to each adapter. The daemon uses one of them.
func (d *Doctor) adapters(check string, paths []string) {
	type open struct {
		adapter
		state cec.State
	}
	var all []open
	used := false
	for _, p := range paths {
		a, err := d.openAdapter(d.path(p))
		if errors.Is(err, cec.ErrUnsuitable) {
			d.skip(check, "%v.", err)
			continue
		}
		var s cec.State
		if err == nil {
			defer a.Close()
			s, err = a.State()
		}
		if err != nil {
			d.found(check, Warn, "Look for the cause in dmesg.", "%v", err)
			continue
		}
		all = append(all, open{a, s})
		used = used || s.Logical != cec.NoLogicalAddress
	}
	for _, a := range all {
		switch {
		case a.state.Physical == cec.NoPhysicalAddress:
			d.ok(check, "%v: it has no physical address: there is no television, it is in standby, or the daemon does not run.", a)
		case a.state.Logical != cec.NoLogicalAddress:
			d.connected(check, a, a.state)
		case used:
			d.ok(check, "%v: it is not used.", a)
		default:
			d.found(check, Warn, "If the daemon runs, its log says why it does not use the adapter.", "%v: it has no address on the bus.", a)
		}
	}
}

// connected asks what is connected to an adapter that has addresses.
func (d *Doctor) connected(check string, a adapter, s cec.State) {
	at := fmt.Sprintf("%v is at %v, address %d.", a, s.Physical, s.Logical)
	power, err := a.Ask(cec.NewMessage(s.Logical, cec.TV, cec.GiveDevicePowerStatus), cec.ReportPowerStatus)
	if err != nil || len(power.Operands()) == 0 {
		d.found(check, Warn, "Switch HDMI-CEC on in the menu of the television. Its makers call it Anynet+, Bravia Sync, EasyLink, Simplink or Viera Link, for example.", "%s The television does not answer.", at)
		return
	}
	is := map[byte]string{cec.PowerOn: "on", cec.PowerStandby: "in standby", cec.PowerToOn: "switching on", cec.PowerToStandby: "switching off"}[power.Operands()[0]]
	if vendor, err := a.Ask(cec.NewMessage(s.Logical, cec.TV, cec.GiveDeviceVendorID), cec.DeviceVendorID); err == nil {
		is += fmt.Sprintf(", vendor %x", vendor.Operands())
	}
	d.ok(check, "%s The television is %s.", at, is)
}
