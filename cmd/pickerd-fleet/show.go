package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"time"

	"pickerd/cmd/command"
	"pickerd/device/mqtt"
)

func show(ctx context.Context, e env, fs *flag.FlagSet, args []string) error {
	a := e.access(fs)
	asJSON := fs.Bool("json", false, "print JSON")
	if err := command.Parse(program, fs, args, 1); err != nil {
		return err
	}
	filters, err := filtersOf(fs.Args())
	if err != nil {
		return err
	}
	l, err := e.dial(ctx, *a)
	if err != nil {
		return err
	}
	defer l.close()
	if target := fs.Arg(0); isGroup(target) {
		g, err := readGroup(ctx, l, a.base, target)
		if err != nil {
			return err
		}
		return e.printShown(g, *asJSON, func() [][]string { return g.rows(e.now()) })
	}
	list, err := choose(ctx, l, a.base, filters, false)
	if err != nil {
		return err
	}
	id := list[0].ID
	f, err := read(ctx, l, a.base, topics(a.base, id, availability, status, health, settings)...)
	if err != nil {
		return err
	}
	b := f[id]
	if b == nil {
		return fmt.Errorf("box %s has gone", id)
	}
	return e.printShown(b, *asJSON, func() [][]string { return append(b.details(e.now()), b.settingRows()...) })
}

// printShown prints a value as JSON, or its rows.
func (e env) printShown(v any, asJSON bool, rows func() [][]string) error {
	if asJSON {
		return writeJSON(e.stdout, v)
	}
	return writeTable(e.stdout, rows())
}

// writeJSON prints a value with indentation. Control characters are escaped.
func writeJSON(w io.Writer, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	_, err = w.Write(append(harmless(data), '\n'))
	return err
}

// writeJSONLine prints a value that can be encoded in a line, likewise.
func writeJSONLine(w io.Writer, v any) {
	if data, err := json.Marshal(v); err == nil {
		fmt.Fprintf(w, "%s\n", harmless(data))
	}
}

// details returns what the broker keeps of a box.
func (b *box) details(now time.Time) [][]string {
	rows := [][]string{{"id", b.ID}, {"seen", b.seen(now)}}
	add := func(name, value string) {
		if value != "" {
			rows = append(rows, []string{name, printable(value)})
		}
	}
	if s := b.Status; s != nil {
		add("name", s.Name)
		add("labels", labels(s.Labels))
		add("state", string(s.State)+" for "+age(now.Sub(s.Since)))
		add("version", s.Version)
		if p := s.Problem; p != nil {
			add("problem", p.Message+" ("+p.Code+")")
			add("remedy", p.Remedy)
		}
		add("sessions", fmt.Sprintf("%d open, %d to be deleted", s.Sessions.Open, s.Sessions.PendingDeletion))
		if !s.Sessions.Oldest.IsZero() {
			add("oldest session", age(now.Sub(s.Sessions.Oldest)))
		}
		add("accounts", strconv.Itoa(s.Accounts))
		add("screen", map[bool]string{true: "on", false: "off"}[s.ScreenOn])
		add("slideshow", map[bool]string{true: "paused"}[s.Paused])
		if s.Library != nil {
			add("photos", fmt.Sprintf("%d, %s", s.Library.Items, size(s.Library.Bytes)))
		}
		if p := s.LastPick; p != nil {
			add("last pick", fmt.Sprintf("%s %s ago: %d photos, %d videos", p.Outcome, age(now.Sub(p.At)), p.Photos, p.Videos))
		}
	}
	if h := b.Health; h != nil {
		rows = append(rows, h.rows()...)
	}
	return rows
}

func (h *vitals) rows() [][]string {
	rows := [][]string{{"uptime", age(time.Duration(min(h.Uptime, 1e9)) * time.Second)}}
	if h.Temperature != nil {
		rows = append(rows, []string{"temperature", fmt.Sprintf("%.0f °C", *h.Temperature)})
	}
	if h.Undervoltage != nil && *h.Undervoltage {
		rows = append(rows, []string{"power", "undervoltage"})
	}
	if h.DiskFree != nil {
		rows = append(rows, []string{"disk free", size(*h.DiskFree)})
	}
	if h.WiFiSignal != nil {
		rows = append(rows, []string{"Wi-Fi signal", fmt.Sprintf("%.0f dBm", *h.WiFiSignal)})
	}
	return rows
}

// settingRows returns the settings of a box that are not its defaults.
func (b *box) settingRows() (rows [][]string) {
	for _, key := range slices.Sorted(maps.Keys(b.Settings)) {
		if s := b.Settings[key]; s.Origin != "default" {
			if rows == nil {
				rows = [][]string{nil, {"SETTING", "VALUE", "FROM"}}
			}
			rows = append(rows, []string{short(key), valueText(s.Value), short(s.Origin)})
		}
	}
	return rows
}

// valueText returns a setting's value.
func valueText(v any) string {
	if s, ok := v.(string); ok {
		return short(s)
	}
	data, err := json.Marshal(v)
	if err != nil {
		return "?"
	}
	return short(string(data))
}

// A group is what the broker keeps of the settings of a group. Its signature is not
// checked: boxes do that.
type group struct {
	Group    string         `json:"group"`
	Settings map[string]any `json:"settings"`
	Serial   uint64         `json:"serial"`
	NotAfter time.Time      `json:"not_after"`
	Key      string         `json:"key"` // the name of the operator's key

	payload, sig []byte
}

// isOf reports whether an operator has signed the settings.
func (g *group) isOf(key ed25519.PublicKey) bool { return ed25519.Verify(key, g.payload, g.sig) }

func (g *group) rows(now time.Time) [][]string {
	until := g.NotAfter.Local().Format(time.DateTime)
	if now.After(g.NotAfter) {
		until += ", so boxes that connect do not take them any more"
	}
	rows := [][]string{{"group", g.Group}, {"until", until}, {"key", short(g.Key)}}
	if len(g.Settings) == 0 {
		rows = append(rows, []string{"settings", "none"})
	}
	for _, key := range slices.Sorted(maps.Keys(g.Settings)) {
		rows = append(rows, []string{short(key), valueText(g.Settings[key])})
	}
	return rows
}

// groupPayload reads what the broker keeps of a group, nil for nothing.
func groupPayload(ctx context.Context, l link, base, name string) (payload []byte, err error) {
	topic := groupTopic(name)
	r := reader{link: l, base: base, take: func(m message) bool {
		if m.topic == topic {
			payload = m.payload
		}
		return m.topic == topic
	}}
	err = r.read(ctx, []string{topic})
	return payload, err
}

// readGroup reads the settings of a group.
func readGroup(ctx context.Context, l link, base, name string) (*group, error) {
	payload, err := groupPayload(ctx, l, base, name)
	if err != nil {
		return nil, err
	}
	if len(payload) == 0 {
		return nil, command.Hint(fmt.Errorf("the group %q has no settings", name), program+" set "+name+" KEY=VALUE sets some", command.Failed)
	}
	return parseGroup(name, payload)
}

// parseGroup returns the settings of a group from what the broker keeps.
func parseGroup(name string, payload []byte) (*group, error) {
	var envelope struct {
		Payload, Sig []byte
		Key          string
	}
	var o mqtt.Order
	if err := errors.Join(json.Unmarshal(payload, &envelope), json.Unmarshal(envelope.Payload, &o)); err != nil {
		return nil, fmt.Errorf("what the broker keeps of the group %q is not an order", name)
	}
	return &group{Group: name, Settings: o.Settings, Serial: o.Serial, NotAfter: o.NotAfter, Key: envelope.Key, payload: envelope.Payload, sig: envelope.Sig}, nil
}
