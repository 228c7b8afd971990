package wifi

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// Numbers of linux/genetlink.h and linux/nl80211.h.
const (
	getFamily   = 3 // CTRL_CMD_GETFAMILY
	familyID    = 1 // CTRL_ATTR_FAMILY_ID
	familyName  = 2 // CTRL_ATTR_FAMILY_NAME
	getStation  = 17
	newStation  = 19
	attrIfindex = 3
)

// maxStations bounds the answer of the kernel. A radio has fewer.
const maxStations = 512

// stations returns how many stations are in the network of an interface. NetworkManager
// does not tell. Every process may ask the kernel.
func stations(iface string) (int, error) {
	i, err := net.InterfaceByName(iface)
	if err != nil {
		return 0, fmt.Errorf("count stations: %w", err)
	}
	fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_GENERIC)
	if err != nil {
		return 0, fmt.Errorf("count stations: %w", os.NewSyscallError("socket", err))
	}
	defer unix.Close(fd)
	patience := unix.Timeval{Sec: 2}
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &patience); err != nil {
		return 0, fmt.Errorf("count stations: %w", os.NewSyscallError("setsockopt", err))
	}
	n, family := 0, uint16(0)
	err = ask(fd, unix.GENL_ID_CTRL, 0, getFamily, attribute(familyName, []byte("nl80211\x00")), func(_ uint8, attrs []byte) {
		if v := find(attrs, familyID); len(v) == 2 {
			family = binary.NativeEndian.Uint16(v)
		}
	})
	if err == nil && family == 0 {
		err = errors.New("the kernel has no nl80211")
	}
	if err == nil {
		index := binary.NativeEndian.AppendUint32(nil, uint32(i.Index))
		err = ask(fd, family, unix.NLM_F_DUMP, getStation, attribute(attrIfindex, index), func(command uint8, _ []byte) {
			if command == newStation {
				n++
			}
		})
	}
	if err != nil {
		return 0, fmt.Errorf("count stations: %w", err)
	}
	return n, nil
}

// ask sends a generic netlink request and yields the command and the attributes of each
// message of the answer.
func ask(fd int, family, flags uint16, command uint8, attrs []byte, yield func(command uint8, attrs []byte)) error {
	req := binary.NativeEndian.AppendUint32(nil, uint32(unix.NLMSG_HDRLEN+unix.GENL_HDRLEN+len(attrs)))
	req = binary.NativeEndian.AppendUint16(req, family)
	req = binary.NativeEndian.AppendUint16(req, unix.NLM_F_REQUEST|unix.NLM_F_ACK|flags)
	req = append(req, make([]byte, 8)...) // sequence number and port
	req = append(append(req, command, 1, 0, 0), attrs...)
	if err := unix.Sendto(fd, req, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return os.NewSyscallError("sendto", err)
	}
	buf := make([]byte, 64<<10)
	for range maxStations {
		k, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return os.NewSyscallError("recvfrom", err)
		}
		if done, err := messages(buf[:k], yield); done || err != nil {
			return err
		}
	}
	return errors.New("the kernel's answer is too long")
}

// messages yields the messages of a datagram. done reports that it has the last one.
func messages(b []byte, yield func(command uint8, attrs []byte)) (done bool, err error) {
	for len(b) >= unix.NLMSG_HDRLEN {
		size := int(binary.NativeEndian.Uint32(b))
		kind := binary.NativeEndian.Uint16(b[4:])
		if size < unix.NLMSG_HDRLEN || size > len(b) {
			return true, errMalformed
		}
		body := b[unix.NLMSG_HDRLEN:size]
		switch kind {
		case unix.NLMSG_DONE:
			return true, nil
		case unix.NLMSG_ERROR: // also an acknowledgement, with number 0
			if len(body) < 4 {
				return true, errMalformed
			}
			if n := int32(binary.NativeEndian.Uint32(body)); n != 0 {
				return true, unix.Errno(-n)
			}
			return true, nil
		default:
			if len(body) < unix.GENL_HDRLEN {
				return true, errMalformed
			}
			yield(body[0], body[unix.GENL_HDRLEN:])
		}
		b = b[min(align(size), len(b)):]
	}
	return false, nil
}

var errMalformed = errors.New("the kernel's answer is malformed")

// attribute encodes a netlink attribute.
func attribute(kind uint16, v []byte) []byte {
	b := binary.NativeEndian.AppendUint16(nil, uint16(unix.NLA_HDRLEN+len(v)))
	b = append(binary.NativeEndian.AppendUint16(b, kind), v...)
	return append(b, make([]byte, align(len(b))-len(b))...)
}

// find returns the value of an attribute, nil if there is none.
func find(b []byte, kind uint16) []byte {
	for len(b) >= unix.NLA_HDRLEN {
		size := int(binary.NativeEndian.Uint16(b))
		if size < unix.NLA_HDRLEN || size > len(b) {
			return nil
		}
		if binary.NativeEndian.Uint16(b[2:]) == kind {
			return b[unix.NLA_HDRLEN:size]
		}
		b = b[min(align(size), len(b)):]
	}
	return nil
}

func align(n int) int { return (n + unix.NLA_ALIGNTO - 1) &^ (unix.NLA_ALIGNTO - 1) }
