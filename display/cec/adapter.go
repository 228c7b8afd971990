package cec

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"unicode/utf8"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ErrClosed is the error of Receive after Interrupt.
var ErrClosed = errors.New("adapter closed")

// ErrNotAcknowledged means that no device has the destination of a message, or that it
// did not answer or refused to.
var ErrNotAcknowledged = errors.New("not acknowledged")

// ErrUnsuitable means that an adapter can't send, or that its driver does not let
// programs choose its address.
var ErrUnsuitable = errors.New("adapter can't be a playback device")

// A State is the addresses of an adapter.
type State struct {
	Physical PhysicalAddress
	// Logical is NoLogicalAddress while the adapter has none.
	Logical uint8
}

// An Event is what an adapter has received: a message, or its new State.
type Event struct {
	Message Message
	State   *State
}

// A Type is a kind of device on the bus (CEC_LOG_ADDR_TYPE_*).
type Type uint8

// The types of devices that an adapter can be.
const (
	TypeTV       Type = 0
	TypePlayback Type = 3
)

// An Adapter is an open device /dev/cecN. Receive and the other methods may be called
// from two goroutines at once.
type Adapter struct {
	path         string
	driver, name string
	capabilities uint32
	fd, wake     int // wake is an eventfd
}

const (
	maxName = 14 // bytes of an OSD name

	capPhysAddr = 1 << 0
	capLogAddrs = 1 << 1
	capTransmit = 1 << 2

	primaryPlayback = 4 // CEC_OP_PRIM_DEVTYPE_PLAYBACK

	modeInitiator = 0x01
	modeFollower  = 0x10

	eventStateChange = 1

	txOK    = 1 << 0
	txNack  = 1 << 2
	rxOK    = 1 << 0
	rxAbort = 1 << 2
)

// The ioctls: the direction of the argument, its size, 'a' and a number (_IOC).
const (
	iow, ior, iowr = 1 << 30, 2 << 30, 3 << 30

	gCaps     = iowr | unsafe.Sizeof(capsArg{})<<16 | 'a'<<8 // number 0
	gPhysAddr = ior | 2<<16 | 'a'<<8 | 1
	sPhysAddr = iow | 2<<16 | 'a'<<8 | 2
	gLogAddrs = ior | unsafe.Sizeof(logAddrsArg{})<<16 | 'a'<<8 | 3
	sLogAddrs = iowr | unsafe.Sizeof(logAddrsArg{})<<16 | 'a'<<8 | 4
	transmit  = iowr | unsafe.Sizeof(msgArg{})<<16 | 'a'<<8 | 5
	receive   = iowr | unsafe.Sizeof(msgArg{})<<16 | 'a'<<8 | 6
	dqEvent   = iowr | unsafe.Sizeof(eventArg{})<<16 | 'a'<<8 | 7
	sMode     = iow | 4<<16 | 'a'<<8 | 9
)

// Open opens a device. Its errors are those of open(2) and ErrUnsuitable.
func Open(path string) (*Adapter, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, &os.PathError{Op: "open", Path: path, Err: err}
	}
	a := &Adapter{path: path, fd: fd, wake: -1}
	var caps capsArg
	if err = a.ioctl(gCaps, unsafe.Pointer(&caps)); err == nil {
		a.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC)
	}
	if err != nil {
		a.Close()
		return nil, err
	}
	a.driver, a.name, a.capabilities = unix.ByteSliceToString(caps.driver[:]), unix.ByteSliceToString(caps.name[:]), caps.capabilities
	if a.capabilities&capLogAddrs == 0 || a.capabilities&capTransmit == 0 {
		a.Close()
		return nil, fmt.Errorf("%s: %w", path, ErrUnsuitable)
	}
	return a, nil
}

// ioctl sends a request.
func (a *Adapter) ioctl(request uintptr, arg unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(a.fd), request, uintptr(arg))
		switch {
		case errno == 0:
			return nil
		case !errors.Is(errno, unix.EINTR):
			return &os.PathError{Op: "ioctl", Path: a.path, Err: errno}
		}
	}
}

// Close releases the device. Receive must have returned.
func (a *Adapter) Close() {
	_ = unix.Close(a.fd)
	if a.wake >= 0 {
		_ = unix.Close(a.wake)
	}
}

// Interrupt ends Receive with ErrClosed.
func (a *Adapter) Interrupt() { _, _ = unix.Write(a.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0}) }

// String names the adapter and its driver.
func (a *Adapter) String() string { return fmt.Sprintf("%s (%s, %s)", a.path, a.name, a.driver) }

// locate sets the physical address from the EDID of a connected television if the driver
// does not know it, as those of USB adapters don't.
func (a *Adapter) locate() error {
	if a.capabilities&capPhysAddr == 0 {
		return nil
	}
	var physical uint16
	if err := a.ioctl(gPhysAddr, unsafe.Pointer(&physical)); err != nil || PhysicalAddress(physical) != NoPhysicalAddress {
		return err
	}
	p := connected("/sys/class/drm")
	if p == NoPhysicalAddress {
		return nil
	}
	physical = uint16(p)
	return a.ioctl(sPhysAddr, unsafe.Pointer(&physical))
}

// State returns the addresses. It changes nothing.
func (a *Adapter) State() (State, error) {
	s := State{Physical: NoPhysicalAddress, Logical: NoLogicalAddress}
	var physical uint16
	if err := a.ioctl(gPhysAddr, unsafe.Pointer(&physical)); err != nil {
		return s, err
	}
	s.Physical = PhysicalAddress(physical)
	var l logAddrsArg
	if err := a.ioctl(gLogAddrs, unsafe.Pointer(&l)); err != nil {
		return s, err
	}
	if l.numLogAddrs > 0 && l.logAddrMask != 0 {
		s.Logical = l.logAddr[0]
	}
	return s, nil
}

// connected returns the physical address in the EDID of the first HDMI connector that
// has one.
func connected(dir string) PhysicalAddress {
	files, _ := filepath.Glob(filepath.Join(dir, "card*-HDMI*", "edid"))
	for _, f := range files {
		edid, err := os.ReadFile(f) // the kernel bounds it to 32 kB
		if p := AddressOf(edid); err == nil && p != NoPhysicalAddress {
			return p
		}
	}
	return NoPhysicalAddress
}

// Claim makes the adapter a device of a type with an OSD name, of which at most 14
// bytes are taken, and lets it receive. An adapter that is that device already keeps
// its address; what another program made of it is replaced. EBUSY means that another
// program has it to itself.
func (a *Adapter) Claim(t Type, name string) error {
	mode := uint32(modeInitiator | modeFollower)
	if err := a.ioctl(sMode, unsafe.Pointer(&mode)); err != nil {
		return err
	}
	want := logAddrsArg{cecVersion: 5, numLogAddrs: 1, vendorID: 0xffffffff} // CEC 1.4, no vendor
	copy(want.osdName[:maxName], cut(name, maxName))
	want.logAddrType[0] = uint8(t)
	if t == TypePlayback {
		want.primaryDeviceType[0] = primaryPlayback
	}
	var is logAddrsArg
	if err := a.ioctl(gLogAddrs, unsafe.Pointer(&is)); err != nil {
		return err
	}
	if is.numLogAddrs > 0 {
		if is.osdName == want.osdName && is.logAddrType[0] == want.logAddrType[0] && is.numLogAddrs == 1 {
			return nil
		}
		if err := a.ioctl(sLogAddrs, unsafe.Pointer(&logAddrsArg{})); err != nil {
			return err
		}
	}
	return a.ioctl(sLogAddrs, unsafe.Pointer(&want))
}

// cut returns the first bytes of a text that are whole characters.
func cut(text string, most int) string {
	for len(text) > most {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}

// Transmit sends a message and waits until the destination has acknowledged it. Its
// errors are ErrNotAcknowledged and those of the kernel; ENODEV means that the adapter
// is gone.
func (a *Adapter) Transmit(m Message) error {
	_, err := a.send(m, 0)
	return err
}

// Ask sends a message and returns the answer with the opcode reply. Its errors are those
// of Transmit.
func (a *Adapter) Ask(m Message, reply Opcode) (Message, error) { return a.send(m, reply) }

func (a *Adapter) send(m Message, reply Opcode) (Message, error) {
	arg := msgArg{len: uint32(min(len(m), 16)), reply: uint8(reply)}
	copy(arg.msg[:], m)
	if err := a.ioctl(transmit, unsafe.Pointer(&arg)); err != nil {
		return nil, err
	}
	switch {
	case arg.txStatus&txOK == 0 && arg.txStatus&txNack != 0, reply != 0 && arg.rxStatus&(rxOK|rxAbort) != rxOK:
		return nil, ErrNotAcknowledged
	case arg.txStatus&txOK == 0:
		return nil, fmt.Errorf("transmit status %#x", arg.txStatus)
	}
	return message(&arg), nil
}

// message returns the message of a struct, nil if it has none.
func message(arg *msgArg) Message {
	n := min(int(arg.len), len(arg.msg))
	if n == 0 {
		return nil
	}
	return append(Message(nil), arg.msg[:n]...)
}

// Receive waits for a message or a new State. Its errors are ErrClosed and those of the
// kernel; ENODEV means that the adapter is gone.
func (a *Adapter) Receive() (Event, error) {
	for {
		fds := []unix.PollFd{{Fd: int32(a.fd), Events: unix.POLLIN | unix.POLLPRI}, {Fd: int32(a.wake), Events: unix.POLLIN}}
		_, err := unix.Poll(fds, -1)
		got := fds[0].Revents
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return Event{}, err
		case fds[1].Revents != 0:
			return Event{}, ErrClosed
		case got&(unix.POLLERR|unix.POLLHUP|unix.POLLNVAL) != 0:
			return Event{}, &os.PathError{Op: "poll", Path: a.path, Err: unix.ENODEV}
		case got&unix.POLLPRI != 0:
			var e eventArg
			if err := a.ioctl(dqEvent, unsafe.Pointer(&e)); err != nil {
				return Event{}, err
			}
			if e.event == eventStateChange {
				if err := a.locate(); err != nil {
					return Event{}, err
				}
				s, err := a.State()
				return Event{State: &s}, err
			}
		case got&unix.POLLIN != 0:
			arg := msgArg{timeout: 1000} // there is one: it does not wait
			if err := a.ioctl(receive, unsafe.Pointer(&arg)); err != nil {
				if errors.Is(err, unix.ETIMEDOUT) {
					continue
				}
				return Event{}, err
			}
			if m := message(&arg); m != nil && arg.rxStatus&rxOK != 0 {
				return Event{Message: m}, nil
			}
		}
	}
}
