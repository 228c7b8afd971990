package wifi_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"pickerd/device/wifi"
)

const (
	nm         = "org.freedesktop.NetworkManager"
	nmPath     = dbus.ObjectPath("/org/freedesktop/NetworkManager")
	radioPath  = nmPath + "/Devices/3"
	properties = "org.freedesktop.DBus.Properties"
)

// A change is one of the radio's state, by NMDeviceState and NMDeviceStateReason.
type change struct{ state, reason uint32 }

type props map[string]any

// A fakeManager is NetworkManager, and the bus, at one end of a pipe. It plays what was
// seen of NetworkManager 1.42.
type fakeManager struct {
	t    *testing.T
	conn net.Conn
	out  sync.Mutex
	wg   sync.WaitGroup

	mu          sync.Mutex
	owned       bool // NetworkManager runs
	permissions map[string]string
	objects     map[dbus.ObjectPath]map[string]props
	profiles    map[dbus.ObjectPath]wifi.Settings
	saved       []dbus.ObjectPath // profiles on disk
	options     map[string]dbus.Variant
	changes     []change // of the next activation
	vanishes    bool     // scans hear nothing, but what was heard is known for a while
	refuse      string   // error name of AddAndActivateConnection2
	noScan      bool
	silent      int // GetPermissions stays without an answer that often
	made        int
}

func newFakeManager(t *testing.T) *fakeManager {
	m := &fakeManager{t: t, owned: true, permissions: map[string]string{}, profiles: map[dbus.ObjectPath]wifi.Settings{}}
	for _, p := range wifi.Permissions {
		m.permissions[p] = "yes"
	}
	m.objects = map[dbus.ObjectPath]map[string]props{
		nmPath:                {nm: {"State": uint32(20), "Connectivity": uint32(1), "Startup": false, "ConnectivityCheckAvailable": true, "ConnectivityCheckEnabled": true}},
		nmPath + "/Devices/1": {nm + ".Device": {"DeviceType": uint32(32), "State": uint32(100)}},
		radioPath: {
			nm + ".Device":          {"DeviceType": uint32(2), "State": uint32(30), "Interface": "wlan0"},
			nm + ".Device.Wireless": {"Mode": uint32(2), "WirelessCapabilities": uint32(0x40), "LastScan": int64(100_000), "ActiveAccessPoint": dbus.ObjectPath("/")},
		},
	}
	return m
}

// hear adds an access point.
func (m *fakeManager) hear(ssid string, flags, wpa, rsn uint32, strength byte, more ...uint32) dbus.ObjectPath {
	m.mu.Lock()
	defer m.mu.Unlock()
	mode := uint32(2)
	if len(more) > 0 {
		mode = more[0]
	}
	path := nmPath + dbus.ObjectPath(fmt.Sprintf("/AccessPoint/%d", len(m.objects)))
	m.objects[path] = map[string]props{nm + ".AccessPoint": {"Ssid": []byte(ssid), "Flags": flags, "WpaFlags": wpa, "RsnFlags": rsn, "Strength": strength, "Mode": mode, "LastSeen": int32(100)}}
	return path
}

// dial is the wifi.Dial of the other end.
func (m *fakeManager) dial(ctx context.Context) (*dbus.Conn, error) {
	client, server := net.Pipe()
	m.conn = server
	m.wg.Go(m.serve)
	conn, err := dbus.NewConn(client, dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, err
	}
	if err := conn.Auth(nil); err != nil {
		return nil, err
	}
	return conn, conn.Hello()
}

// connect returns a NetworkManager that talks to the fake one.
func (m *fakeManager) connect() *wifi.NetworkManager {
	m.t.Helper()
	n, err := wifi.Connect(m.t.Context(), m.dial, discard)
	if err != nil {
		m.t.Fatal(err)
	}
	return n
}

func (m *fakeManager) serve() {
	in := bufio.NewReader(m.conn)
	if !m.authenticate(in) {
		return
	}
	for {
		msg, err := dbus.DecodeMessage(in)
		if err != nil {
			return // the client has gone
		}
		if m.ignores(msg) {
			continue
		}
		body, err := m.answer(msg)
		reply := &dbus.Message{Type: dbus.TypeMethodReply, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{dbus.FieldReplySerial: dbus.MakeVariant(msg.Serial())}}
		if err != nil {
			reply.Type, reply.Body = dbus.TypeError, []any{"refused: psk"}
			reply.Headers[dbus.FieldErrorName] = dbus.MakeVariant(err.Error())
		}
		m.send(reply)
		if msg.Headers[dbus.FieldMember].Value() == "AddAndActivateConnection2" && err == nil {
			m.activate()
		}
	}
}

// ignores reports whether a call gets no answer.
func (m *fakeManager) ignores(msg *dbus.Message) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.silent == 0 || msg.Headers[dbus.FieldMember].Value() != "GetPermissions" {
		return false
	}
	m.silent--
	return true
}

// authenticate is the server's side of SASL.
func (m *fakeManager) authenticate(in *bufio.Reader) bool {
	if b, err := in.ReadByte(); err != nil || b != 0 {
		return false
	}
	for {
		line, err := in.ReadString('\n')
		answer := "ERROR"
		switch line = strings.TrimSpace(line); {
		case err != nil:
			return false
		case line == "AUTH":
			answer = "REJECTED EXTERNAL"
		case line == "AUTH EXTERNAL":
			answer = "DATA"
		case strings.HasPrefix(line, "AUTH EXTERNAL"), strings.HasPrefix(line, "DATA"):
			answer = "OK 0123456789abcdef"
		case line == "BEGIN":
			return true
		}
		if _, err := io.WriteString(m.conn, answer+"\r\n"); err != nil {
			return false
		}
	}
}

func (m *fakeManager) send(msg *dbus.Message) {
	if len(msg.Body) > 0 {
		msg.Headers[dbus.FieldSignature] = dbus.MakeVariant(dbus.SignatureOf(msg.Body...))
	}
	msg.Headers[dbus.FieldSender] = dbus.MakeVariant(":1.2")
	var b bytes.Buffer
	if err := msg.EncodeTo(&b, binary.LittleEndian); err != nil {
		m.t.Errorf("the fake can't send: %v", err)
		return
	}
	m.out.Lock()
	defer m.out.Unlock()
	_, _ = m.conn.Write(b.Bytes()) // the client may have gone
}

func (m *fakeManager) signal(path dbus.ObjectPath, iface, member string, body ...any) {
	m.send(&dbus.Message{Type: dbus.TypeSignal, Body: body, Headers: map[dbus.HeaderField]dbus.Variant{
		dbus.FieldPath: dbus.MakeVariant(path), dbus.FieldInterface: dbus.MakeVariant(iface), dbus.FieldMember: dbus.MakeVariant(member)}})
}

// own starts or stops NetworkManager.
func (m *fakeManager) own(runs bool) {
	m.mu.Lock()
	m.owned = runs
	m.mu.Unlock()
	m.signal("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameOwnerChanged", nm, "", "")
}

// set changes a property.
func (m *fakeManager) set(path dbus.ObjectPath, iface, name string, v any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects[path][iface][name] = v
}

// activate plays an activation.
func (m *fakeManager) activate() {
	m.mu.Lock()
	changes := m.changes
	m.mu.Unlock()
	before := uint32(30)
	for _, c := range changes {
		m.set(radioPath, nm+".Device", "State", c.state)
		m.signal(radioPath, nm+".Device", "StateChanged", c.state, before, c.reason)
		before = c.state
	}
}

// answer carries out a method.
func (m *fakeManager) answer(msg *dbus.Message) ([]any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	path, _ := msg.Headers[dbus.FieldPath].Value().(dbus.ObjectPath)
	member, _ := msg.Headers[dbus.FieldMember].Value().(string)
	switch member {
	case "Hello":
		return []any{":1.7"}, nil
	case "AddMatch", "Save", "DeactivateConnection":
		if member == "Save" {
			m.saved = append(m.saved, path)
		}
		return nil, nil
	case "NameHasOwner":
		return []any{m.owned}, nil
	case "GetPermissions":
		return []any{m.permissions}, nil
	case "GetDevices":
		return []any{[]dbus.ObjectPath{nmPath + "/Devices/1", radioPath}}, nil
	case "GetAll":
		p, ok := m.objects[path][msg.Body[0].(string)]
		if !ok {
			return nil, dbus.NewError("org.freedesktop.DBus.Error.UnknownObject", nil)
		}
		out := map[string]dbus.Variant{}
		for k, v := range p {
			out[k] = dbus.MakeVariant(v)
		}
		return []any{out}, nil
	case "GetAllAccessPoints":
		return []any{slices.Sorted(func(yield func(dbus.ObjectPath) bool) {
			for p := range m.objects {
				if strings.Contains(string(p), "/AccessPoint/") && !yield(p) {
					return
				}
			}
		})}, nil
	case "RequestScan":
		return m.scan()
	case "ListConnections":
		return []any{slices.Sorted(maps.Keys(m.profiles))}, nil
	case "GetSettings":
		return []any{withoutSecrets(m.profiles[path])}, nil
	case "Delete":
		delete(m.profiles, path)
		return nil, nil
	case "AddAndActivateConnection2":
		return m.add(msg)
	}
	return nil, fmt.Errorf("org.freedesktop.DBus.Error.UnknownMethod.%s", member)
}

func (m *fakeManager) scan() ([]any, error) {
	var refused error
	if m.noScan { // it will come by itself
		refused = dbus.NewError(nm+".Device.NotAllowed", nil)
	}
	w := m.objects[radioPath][nm+".Device.Wireless"]
	m.wg.Go(func() {
		time.Sleep(3 * time.Second)
		m.mu.Lock()
		w["LastScan"] = w["LastScan"].(int64) + 60_000
		for _, o := range m.objects {
			if a := o[nm+".AccessPoint"]; a != nil && a["LastSeen"] != int32(-1) && !m.vanishes {
				a["LastSeen"] = int32(w["LastScan"].(int64)/1000) - 1
			}
		}
		m.mu.Unlock()
		m.signal(radioPath, properties, "PropertiesChanged", nm+".Device.Wireless", map[string]dbus.Variant{"LastScan": dbus.MakeVariant(int64(1))}, []string{})
	})
	return nil, refused
}

func (m *fakeManager) add(msg *dbus.Message) ([]any, error) {
	if m.refuse != "" {
		return nil, dbus.NewError(m.refuse, nil)
	}
	var s wifi.Settings
	if err := dbus.Store(msg.Body[:1], &s); err != nil {
		m.t.Error(err)
	}
	m.options, _ = msg.Body[3].(map[string]dbus.Variant)
	m.made++
	path := nmPath + dbus.ObjectPath(fmt.Sprintf("/Settings/%d", 100+m.made))
	m.profiles[path] = s
	return []any{path, nmPath + "/ActiveConnection/1", map[string]dbus.Variant{}}, nil
}

// withoutSecrets is what NetworkManager shows of a profile.
func withoutSecrets(s wifi.Settings) wifi.Settings {
	out := wifi.Settings{}
	for k, v := range s {
		out[k] = maps.Clone(v)
		delete(out[k], "psk")
	}
	return out
}
