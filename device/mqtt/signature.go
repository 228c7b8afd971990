package mqtt

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// An envelope is a signed message. Sig is the Ed25519 signature (RFC 8032) of the
// decoded payload.
type envelope struct {
	Payload []byte `json:"payload"` // base64 (RFC 4648 §4)
	Key     string `json:"key"`     // KeyID of the operator's key
	Sig     []byte `json:"sig"`     // base64
}

// An Order is what an operator signs.
type Order struct {
	// Target is the ID of a box, or a group "LABEL=VALUE".
	Target string `json:"target"`
	// Serial grows from order to order of a target.
	Serial uint64 `json:"serial"`
	// NotAfter is when the order expires.
	NotAfter time.Time `json:"not_after"`
	// Settings are those of a group, or to be changed on a box.
	Settings map[string]any `json:"settings,omitempty"`
	// Command, ID and Args are another command for a box.
	Command string          `json:"command,omitempty"`
	ID      string          `json:"id,omitempty"`
	Args    json.RawMessage `json:"args,omitempty"`
}

// KeyID returns the name of a key in envelopes: the first 16 hexadecimal digits of its
// SHA-256.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// Sign returns an order in its envelope.
func (o Order) Sign(key ed25519.PrivateKey) ([]byte, error) {
	payload, err := json.Marshal(o)
	if err != nil {
		return nil, err
	}
	return json.Marshal(envelope{Payload: payload, Key: KeyID(key.Public().(ed25519.PublicKey)), Sig: ed25519.Sign(key, payload)})
}

// ParseKey returns the operator's public key from its base64 form (RFC 4648 §4).
func ParseKey(text string) (ed25519.PublicKey, error) {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("not an Ed25519 public key in base64, which has %d characters", base64.StdEncoding.EncodedLen(ed25519.PublicKeySize))
	}
	return key, nil
}

// An OrderError says why an order is refused.
type OrderError struct {
	Code    string
	Message string
	// Highest is the highest serial that was there before, if the order's is not higher.
	Highest uint64
}

func (e *OrderError) Error() string { return e.Message }

// Codes of an OrderError.
const (
	badEnvelope  = "bad_envelope"
	foreignKey   = "foreign_key"
	badSignature = "bad_signature"
	otherTarget  = "other_target"
	expiredOrder = "expired"
	olderSerial  = "older_serial"
)

// isEnvelope reports whether a message is an envelope rather than a command.
func isEnvelope(payload []byte) bool {
	var e struct{ Sig json.RawMessage }
	return json.Unmarshal(payload, &e) == nil && e.Sig != nil
}

// open returns the order in an envelope after its signature was checked with the key.
// Errors are *OrderError.
func open(data []byte, key ed25519.PublicKey) (Order, error) {
	var e envelope
	var o Order
	if len(data) > maxPayload || strict(data, &e) != nil {
		return o, &OrderError{Code: badEnvelope, Message: `The message is not {"payload":…,"key":…,"sig":…}.`}
	}
	if key == nil {
		return o, &OrderError{Code: foreignKey, Message: "This box takes no signed orders: it has no mqtt.operator_key."}
	}
	if e.Key != KeyID(key) {
		return o, &OrderError{Code: foreignKey, Message: "The order is signed with a key that is not mqtt.operator_key of this box."}
	}
	if !ed25519.Verify(key, e.Payload, e.Sig) {
		return o, &OrderError{Code: badSignature, Message: "The signature does not fit the payload."}
	}
	if err := strict(e.Payload, &o); err != nil {
		return o, &OrderError{Code: badEnvelope, Message: "The payload is not an order: " + err.Error() + "."}
	}
	return o, nil
}

// Serials keeps the highest serial of each target on disk.
type Serials interface {
	// Advance stores the serial of a target unless a stored one is as high or higher,
	// and reports whether it did.
	Advance(target string, serial uint64) (bool, error)
	// Highest returns the serial of a target, 0 without one.
	Highest(target string) (uint64, error)
}

// check checks that an order is for a target and still holds. Errors are *OrderError.
func check(o Order, target string, now time.Time) error {
	switch {
	case o.Target != target:
		return &OrderError{Code: otherTarget, Message: "The order is for " + quote(o.Target) + "."}
	case !now.Before(o.NotAfter):
		return &OrderError{Code: expiredOrder, Message: "The order has expired."}
	case o.Command != "" && o.Settings != nil:
		return &OrderError{Code: badEnvelope, Message: "An order has settings or a command, not both."}
	}
	return nil
}

// older is the error for a serial that is not higher than another one.
func older(serial, highest uint64) error {
	return &OrderError{Code: olderSerial, Message: fmt.Sprintf("An order with a higher serial than %d, or with the same, was there before.", serial), Highest: highest}
}

// accept checks that an order is for a box and new, and notes its serial. Errors are
// *OrderError and those of the disk.
func accept(o Order, box string, now time.Time, serials Serials) error {
	if err := check(o, box, now); err != nil {
		return err
	}
	ok, err := serials.Advance(box, o.Serial)
	if err != nil {
		return errors.Join(errors.New("serial not stored"), err)
	}
	if ok {
		return nil
	}
	highest, err := serials.Highest(box)
	if err != nil {
		return err
	}
	return older(o.Serial, highest)
}
