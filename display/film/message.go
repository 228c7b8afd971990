package film

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"time"

	"pickerd/display/photo/outside"
)

// A connection plays one film. The order is 24 bytes: "FLM1", the width and the height
// that frames have at most, 16 bits each, the volume, whether they cover that size and
// the number of slots, 8 bits each, one byte of 0, the beginning in nanoseconds, 64 bits,
// and 4 bytes of 0. Two descriptors of the film come with it, which don't share a
// position, and one of memory that holds the slots. After that the client sends requests
// of 8 bytes: a word and a value. The service sends answers of 64 bytes.
const (
	wordOrder = "FLM1"
	orderSize = 24

	requestSize = 8
	answerSize  = 64
	maxName     = 40 // bytes of a decoder's name
)

// Words of requests.
const (
	WordNext   = "NEXT" // the client has used the last frame and waits for the next one
	WordPause  = "PAUS" // value 1, or 0 to resume
	WordVolume = "VOLU" // the value is 0 to 100
)

// Words of answers.
const (
	WordInfo  = "INFO" // what is known of the film
	WordFrame = "FRAM" // the frame that the client waits for, which is now due
	WordEnd   = "OVER" // the film is over
	WordFail  = "FAIL" // an outside.Reason
)

// An Answer is what the service sends.
type Answer struct {
	Word  string
	Value uint32 // WordInfo: 1 with sound; WordFrame: the slot; WordFail: the reason
	W, H  int    // WordFrame: the size of the frame
	// Dropped counts the frames that were late so far.
	Dropped uint32
	Time    time.Duration // WordInfo: the film's duration; WordFrame: the timestamp
	Name    string        // WordInfo: the decoder
}

// Append encodes an answer.
func (a Answer) Append(b []byte) []byte {
	end := len(b) + answerSize
	b = append(b, a.Word...)
	b = binary.BigEndian.AppendUint32(b, a.Value)
	b = binary.BigEndian.AppendUint16(b, uint16(a.W))
	b = binary.BigEndian.AppendUint16(b, uint16(a.H))
	b = binary.BigEndian.AppendUint32(b, a.Dropped)
	b = binary.BigEndian.AppendUint64(b, uint64(a.Time))
	b = append(b, a.Name[:min(len(a.Name), maxName)]...)
	return append(b, make([]byte, end-len(b))...)
}

// readAnswer reads an answer.
func readAnswer(r io.Reader) (Answer, error) {
	var b [answerSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return Answer{}, err
	}
	name, _, _ := bytes.Cut(b[answerSize-maxName:], []byte{0})
	for i, c := range name { // it goes to logs and screens
		if c < ' ' || c > '~' {
			name[i] = '?'
		}
	}
	return Answer{
		Word:    string(b[:4]),
		Value:   binary.BigEndian.Uint32(b[4:]),
		W:       int(binary.BigEndian.Uint16(b[8:])),
		H:       int(binary.BigEndian.Uint16(b[10:])),
		Dropped: binary.BigEndian.Uint32(b[12:]),
		Time:    time.Duration(binary.BigEndian.Uint64(b[16:])),
		Name:    string(name),
	}, nil
}

// ReadRequest reads a request of the client.
func ReadRequest(r io.Reader) (word string, value int, err error) {
	var b [requestSize]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return "", 0, err
	}
	return string(b[:4]), int(binary.BigEndian.Uint32(b[4:])), nil
}

// An Order is what the service receives.
type Order struct {
	Video, Sound *os.File // the same film, with positions of their own
	Memory       *os.File // Slots times W by H pixels
	Slots        int
	W, H         int
	Cover        bool
	Start        time.Duration
	Volume       int
}

const (
	// minSlots is one that is shown, one that is ready, and one that is being decoded.
	// maxSlots bounds how far the decoder gets ahead.
	minSlots, maxSlots = 3, 8
	// maxMemory bounds the slots, if there are more than minSlots.
	maxMemory = 48 << 20
)

// append encodes an order.
func (o Order) append(b []byte) []byte {
	b = append(b, wordOrder...)
	b = binary.BigEndian.AppendUint16(b, uint16(o.W))
	b = binary.BigEndian.AppendUint16(b, uint16(o.H))
	cover := byte(0)
	if o.Cover {
		cover = 1
	}
	b = append(b, byte(o.Volume), cover, byte(o.Slots), 0)
	b = binary.BigEndian.AppendUint64(b, uint64(o.Start))
	return append(b, 0, 0, 0, 0)
}

// errOrder means that an order is malformed.
var errOrder = errors.New("wrong order")

// IsOrder reports whether a message is an order, which may be malformed.
func IsOrder(m outside.Message) bool { return bytes.HasPrefix(m.Text, []byte(wordOrder)) }

// ParseOrder returns the order that a message is. Its files are those of the message.
func ParseOrder(m outside.Message) (Order, error) {
	b := m.Text
	if !IsOrder(m) || len(b) != orderSize || len(m.Files) != 3 {
		return Order{}, errOrder
	}
	o := Order{
		Video: m.Files[0], Sound: m.Files[1], Memory: m.Files[2],
		W: int(binary.BigEndian.Uint16(b[4:])), H: int(binary.BigEndian.Uint16(b[6:])),
		Volume: min(int(b[8]), 100), Cover: b[9] == 1, Slots: int(b[10]),
		Start: max(time.Duration(binary.BigEndian.Uint64(b[12:])), 0),
	}
	if o.W < 1 || o.H < 1 || o.W > MaxSide || o.H > MaxSide || o.Slots < minSlots || o.Slots > maxSlots {
		return Order{}, errOrder
	}
	for _, f := range m.Files {
		if !outside.IsRegular(f) {
			return Order{}, errOrder
		}
	}
	if st, err := o.Memory.Stat(); err != nil || st.Size() != int64(o.Slots*o.SlotSize()) {
		return Order{}, errOrder
	}
	return o, nil
}

// SlotSize returns the size of a slot in bytes.
func (o Order) SlotSize() int { return 4 * o.W * o.H }
