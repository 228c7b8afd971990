// Package store owns the state directory. It keeps what must survive a power cut:
// grants (tokens), the pairing in progress, picks (picking sessions), and photos.
// Records are in a bbolt database. Photos and videos are files beside it, which
// get their names only when they are complete.
//
//	DIR/pickerd.db             records
//	DIR/pickerd.db.damaged-*   databases that could not be read
//	DIR/state.key              key of the sealed records, unless it is given to Open
//	DIR/state.key.damaged-*    truncated keys
//	DIR/*.damaged-*            what had the name of another file
//	DIR/.reserve               1 MiB that is freed for records when the disk is full
//	DIR/media/                 photos and videos, named by a hash of their ID, length and checksum
//	DIR/media/.part-*          downloads in progress, and those that were cut off
//
// Open locks the directory, repairs what a power cut left unfinished, and replaces
// a damaged database. Each method that changes something is one transaction that
// is on disk when the method returns. Grants, the pairing and the box's own keys
// are sealed with AES-256-GCM, and other records have checksums. Only regular files
// are read. After records of a person are erased, the file is
// rewritten, so that its free pages hold none of them.
//
// The package makes no network requests and knows nothing about the servers that
// its records come from.
//
// README.md describes backup, restore and what each file is worth.
package store
