package cec

import "time"

// keyOf maps the operand of UserControlPressed (CEC table 27) to a key of
// linux/input-event-codes.h, as the kernel's map rc-cec does for most.
var keyOf = [256]uint16{
	0x00: 0x160, // Select: KEY_OK
	0x01: 103,   // Up
	0x02: 108,   // Down
	0x03: 105,   // Left
	0x04: 106,   // Right
	0x09: 139,   // Root Menu: KEY_MENU
	0x0a: 139,   // Setup Menu
	0x0b: 139,   // Contents Menu
	0x0d: 174,   // Exit: KEY_EXIT
	0x10: 139,   // Media Top Menu
	0x11: 139,   // Media Context-sensitive Menu
	0x2b: 28,    // Enter
	0x41: 115,   // Volume Up
	0x42: 114,   // Volume Down
	0x43: 113,   // Mute
	0x44: 207,   // Play
	0x45: 128,   // Stop
	0x46: 119,   // Pause
	0x48: 0x19c, // Rewind: KEY_PREVIOUS, as few remotes have Backward
	0x49: 0x197, // Fast Forward: KEY_NEXT
	0x4b: 0x197, // Forward: KEY_NEXT
	0x4c: 0x19c, // Backward: KEY_PREVIOUS
	0x60: 207,   // Play Function
	0x61: 164,   // Pause-Play Function: KEY_PLAYPAUSE
}

// The operands of UserControlPressed that switch a device.
const (
	controlPower       = 0x40
	controlPowerToggle = 0x6b
	controlPowerOff    = 0x6c
	controlPowerOn     = 0x6d
)

// What Config.Key is told of a key, as in struct input_event.
const (
	keyUp     = 0
	keyDown   = 1
	keyRepeat = 2
)

// releaseAfter is how long after UserControlPressed a key counts as released that the
// television has not repeated: it repeats it every 500 ms at most.
const releaseAfter = 550 * time.Millisecond

// A keypad follows the one key of the television's remote control that is down.
type keypad struct {
	code    uint16 // 0 if none is
	release *time.Timer
	report  func(code uint16, value int32)
}

// press takes in UserControlPressed.
func (k *keypad) press(control byte) {
	code := keyOf[control]
	switch {
	case code == 0:
		k.up()
		return
	case code == k.code:
		k.report(code, keyRepeat)
	default:
		k.up()
		k.code = code
		k.report(code, keyDown)
	}
	k.release.Reset(releaseAfter)
}

// tap is a key that is pressed and released at once.
func (k *keypad) tap(code uint16) {
	k.up()
	k.report(code, keyDown)
	k.report(code, keyUp)
}

// up releases the key that is down.
func (k *keypad) up() {
	k.release.Stop()
	if k.code != 0 {
		k.report(k.code, keyUp)
		k.code = 0
	}
}
