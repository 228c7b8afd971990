// Package cec speaks with a television over HDMI-CEC, by the kernel's devices
// /dev/cec*. It takes the keys of the television's remote control, follows the
// television when it is switched off and on, and may switch it off and on with the
// screen. Names are those of linux/cec.h; the messages are defined in the HDMI
// specification 1.4b, supplement 1.
package cec

import "fmt"

// An Opcode says what a message means.
type Opcode uint8

// String writes the opcode as linux/cec.h does.
func (o Opcode) String() string { return fmt.Sprintf("%#02x", uint8(o)) }

// The messages that this package knows.
const (
	FeatureAbort          Opcode = 0x00
	ImageViewOn           Opcode = 0x04
	GiveDeckStatus        Opcode = 0x1a
	DeckStatus            Opcode = 0x1b
	Standby               Opcode = 0x36
	Play                  Opcode = 0x41
	DeckControl           Opcode = 0x42
	UserControlPressed    Opcode = 0x44
	UserControlReleased   Opcode = 0x45
	GiveOSDName           Opcode = 0x46
	SetOSDName            Opcode = 0x47
	RoutingChange         Opcode = 0x80
	RoutingInformation    Opcode = 0x81
	ActiveSource          Opcode = 0x82
	RequestActiveSource   Opcode = 0x85
	SetStreamPath         Opcode = 0x86
	DeviceVendorID        Opcode = 0x87
	GiveDeviceVendorID    Opcode = 0x8c
	MenuRequest           Opcode = 0x8d
	MenuStatus            Opcode = 0x8e
	GiveDevicePowerStatus Opcode = 0x8f
	ReportPowerStatus     Opcode = 0x90
	InactiveSource        Opcode = 0x9d
)

// The logical addresses that this package knows.
const (
	TV        = 0x0
	Broadcast = 0xf // as a destination; Unregistered as an initiator
	// NoLogicalAddress is that of an adapter that has none.
	NoLogicalAddress = 0xff
)

// Operands of ReportPowerStatus.
const (
	PowerOn        = 0
	PowerStandby   = 1
	PowerToOn      = 2
	PowerToStandby = 3
)

// A Message is a header of initiator and destination, an opcode and its operands. One
// without an opcode is a poll. It has at most 16 bytes.
type Message []byte

// NewMessage returns a message.
func NewMessage(from, to uint8, op Opcode, operands ...byte) Message {
	return append(Message{from<<4 | to, byte(op)}, operands...)
}

// From returns the logical address of the initiator, To that of the destination.
func (m Message) From() uint8 { return m[0] >> 4 }

// To returns the logical address of the destination.
func (m Message) To() uint8 { return m[0] & 0xf }

// isPoll reports whether the message has no opcode.
func (m Message) isPoll() bool { return len(m) < 2 }

// Op returns the opcode of a message that is no poll.
func (m Message) Op() Opcode { return Opcode(m[1]) }

// Operands returns what follows the opcode.
func (m Message) Operands() []byte { return m[2:] }

// A PhysicalAddress is where a device is plugged in: 1.2.0.0 is the second input of
// what is in the first input of the television, 0.0.0.0.
type PhysicalAddress uint16

// NoPhysicalAddress is that of an adapter without a television.
const NoPhysicalAddress PhysicalAddress = 0xffff

// String returns the address as people write it.
func (p PhysicalAddress) String() string {
	if p == NoPhysicalAddress {
		return "none"
	}
	return fmt.Sprintf("%x.%x.%x.%x", uint16(p)>>12, uint16(p)>>8&0xf, uint16(p)>>4&0xf, uint16(p)&0xf)
}

func (p PhysicalAddress) bytes() []byte { return []byte{byte(p >> 8), byte(p)} }

// addressIn returns the physical address in operands from a place on.
func addressIn(operands []byte, at int) (PhysicalAddress, bool) {
	if len(operands) < at+2 {
		return NoPhysicalAddress, false
	}
	return PhysicalAddress(operands[at])<<8 | PhysicalAddress(operands[at+1]), true
}
