package picker

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

// Values of MediaItem.Type. Others may come.
const (
	Photo = "PHOTO"
	Video = "VIDEO"
)

// Values of VideoMetadata.ProcessingStatus. Others may come.
const (
	Processing = "PROCESSING"
	Ready      = "READY"
	Failed     = "FAILED"
)

// A MediaItem is one photo or video that was picked.
//
// https://developers.google.com/photos/picker/reference/rest/v1/mediaItems
type MediaItem struct {
	ID         string    `json:"id"` // the same in later sessions
	CreateTime Time      `json:"createTime"`
	Type       string    `json:"type"`
	MediaFile  MediaFile `json:"mediaFile"`
}

// A MediaFile says where the bytes are. BaseURL is good for an hour and a
// secret.
type MediaFile struct {
	BaseURL  string            `json:"baseUrl"`
	MimeType string            `json:"mimeType"`
	Filename string            `json:"filename"` // the person's; never a path of ours
	Metadata MediaFileMetadata `json:"mediaFileMetadata"`
}

// MediaFileMetadata describes the original.
type MediaFileMetadata struct {
	Width         Int `json:"width"`
	Height        Int `json:"height"`
	VideoMetadata *struct {
		ProcessingStatus string `json:"processingStatus"`
	} `json:"videoMetadata"`
}

// Processing reports whether Google is still transcoding a video.
func (m *MediaItem) Processing() bool {
	v := m.MediaFile.Metadata.VideoMetadata
	return m.Type == Video && v != nil && v.ProcessingStatus == Processing
}

// An Int is a number that may come as a string; what is neither is 0.
type Int int

// UnmarshalJSON implements json.Unmarshaler.
func (i *Int) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 32)
	if err == nil && n > 0 {
		*i = Int(n)
	}
	return nil
}

// PageSize is how many items a page of MediaItems asks for: the API's maximum.
const PageSize = 100

// maxItemID is far above the length of real ids.
const maxItemID = 2048

// maxPages is far above the 20 full pages that a pick can have.
const maxPages = 1000

var (
	// ErrEndlessList means that the pages of a list never end.
	ErrEndlessList = errors.New("the list repeats a page token or has no end")
	// ErrNoItemID means an item without an id that can be kept.
	ErrNoItemID = errors.New("an item has no usable id")
)

type mediaItemsPage struct {
	MediaItems    []json.RawMessage `json:"mediaItems"`
	NextPageToken string            `json:"nextPageToken"`
}

// MediaItems yields what the person picked, page by page. After an error it
// yields nothing more, except that an item which can't be read is yielded as
// an error of its own (a *ItemError) and the list goes on. It may be ranged
// over again.
//
// https://developers.google.com/photos/picker/reference/rest/v1/mediaItems/list
func (c *Client) MediaItems(ctx context.Context, sessionID string) iter.Seq2[*MediaItem, error] {
	const op = "mediaItems.list"
	return func(yield func(*MediaItem, error) bool) {
		q := url.Values{"sessionId": {sessionID}, "pageSize": {strconv.Itoa(PageSize)}}
		seen := map[string]bool{}
		for len(seen) < maxPages {
			page, err := call[mediaItemsPage](ctx, c, op, "GET", "/v1/mediaItems?"+q.Encode(), nil)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, raw := range page.MediaItems {
				if !yield(readItem(raw)) {
					return
				}
			}
			if page.NextPageToken == "" {
				return
			}
			if seen[page.NextPageToken] {
				break
			}
			seen[page.NextPageToken] = true
			q.Set("pageToken", page.NextPageToken)
		}
		yield(nil, &Error{Op: op, HTTPStatus: http.StatusOK, Err: ErrEndlessList})
	}
}

// An ItemError is about one item of a list.
type ItemError struct{ Err error }

func (e *ItemError) Error() string { return "mediaItems.list: item: " + e.Err.Error() }

func (e *ItemError) Unwrap() error { return e.Err }

func readItem(raw json.RawMessage) (*MediaItem, error) {
	m := new(MediaItem)
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, &ItemError{ErrMalformedResponse}
	}
	if m.ID == "" || len(m.ID) > maxItemID {
		return nil, &ItemError{ErrNoItemID}
	}
	return m, nil
}

// ImageSuffix is the baseUrl suffix for an image that fits into a box of w by h
// pixels; Google makes it a JPEG or PNG, also of HEIC.
//
// https://developers.google.com/photos/picker/guides/media-items#image-base-urls
func ImageSuffix(w, h int) string { return fmt.Sprintf("=w%d-h%d", w, h) }

// StillSuffix is the baseUrl suffix for a picture of a video without the mark that says
// that it is one. It is documented for the Library API only, and may be refused.
func StillSuffix(w, h int) string { return ImageSuffix(w, h) + "-no" }

// VideoSuffix is the baseUrl suffix for the transcoded video.
const VideoSuffix = "=dv"

// Media is an open download. Its Body must be closed.
type Media struct {
	Body     io.ReadCloser
	Length   int64  // -1 when the server doesn't say
	MimeType string // as the server says, without parameters
}

// ErrBadMediaURL means a baseUrl or a redirect that is not worth following: not
// http(s), or from https down to http.
var ErrBadMediaURL = errors.New("the media address is not one to follow")

const maxHops = 5

// OpenMedia starts a download of baseURL with suffix appended. The bearer token
// goes to baseURL alone and never to where that redirects. Errors are *Error
// with Op "media", or what Tokens returned; a baseURL past its hour answers
// with PermissionDenied.
func (c *Client) OpenMedia(ctx context.Context, baseURL, suffix string) (*Media, error) {
	const op = "media"
	at, err := url.Parse(baseURL + suffix)
	if err != nil || at.Host == "" || (at.Scheme != "https" && at.Scheme != "http") {
		return nil, &Error{Op: op, Err: ErrBadMediaURL}
	}
	resp, err := c.authorized(ctx, op, "GET", at.String(), nil)
	for hop := 0; err == nil && isRedirect(resp.StatusCode) && hop < maxHops; hop++ {
		resp.Body.Close()
		var next *url.URL
		next, err = at.Parse(resp.Header.Get("Location"))
		if err != nil || next.Host == "" || (next.Scheme != "https" && next.Scheme != at.Scheme) {
			return nil, &Error{Op: op, HTTPStatus: resp.StatusCode, Err: ErrBadMediaURL}
		}
		at = next
		resp, err = c.send(ctx, op, "GET", at.String(), nil, "")
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		defer resp.Body.Close()
		return nil, mediaError(op, resp)
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	return &Media{Body: resp.Body, Length: resp.ContentLength, MimeType: kind}, nil
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// mediaError judges by status alone: a 403 comes with a picture as its body.
func mediaError(op string, resp *http.Response) *Error {
	e := errorOf(op, resp, nil)
	if resp.StatusCode == http.StatusForbidden {
		e.Code, e.Err = PermissionDenied, nil
	}
	return e
}
