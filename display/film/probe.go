package film

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"time"

	"pickerd/display/photo/outside"
)

// Abilities are what a decoder says of itself.
type Abilities struct {
	Decoders []string // in the order in which they are tried
	Missing  []string // programs that are not installed, and codecs that ffmpeg lacks
}

const (
	wordProbe     = "ASK1"
	prefixDecoder = "decoder "
	prefixMissing = "missing "
	// maxProbe bounds the time of an answer, and maxAbilities its bytes.
	maxProbe     = 20 * time.Second
	maxAbilities = 4 << 10
)

// Probe asks the service that listens at a socket how it decodes films. Errors are
// outside.ErrUnavailable, outside.ErrAnswer, and ctx's.
func Probe(ctx context.Context, socket string) (Abilities, error) {
	ctx, cancel := context.WithTimeout(ctx, maxProbe)
	defer cancel()
	conn, err := outside.Dial(ctx, socket)
	if err != nil {
		return Abilities{}, err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := conn.Write([]byte(wordProbe)); err != nil {
		return Abilities{}, fmt.Errorf("%w: %w", outside.ErrAnswer, err)
	}
	a := readAbilities(conn)
	if ctx.Err() != nil {
		return Abilities{}, ctx.Err()
	}
	if len(a.Decoders)+len(a.Missing) == 0 {
		return Abilities{}, outside.ErrAnswer
	}
	return a, nil
}

// readAbilities reads an answer.
func readAbilities(r io.Reader) (a Abilities) {
	for lines := bufio.NewScanner(io.LimitReader(r, maxAbilities)); lines.Scan(); {
		line := strings.Map(func(c rune) rune { // it goes to terminals
			if c < ' ' || c > '~' {
				return -1
			}
			return c
		}, lines.Text())
		if name, ok := strings.CutPrefix(line, prefixDecoder); ok {
			a.Decoders = append(a.Decoders, name)
		} else if name, ok := strings.CutPrefix(line, prefixMissing); ok {
			a.Missing = append(a.Missing, name)
		}
	}
	return a
}

// IsProbe reports whether a message asks for the abilities.
func IsProbe(m outside.Message) bool { return string(m.Text) == wordProbe }

// Send answers to Probe.
func (a Abilities) Send(c *net.UnixConn) error {
	var b strings.Builder
	for _, name := range a.Decoders {
		b.WriteString(prefixDecoder + name + "\n")
	}
	for _, name := range a.Missing {
		b.WriteString(prefixMissing + name + "\n")
	}
	_, err := io.WriteString(c, b.String())
	return err
}
