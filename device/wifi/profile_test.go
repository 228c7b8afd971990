package wifi_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf8"

	"pickerd/device"
	"pickerd/device/wifi"
)

func TestAccessName(t *testing.T) {
	for box, want := range map[string]string{
		"Living room":                "Living room setup",
		"":                           "pickerd setup",
		"\x00\n":                     "pickerd setup",
		strings.Repeat("a", 60):      strings.Repeat("a", 26) + " setup",
		strings.Repeat("客", 20):      strings.Repeat("客", 8) + " setup",
		"a name that ends in a b c":  "a name that ends in a b c setup",
		"a name that has 25 bytes  ": "a name that has 25 bytes setup",
		"bad \xff bytes":             "bad  bytes setup",
	} {
		if got := wifi.AccessName(box); got != want || len(got) > 32 {
			t.Errorf("%q: %q, want %q", box, got, want)
		}
	}
}

// A passphrase is new each time, and none of its letters looks like another.
func TestPassphrase(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		p := wifi.NewPassphrase()
		if len(p) != 12 || strings.ContainsAny(p, "ilo01") || strings.Trim(p, "abcdefghjkmnpqrstuvwxyz") != "" || seen[p] {
			t.Errorf("passphrase %q", p)
		}
		seen[p] = true
	}
}

// The text of the QR code is that of the ZXing project, which phones read.
func TestAccessPointQR(t *testing.T) {
	for _, tt := range []struct{ ssid, want string }{
		{"Living room setup", "WIFI:T:WPA;S:Living room setup;P:abc;;"},
		{`a;b,c:d\e"f`, `WIFI:T:WPA;S:a\;b\,c\:d\\e\"f;P:abc;;`},
	} {
		if got := (device.AccessPoint{SSID: tt.ssid, Passphrase: "abc"}).QR(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}

// A name on the air becomes a text of bounded length without anything that a terminal
// or a page could take for more than letters.
func FuzzPrintable(f *testing.F) {
	for _, s := range []string{"Home", "caf\xe9", "\x1b[31m", "\u202ethgir", strings.Repeat("客", 20)} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, ssid []byte) {
		text := wifi.Printable(ssid)
		if !utf8.ValidString(text) || len(text) > 32*utf8.UTFMax || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x202a && r <= 0x202e }) {
			t.Errorf("%q becomes %q", ssid, text)
		}
	})
}

// datagram is what the kernel says of stations: messages of nl80211 and the end.
func datagram(stations int) []byte {
	var b []byte
	for range stations {
		b = binary.NativeEndian.AppendUint32(b, 16+4+8)
		b = binary.NativeEndian.AppendUint16(b, 30)
		b = append(b, make([]byte, 10)...)
		b = append(b, 19, 1, 0, 0) // NL80211_CMD_NEW_STATION
		b = binary.NativeEndian.AppendUint16(b, 8)
		b = binary.NativeEndian.AppendUint16(b, 3)
		b = binary.NativeEndian.AppendUint32(b, 7)
	}
	b = binary.NativeEndian.AppendUint32(b, 20)
	b = binary.NativeEndian.AppendUint16(b, 3) // NLMSG_DONE
	return append(b, make([]byte, 14)...)
}

func TestStations(t *testing.T) {
	for _, want := range []int{0, 1, 5} {
		if n, done, err := wifi.CountStations(datagram(want)); n != want || !done || err != nil {
			t.Errorf("%d stations, %v, %v; want %d", n, done, err, want)
		}
	}
	if _, done, err := wifi.CountStations([]byte{255, 0, 0, 0, 30, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}); !done || err == nil {
		t.Error("no error for a message that is longer than the datagram")
	}
}

func FuzzStations(f *testing.F) {
	f.Add(datagram(2))
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, _, _ := wifi.CountStations(b); n > len(b)/20 {
			t.Errorf("%d stations in %d bytes", n, len(b))
		}
	})
}
