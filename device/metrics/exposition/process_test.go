package exposition

import "testing"

func TestOctets(t *testing.T) {
	const tcp = "TcpExt: SyncookiesSent InOctets OutOctets\nTcpExt: 1 2 3\n"
	for name, test := range map[string]struct {
		text    string
		in, out float64
	}{
		"empty":                {"", 0, 0},
		"both":                 {tcp + "IpExt: InNoRoutes InOctets OutOctets InMcastOctets\nIpExt: 4 791335677 5579690 8\n", 791335677, 5579690},
		"other protocol":       {tcp, 0, 0},
		"more than 32 bits":    {"IpExt: InOctets OutOctets\nIpExt: 5000000000 1\n", 5e9, 1},
		"names without values": {"IpExt: InOctets OutOctets\n", 0, 0},
		"fewer values":         {"IpExt: InOctets OutOctets\nIpExt: 7\n", 7, 0},
		"more values":          {"IpExt: InOctets\nIpExt: 7 8 9\n", 7, 0},
		"not a number":         {"IpExt: InOctets OutOctets\nIpExt: x 9\n", 0, 9},
	} {
		if in, out := octets(test.text); in != test.in || out != test.out {
			t.Errorf("%s: got %v and %v, want %v and %v", name, in, out, test.in, test.out)
		}
	}
}
