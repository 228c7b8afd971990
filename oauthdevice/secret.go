package oauthdevice

import "log/slog"

// A Secret is a string that must not be read by people: a token, a
// device_code, a client secret. Printing or logging it shows "[secret]";
// encoding it as JSON does not hide it, because the store needs the value.
type Secret string

const hidden = "[secret]"

// String hides the value.
func (Secret) String() string { return hidden }

// GoString hides the value from %#v.
func (Secret) GoString() string { return hidden }

// LogValue hides the value from slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
