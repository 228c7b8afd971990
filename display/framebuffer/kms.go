package framebuffer

import (
	"bytes"
	"fmt"
	"runtime"
	"unsafe"
)

// A card is an open DRM device.
type card struct{ node }

// call sends a request. op names it in the error.
func (c card) call(op string, request uintptr, arg unsafe.Pointer) error {
	if err := c.ioctl(request, arg); err != nil {
		return newError(c.Name(), op, err)
	}
	return nil
}

// resources returns the IDs of the card's connectors and CRTCs.
func (c card) resources() (connectors, crtcs []uint32, err error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	var r drmCardRes
	if err := c.call("list resources", drmResources, unsafe.Pointer(&r)); err != nil {
		return nil, nil, err
	}
	connectors, crtcs = make([]uint32, r.CountConnectors), make([]uint32, r.CountCRTCs)
	r = drmCardRes{Connectors: address(&pin, connectors), CountConnectors: r.CountConnectors, CRTCs: address(&pin, crtcs), CountCRTCs: r.CountCRTCs}
	err = c.call("list resources", drmResources, unsafe.Pointer(&r))
	return connectors[:min(int(r.CountConnectors), len(connectors))], crtcs[:min(int(r.CountCRTCs), len(crtcs))], err
}

// An output is the current state of a connector.
type output struct {
	id         uint32
	encoder    uint32 // the one in use, or 0
	encoders   []uint32
	connected  bool
	modes      []drmMode
	properties []uint32
}

// maxModes bounds the modes that are read of a connector.
const maxModes = 256

// connector returns the state of a connector. With probe the kernel probes the
// cable, which is slow. Without, it returns the state it knows.
func (c card) connector(id uint32, probe bool) (output, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	o := output{id: id}
	r := drmConnector{ID: id}
	one := make([]drmMode, 1)
	if !probe {
		r.CountModes, r.Modes = 1, address(&pin, one)
	}
	if err := c.call("query connector", drmGetConnector, unsafe.Pointer(&r)); err != nil {
		return o, err
	}
	modes := make([]drmMode, min(r.CountModes+8, maxModes))
	o.encoders, o.properties = make([]uint32, r.CountEncoders), make([]uint32, r.CountProps)
	values := make([]uint64, r.CountProps)
	r = drmConnector{ID: id, Modes: address(&pin, modes), CountModes: uint32(len(modes)), Encoders: address(&pin, o.encoders), CountEncoders: r.CountEncoders,
		Props: address(&pin, o.properties), PropValues: address(&pin, values), CountProps: r.CountProps}
	err := c.call("query connector", drmGetConnector, unsafe.Pointer(&r))
	o.modes = modes[:min(int(r.CountModes), len(modes))]
	o.encoders = o.encoders[:min(int(r.CountEncoders), len(o.encoders))]
	o.properties = o.properties[:min(int(r.CountProps), len(o.properties))]
	o.encoder, o.connected = r.Encoder, r.Connection == connected
	return o, err
}

// preferredMode returns the mode that the screen prefers, or else its first. ok is
// false without a screen.
func (o output) preferredMode() (m drmMode, ok bool) {
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

// findCRTC returns the CRTC that feeds an output, or else one that can.
func (c card) findCRTC(o output, crtcs []uint32) (uint32, error) {
	for _, id := range append([]uint32{o.encoder}, o.encoders...) {
		if id == 0 {
			continue
		}
		e := drmEncoder{ID: id}
		if c.call("query encoder", drmGetEncoder, unsafe.Pointer(&e)) != nil {
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
	return 0, newError(c.Name(), "use", fmt.Errorf("connector %d has no CRTC", o.id))
}

// property returns the ID of an output's property, or 0 if there is none of that
// name.
func (c card) property(o output, name string) uint32 {
	for _, id := range o.properties {
		p := drmProperty{ID: id}
		if c.call("query property", drmGetProperty, unsafe.Pointer(&p)) != nil {
			continue
		}
		if got, _, _ := bytes.Cut(p.Name[:], []byte{0}); string(got) == name {
			return id
		}
	}
	return 0
}

// setMode makes a CRTC send a framebuffer to an output.
func (c card) setMode(crtc, fb, out uint32, m drmMode) error {
	var pin runtime.Pinner
	defer pin.Unpin()
	outs := []uint32{out}
	r := drmCrtc{SetConnectors: address(&pin, outs), CountConnectors: 1, CRTC: crtc, FB: fb, HasMode: 1, Mode: m}
	return c.call("set mode", drmSetCrtc, unsafe.Pointer(&r))
}
