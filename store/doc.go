// Package store keeps what must survive a power cut: grants (tokens), picks
// (picking sessions) and photos. Records live in a bbolt database, media in
// files beside it that appear only when whole.
//
//	DIR/pickerd.db         records, mode 0600
//	DIR/.reserve           room for records on a disk that is full
//	DIR/media/             photos and videos, named by a hash of their id
//	DIR/media/.part-*      downloads under way; removed at the next start
//
// The package knows nothing of Google: it is handed values and hands them back.
package store
