package store

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
)

// Records that are not sealed begin with a mark and a checksum of their bucket, key
// and content: a flipped bit would otherwise make a photo another one, or none.
// Records of schema versions before 3 are JSON alone.
const (
	recordMark   = 'c'
	recordHeader = 1 + crc32.Size
)

// A recordError means that a record is not as it was written.
type recordError struct{ bucket, key []byte }

func (e *recordError) Error() string {
	// The record itself may have a name that a person chose.
	return fmt.Sprintf("record %s/%q is damaged", e.bucket, e.key)
}

// encode returns a record with its checksum.
func encode(bucket, key []byte, v any) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return withSum(bucket, key, data), nil
}

func withSum(bucket, key, data []byte) []byte {
	record := binary.BigEndian.AppendUint32([]byte{recordMark}, recordSum(bucket, key, data))
	return append(record, data...)
}

func recordSum(bucket, key, data []byte) uint32 {
	sum := crc32.Update(0, castagnoli, additionalData(bucket, key))
	return crc32.Update(sum, castagnoli, data)
}

// isOld reports whether a record has the format without a checksum. No single flipped
// bit makes a record look like that.
func isOld(record []byte) bool {
	return len(record) > 0 && bytes.IndexByte([]byte("{[n"), record[0]) >= 0
}

// content returns the JSON of a record, and whether that is as it was written.
func content(bucket, key, record []byte) (data []byte, intact bool) {
	if isOld(record) {
		return record, true
	}
	if len(record) < recordHeader {
		return nil, false
	}
	data = record[recordHeader:]
	return data, record[0] == recordMark && binary.BigEndian.Uint32(record[1:]) == recordSum(bucket, key, data)
}

// decodeRecord returns a record. Its error is a *recordError.
func decodeRecord[T any](bucket, key, record []byte) (*T, error) {
	data, intact := content(bucket, key, record)
	if !intact {
		return nil, &recordError{bytes.Clone(bucket), bytes.Clone(key)}
	}
	v := new(T)
	if err := json.Unmarshal(data, v); err != nil {
		return nil, &recordError{bytes.Clone(bucket), bytes.Clone(key)}
	}
	return v, nil
}

// salvage returns what can be read of a damaged record, nil if that is nothing.
func salvage[T any](bucket, key, record []byte) *T {
	data, _ := content(bucket, key, record)
	v := new(T)
	if json.Unmarshal(data, v) != nil {
		return nil
	}
	return v
}

// maxCorrected bounds the records that corrected tries: the time is the square of the
// length.
const maxCorrected = 4 << 10

// corrected returns a record in which one bit was flipped as it was written, nil if
// there is no such record. Up to maxCorrected, no other single bit fits the checksum.
func corrected(bucket, key, record []byte) []byte {
	if len(record) < recordHeader || len(record) > maxCorrected {
		return nil
	}
	fixed := bytes.Clone(record)
	for i := range fixed {
		for bit := byte(1); bit != 0; bit <<= 1 {
			fixed[i] ^= bit
			if _, intact := content(bucket, key, fixed); intact && !isOld(fixed) {
				return fixed
			}
			fixed[i] ^= bit
		}
	}
	return nil
}
