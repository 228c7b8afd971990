package device

import "context"

// An Origin says where the value of a setting comes from.
type Origin string

// The origins of settings, weakest first.
const (
	FromDefault     Origin = "default"
	FromFile        Origin = "file"  // of the operator
	FromFleet       Origin = "fleet" // of the box's group
	FromPhone       Origin = "phone" // set by a person: phone, menu or pickerd set
	FromEnvironment Origin = "environment"
)

// A Setting is one key of the configuration that people may set.
type Setting struct {
	Value   any    `json:"value"`
	Default any    `json:"default"`
	Origin  Origin `json:"origin"`
	Locked  bool   `json:"locked"` // the operator's files forbid another value
}

// Codes of a SettingError.
const (
	InvalidSetting = "invalid_setting"
	UnknownSetting = "unknown_setting"
	NotSettable    = "not_settable"
	SettingLocked  = "locked"
	PINRequired    = "pin_required"
)

// A SettingError says why settings were not changed.
type SettingError struct {
	Code    string
	Key     string
	Nearest string // the known key that Key most likely means; "" if none is near
	Message string // what is wrong, in English
}

func (e *SettingError) Error() string {
	if e.Key == "" {
		return e.Message
	}
	return e.Key + ": " + e.Message
}

// Settings are those keys of the configuration that people may set.
type Settings interface {
	// Settings returns the settings in force, by key.
	Settings() map[string]Setting
	// Change sets all of the given settings, or none. A nil value returns a setting to
	// the operator's files. A text is taken for the value of any setting, as in the
	// environment. What is set is on disk and in force when Change returns.
	// Errors are *SettingError and those of the disk (*StoreError).
	Change(ctx context.Context, changes map[string]any) error
}
