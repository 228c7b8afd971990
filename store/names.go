package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"sync"

	"pickerd/store/regular"
)

// The name of a media file tells whether it is whole, should its record be lost: it
// has a hash of the photo's ID, the length and the checksum. Files of earlier
// versions have the hash alone.
var mediaNames = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^([0-9a-f]{32})(?:-([0-9a-f]{1,15})-([0-9a-f]{8}))?(?:-[0-9]+)?(\.[a-z0-9]+)?$`)
})

// stem returns how the names of a photo's files begin: a hash of its ID, so that no
// name from the network becomes a path.
func stem(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}

// fileName returns the usual name of a photo's file.
func (p Photo) fileName() string {
	return fmt.Sprintf("%s-%x-%s%s", stem(p.ID), p.Bytes, p.CRC32C, extensions[p.MimeType])
}

// isFileName reports whether a name is that of a file in the media directory. A path
// could lead to another program's file.
func isFileName(name string) bool {
	return name != "" && filepath.Base(name) == name && !strings.HasPrefix(name, ".")
}

// foundPick is the request ID of photos that were found without records.
const foundPick = "found"

const foundPrefix = "found:"

// foundID is the ID of a photo of which only the file is known.
func foundID(file string) string { return foundPrefix + file }

// findPhotos makes records from the media files alone, oldest first. Torn files are
// left out.
func (d *disk) findPhotos() ([]Photo, error) {
	entries, err := os.ReadDir(d.path(mediaName))
	if err != nil {
		return nil, err
	}
	var photos []Photo
	for _, e := range entries {
		if p, ok := d.foundPhoto(e.Name()); ok {
			photos = append(photos, p)
		}
	}
	sort.Slice(photos, func(i, j int) bool {
		a, b := &photos[i], &photos[j]
		return cmp.Or(a.AddedAt.Compare(b.AddedAt), cmp.Compare(a.File, b.File)) < 0
	})
	for i := range photos {
		photos[i].Index = i
	}
	return photos, nil
}

// foundPhoto makes a record from a media file alone. It reports false if the file is
// none of a photo's, or torn.
func (d *disk) foundPhoto(file string) (Photo, bool) {
	name := mediaNames().FindStringSubmatch(file)
	if name == nil {
		return Photo{}, false
	}
	var mimeType string
	for t, ext := range extensions {
		if ext == name[4] {
			mimeType = t
		}
	}
	st, err := os.Lstat(d.path(filepath.Join(mediaName, file)))
	if err != nil || !st.Mode().IsRegular() || mimeType == "" {
		return Photo{}, false
	}
	p := Photo{ID: foundID(file), File: file, Type: "PHOTO", MimeType: mimeType, Bytes: st.Size(), CRC32C: name[3],
		Pick: foundPick, AddedAt: st.ModTime()}
	if strings.HasPrefix(mimeType, "video/") {
		p.Type = "VIDEO"
	}
	if !d.hasLength(p, name[2]) {
		d.repaired(filepath.Join(mediaName, file), "torn", "not shown")
		return Photo{}, false
	}
	return p, true
}

// hasLength reports whether a photo's file has the length in its name, or else seems
// to be whole.
func (d *disk) hasLength(p Photo, length string) bool {
	if length != "" {
		n, err := strconv.ParseInt(length, 16, 64)
		return err == nil && n == p.Bytes
	}
	f, err := regular.Open(d.path(filepath.Join(mediaName, p.File)))
	if err != nil {
		return errors.Is(err, fs.ErrPermission)
	}
	defer f.Close()
	return endsWell(f, p.Bytes, p.MimeType)
}

// sumFile returns the length and the checksum of what a reader has.
func sumFile(r io.Reader) (n int64, sum string, err error) {
	h := crc32.New(castagnoli)
	n, err = io.Copy(h, r)
	return n, hex.EncodeToString(h.Sum(nil)), err
}
