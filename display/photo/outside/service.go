package outside

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"

	"pickerd/display/pixel"
)

// A Request is a file to decode, in at most W by H pixels.
type Request struct {
	File *os.File
	W, H int
}

// errRequest means that a request is malformed.
var errRequest = errors.New("wrong request")

const (
	// maxMessage bounds the text of a request, and maxRights its descriptors.
	maxMessage = 64
	maxRights  = 4
)

// A Message is what a client says first on a connection, with the files that it hands
// over.
type Message struct {
	Text  []byte
	Files []*os.File
}

// Close closes the files.
func (m Message) Close() {
	for _, f := range m.Files {
		f.Close()
	}
}

// ReceiveMessage reads the first message of a connection. The caller closes it.
func ReceiveMessage(c *net.UnixConn) (Message, error) {
	b, oob := make([]byte, maxMessage), make([]byte, syscall.CmsgSpace(4*maxRights))
	n, oobn, flags, _, err := c.ReadMsgUnix(b, oob)
	if err != nil {
		return Message{}, fmt.Errorf("read the request: %w", err)
	}
	fds, err := rights(oob[:oobn])
	m := Message{Text: b[:n]}
	for _, fd := range fds {
		m.Files = append(m.Files, os.NewFile(uintptr(fd), "media"))
	}
	if err != nil || flags&(syscall.MSG_CTRUNC|syscall.MSG_TRUNC) != 0 {
		m.Close()
		return Message{}, errors.Join(errRequest, err)
	}
	return m, nil
}

// Request returns the request that a message is. Its file is that of the message.
func (m Message) Request() (Request, error) {
	if len(m.Text) != headSize || len(m.Files) != 1 || !IsRegular(m.Files[0]) {
		return Request{}, errRequest
	}
	word, w, h := parseHead(m.Text)
	if word != wordDecode || !isSize(w, h, MaxSide, MaxSide) {
		return Request{}, errRequest
	}
	return Request{m.Files[0], w, h}, nil
}

// IsRegular reports whether an open file is a regular one.
func IsRegular(f *os.File) bool {
	st, err := f.Stat()
	return err == nil && st.Mode().IsRegular()
}

// Receive reads the request of a connection. The caller closes its file.
func Receive(c *net.UnixConn) (Request, error) {
	m, err := ReceiveMessage(c)
	if err != nil {
		return Request{}, err
	}
	req, err := m.Request()
	if err != nil {
		m.Close()
	}
	return req, err
}

// rights returns the descriptors in a control message.
func rights(oob []byte) (fds []int, err error) {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	for _, m := range messages {
		got, err := syscall.ParseUnixRights(&m)
		if err != nil {
			return fds, err
		}
		for _, fd := range got {
			syscall.CloseOnExec(fd)
		}
		fds = append(fds, got...)
	}
	return fds, nil
}

// Send answers with a picture.
func Send(w io.Writer, m *pixel.Image) error {
	if _, err := w.Write(head(wordImage, m.W, m.H)); err != nil {
		return err
	}
	row := make([]byte, 3*m.W)
	for y := range m.H {
		for x, p := range m.Row(y) {
			row[3*x], row[3*x+1], row[3*x+2] = byte(p>>16), byte(p>>8), byte(p)
		}
		if _, err := w.Write(row); err != nil {
			return err
		}
	}
	return nil
}

// Refuse answers with a reason.
func Refuse(w io.Writer, why Reason) error {
	_, err := w.Write(binary.BigEndian.AppendUint32([]byte(wordFailed), uint32(why)))
	return err
}
