package oauthdevice

import "log/slog"

// A Secret is a string that people must not read: a token, a device_code or a
// client secret. Printing or logging it shows "[secret]". Encoding it as JSON
// writes the value, because a store needs it.
type Secret string

const hidden = "[secret]"

// String hides the value.
func (Secret) String() string { return hidden }

// GoString hides the value from %#v.
func (Secret) GoString() string { return hidden }

// LogValue hides the value from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
