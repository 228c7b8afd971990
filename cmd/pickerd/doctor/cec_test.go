package doctor

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"pickerd/configs"
	"pickerd/display/cec"
)

// A fakeAdapter has a television that is on.
type fakeAdapter struct {
	name  string
	state cec.State
}

func (a fakeAdapter) String() string            { return a.name }
func (a fakeAdapter) State() (cec.State, error) { return a.state, nil }
func (a fakeAdapter) Close()                    {}
func (a fakeAdapter) Ask(m cec.Message, reply cec.Opcode) (cec.Message, error) {
	return cec.NewMessage(cec.TV, m.From(), reply, cec.PowerOn), nil
}

// TestAdapters checks that only adapters that the daemon may use are examined, and that
// one that it does not need is no trouble.
func TestAdapters(t *testing.T) {
	used, unused, alone := cec.State{Physical: 0x1000, Logical: 4}, cec.State{Physical: 0x2000, Logical: cec.NoLogicalAddress}, cec.State{Physical: cec.NoPhysicalAddress, Logical: cec.NoLogicalAddress}
	for name, tt := range map[string]struct {
		device string
		states []cec.State
		want   []string
	}{
		"two, the second used":    {cec.Auto, []cec.State{unused, used}, []string{"cec0: ok", "cec1 is: ok"}},
		"two, none used":          {cec.Auto, []cec.State{unused, unused}, []string{"cec0: warn", "cec1: warn"}},
		"one has no television":   {cec.Auto, []cec.State{unused, alone}, []string{"cec0: warn", "cec1: ok"}},
		"a path":                  {"/dev/cec1", []cec.State{unused, used}, []string{"cec1 is: ok"}},
		"a path that is not used": {"/dev/cec0", []cec.State{unused, used}, []string{"cec0: warn"}},
		"off":                     {"off", []cec.State{unused}, []string{"cec.device is: skip"}},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPatient(t)
			for i := range tt.states {
				p.put(fmt.Sprintf("/dev/cec%d", i), "", 0o666)
			}
			open := func(path string) (adapter, error) {
				a := fakeAdapter{name: filepath.Base(path)}
				for i, s := range tt.states {
					if a.name == fmt.Sprintf("cec%d", i) {
						a.state = s
					}
				}
				return a, nil
			}
			d := New(Config{Root: p.path("/"), Config: &configs.Config{CEC: configs.CEC{Device: tt.device}, Display: configs.Display{Outputs: []string{"framebuffer"}}}})
			d.openAdapter = open
			d.as = &account{name: "root", uid: "0"}
			d.television(t.Context(), "cec")
			var got []string
			for _, f := range d.findings {
				var name, is string
				fmt.Sscan(f.Detail, &name, &is)
				if is == "is" {
					name += " is:"
				}
				got = append(got, fmt.Sprintf("%s %s", name, f.Result))
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("%q, want %q: %+v", got, tt.want, d.findings)
			}
		})
	}
}
