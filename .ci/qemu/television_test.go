package qemu

import (
	"strings"
)

// checkTelevision checks what pickerd and a television say to each other over the
// kernel's driver vivid, while a photo is on the screen. In the messages pickerd is 4,
// the television 0, and all are f.
func (m *machine) checkTelevision() {
	m.t.Helper()
	heard := ""
	hears := func(message string) {
		m.t.Helper()
		m.until("the television hears "+message, func() bool {
			heard += " " + m.tell("cec heard")
			return strings.Contains(heard, " "+message)
		})
		heard = ""
	}
	screen := func(on string) {
		m.t.Helper()
		m.until("screen_on is "+on, func() bool { return strings.Contains(m.tell("status"), `"screen_on": `+on) })
	}
	send := func(messages ...string) {
		m.t.Helper()
		for _, s := range messages {
			if got := m.tell("cec send " + s); got != "ok" {
				m.t.Errorf("send %s: %s", s, got)
			}
		}
	}
	hears("4f821000") // pickerd says that it is shown
	m.tell("begin screen off")
	hears("4036") // Standby
	m.tell("begin screen on")
	hears("4f821000") // after ImageViewOn
	photo := func() bool { return shows(m.picture(), 0, false) }
	m.until("the photo is on the screen again", photo)
	send("044409", "0445") // the remote's menu key
	m.until("the menu is on the screen", func() bool { return !photo() })
	m.save("menu")
	send("04440d", "0445") // and Exit
	m.until("the menu is closed", photo)
	send("0f36")
	screen("false")
	send("0f861000") // SetStreamPath
	screen("true")
	hears("4f821000")
}
