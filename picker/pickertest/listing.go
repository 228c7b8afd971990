package pickertest

import (
	"net/http"
	"strconv"
)

// Values of Options.Listing.
const (
	FaithfulList   = iota
	EmptyFirstPage // with a nextPageToken
	EndlessList    // items that nobody picked follow, page after page
	RepeatingList  // the items follow again and again, on pages with new tokens
	LoopingList    // the last page leads to the first one
)

// strayPage returns a page of a list that does not end.
func (s *Server) strayPage(r *http.Request, x *session, from, size int) map[string]any {
	if s.opt.Listing == LoopingList {
		from %= len(x.picked)
		size = min(size, len(x.picked)-from)
	}
	var items []any
	for i := from; i < from+size; i++ {
		it := *s.byID[x.picked[i%len(x.picked)]]
		if s.opt.Listing == EndlessList && i >= len(x.picked) {
			it.ID += "-" + strconv.Itoa(i)
		}
		items = append(items, s.renderItem(r, &it))
	}
	next := from + size
	if s.opt.Listing == LoopingList {
		next %= len(x.picked)
	}
	return map[string]any{"mediaItems": items, "nextPageToken": "page-" + strconv.Itoa(next)}
}
