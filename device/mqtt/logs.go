package mqtt

import (
	"encoding/json"
	"net/http"
	"slices"
)

// maxLines bounds the lines of a reply to logs.
const maxLines = 1000

// logs returns the newest lines of the log, as many as fit into a message.
func (b *Bridge) logs(c command) reply {
	args := struct{ Lines int }{Lines: 100}
	if err := strict(c.Args, &args); err != nil || args.Lines < 1 || args.Lines > maxLines {
		return refuse(c.ID, http.StatusBadRequest, "invalid_args", "The args of logs are not {\"lines\":N} with N from 1 to 1000.")
	}
	if b.cfg.Lines == nil {
		return refuse(c.ID, http.StatusNotFound, "no_log", "This box keeps no log for MQTT.")
	}
	all := b.cfg.Lines()
	all = all[max(0, len(all)-args.Lines):]
	r := reply{ID: c.ID, OK: true, Data: &data{Lines: []string{}}}
	size := len(encode(r))
	for _, line := range slices.Backward(all) {
		text, _ := json.Marshal(line) // a text can be encoded
		if size += len(text) + 1; size > maxPayload {
			break
		}
		r.Data.Lines = append(r.Data.Lines, line)
	}
	slices.Reverse(r.Data.Lines)
	return r
}
