package control

import (
	"errors"
	"io/fs"
	"net/http"

	"pickerd/device"
)

// explanations are the answers to errors: the status and the key of the text.
var explanations = []struct {
	err    error
	status int
	key    string
}{
	{device.ErrPickRunning, http.StatusConflict, "api.pick_running"},
	{device.ErrNoPick, http.StatusNotFound, "api.no_pick"},
	{device.ErrNoCode, http.StatusConflict, "api.no_code"},
	{device.ErrPaired, http.StatusConflict, "api.full"},
	{device.ErrGuestHere, http.StatusConflict, "api.guest_here"},
	{device.ErrGuests, http.StatusConflict, "api.guests"},
	{device.ErrAlreadyPaired, http.StatusConflict, "api.paired_already"},
	{device.ErrForgetting, http.StatusConflict, "api.forgetting"},
	{device.ErrNotPaired, http.StatusConflict, "api.not_paired"},
	{device.ErrNoAccount, http.StatusNotFound, "api.no_account"},
	{device.ErrNoCopy, http.StatusUnsupportedMediaType, "api.no_copy"},
	{fs.ErrNotExist, http.StatusNotFound, "api.no_item"},
	{device.ErrUnready, http.StatusServiceUnavailable, "api.unready"},
	{device.ErrNotSetUp, http.StatusServiceUnavailable, "api.not_set_up"},
	{device.ErrStopping, http.StatusServiceUnavailable, "api.stopping"},
	{device.ErrCodeUnknown, http.StatusNotFound, "api.display_code"},
	{device.ErrCodeLate, http.StatusGone, "api.display_late"},
	{device.ErrNoDisplay, http.StatusNotFound, "api.no_display"},
	{device.ErrManyDisplays, http.StatusConflict, "api.many_displays"},
	{device.ErrDisplayName, http.StatusBadRequest, "api.display_name"},
	{device.ErrPageLocal, http.StatusConflict, "api.page_local"},
	{device.ErrNoCollection, http.StatusNotFound, "api.no_collection"},
	{device.ErrCollectionName, http.StatusUnprocessableEntity, "api.collection_name"},
	{device.ErrCollectionTaken, http.StatusConflict, "api.collection_taken"},
	{device.ErrManyCollections, http.StatusConflict, "api.many_collections"},
	{device.ErrNoCollections, http.StatusConflict, "api.no_collections"},
}

// explainError answers with the problem that fits an error of the device.
func (h *handler) explainError(w http.ResponseWriter, r *http.Request, err error) {
	if e, ok := errors.AsType[*device.SettingError](err); ok {
		h.settingProblem(w, e)
		return
	}
	for _, e := range explanations {
		if errors.Is(err, e.err) {
			h.problem(w, e.status, say(e.key))
			return
		}
	}
	if p := device.DiskProblem(err); p != nil {
		h.log.Warn("control request failed", "method", r.Method, "path", r.URL.Path, "err", err)
		s := p.Status()
		h.problem(w, http.StatusServiceUnavailable, s.Message+" "+s.Remedy)
		return
	}
	h.log.Error("control request failed", "method", r.Method, "path", r.URL.Path, "err", err)
	h.problem(w, http.StatusInternalServerError, say("api.failed"))
}
