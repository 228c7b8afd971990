package framebuffer

import (
	"bytes"
	"fmt"
	"os"
	"runtime"
	"unsafe"
)

// A card is an open DRM device.
type card struct{ *os.File }

func (c card) ask(op string, request uintptr, arg unsafe.Pointer) error {
	if err := ioctl(c.File, request, arg); err != nil {
		return &DeviceError{c.Name(), op, explain(err)}
	}
	return nil
}

// resources returns the ids of the card's connectors and CRTCs.
func (c card) resources() (connectors, crtcs []uint32, err error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	var r drmCardRes
	if err := c.ask("ask what it has", drmResources, unsafe.Pointer(&r)); err != nil {
		return nil, nil, err
	}
	connectors, crtcs = make([]uint32, r.CountConnectors), make([]uint32, r.CountCRTCs)
	r = drmCardRes{Connectors: address(&pin, connectors), CountConnectors: r.CountConnectors, CRTCs: address(&pin, crtcs), CountCRTCs: r.CountCRTCs}
	err = c.ask("ask what it has", drmResources, unsafe.Pointer(&r))
	return connectors[:min(int(r.CountConnectors), len(connectors))], crtcs[:min(int(r.CountCRTCs), len(crtcs))], err
}

// An output is a connector as it is at the moment.
type output struct {
	id         uint32
	encoder    uint32 // in use, 0 if none
	encoders   []uint32
	connected  bool
	modes      []drmMode
	properties []uint32
}

// maxModes is how many modes are asked for without a probe.
const maxModes = 256

// connector asks about a connector. With probe the kernel looks at the cable,
// which takes a while; without it tells what it knows.
func (c card) connector(id uint32, probe bool) (output, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	o := output{id: id}
	r := drmConnector{ID: id}
	one := make([]drmMode, 1)
	if !probe {
		r.CountModes, r.Modes = 1, address(&pin, one)
	}
	if err := c.ask("ask about a connector", drmGetConnector, unsafe.Pointer(&r)); err != nil {
		return o, err
	}
	modes := make([]drmMode, min(r.CountModes+8, maxModes))
	o.encoders, o.properties = make([]uint32, r.CountEncoders), make([]uint32, r.CountProps)
	values := make([]uint64, r.CountProps)
	r = drmConnector{ID: id, Modes: address(&pin, modes), CountModes: uint32(len(modes)), Encoders: address(&pin, o.encoders), CountEncoders: r.CountEncoders,
		Props: address(&pin, o.properties), PropValues: address(&pin, values), CountProps: r.CountProps}
	err := c.ask("ask about a connector", drmGetConnector, unsafe.Pointer(&r))
	o.modes = modes[:min(int(r.CountModes), len(modes))]
	o.encoders = o.encoders[:min(int(r.CountEncoders), len(o.encoders))]
	o.properties = o.properties[:min(int(r.CountProps), len(o.properties))]
	o.encoder, o.connected = r.Encoder, r.Connection == connected
	return o, err
}

// mode is the one that the screen prefers, or else its first.
func (o output) mode() (drmMode, bool) {
	if !o.connected || len(o.modes) == 0 {
		return drmMode{}, false
	}
	for _, m := range o.modes {
		if m.Type&modePreferred != 0 {
			return m, true
		}
	}
	return o.modes[0], true
}

// crtc finds what sends pictures to an output: what does so already, or else any
// that can.
func (c card) crtc(o output, crtcs []uint32) (uint32, error) {
	for _, id := range append([]uint32{o.encoder}, o.encoders...) {
		if id == 0 {
			continue
		}
		e := drmEncoder{ID: id}
		if c.ask("ask about an encoder", drmGetEncoder, unsafe.Pointer(&e)) != nil {
			continue
		}
		if id == o.encoder && e.CRTC != 0 {
			return e.CRTC, nil
		}
		for i, crtc := range crtcs {
			if i < 32 && e.PossibleCRTCs&(1<<i) != 0 {
				return crtc, nil
			}
		}
	}
	return 0, &DeviceError{c.Name(), "find a way to the screen", fmt.Errorf("connector %d has no CRTC", o.id)}
}

// property finds a connector's property by its name, 0 if it has none.
func (c card) property(o output, name string) uint32 {
	for _, id := range o.properties {
		p := drmProperty{ID: id}
		if c.ask("ask about a property", drmGetProperty, unsafe.Pointer(&p)) != nil {
			continue
		}
		if got, _, _ := bytes.Cut(p.Name[:], []byte{0}); string(got) == name {
			return id
		}
	}
	return 0
}

// show makes a CRTC send a buffer to an output.
func (c card) show(crtc uint32, fb uint32, out uint32, m drmMode) error {
	var pin runtime.Pinner
	defer pin.Unpin()
	outs := []uint32{out}
	r := drmCrtc{SetConnectors: address(&pin, outs), CountConnectors: 1, CRTC: crtc, FB: fb, HasMode: 1, Mode: m}
	return c.ask("set the mode", drmSetCrtc, unsafe.Pointer(&r))
}
