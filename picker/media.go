package picker

import (
	"bytes"
	"context"
	"crypto/sha256"
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

// Values of MediaItem.Type. The API may add others.
const (
	Photo = "PHOTO"
	Video = "VIDEO"
)

// Values of VideoMetadata.ProcessingStatus. The API may add others.
const (
	Processing = "PROCESSING"
	Ready      = "READY"
	Failed     = "FAILED"
)

// A MediaItem is a picked photo or video.
//
// https://developers.google.com/photos/picker/reference/rest/v1/mediaItems
type MediaItem struct {
	ID         string    `json:"id"` // the same in other sessions
	CreateTime Time      `json:"createTime"`
	Type       string    `json:"type"`
	MediaFile  MediaFile `json:"mediaFile"`
}

// A MediaFile describes the file of an item. BaseURL is secret and valid for an
// hour.
type MediaFile struct {
	BaseURL  string            `json:"baseUrl"`
	MimeType string            `json:"mimeType"`
	Filename string            `json:"filename"` // chosen by the person; never use it as a path
	Metadata MediaFileMetadata `json:"mediaFileMetadata"`
}

// MediaFileMetadata describes the original photo or video.
type MediaFileMetadata struct {
	Width         Int `json:"width"`
	Height        Int `json:"height"`
	VideoMetadata *struct {
		ProcessingStatus string `json:"processingStatus"`
	} `json:"videoMetadata"`
}

// Processing reports whether m is a video that Google is still transcoding.
func (m *MediaItem) Processing() bool {
	v := m.MediaFile.Metadata.VideoMetadata
	return m.Type == Video && v != nil && v.ProcessingStatus == Processing
}

// An Int is a positive number, sent as a number or as a string. Everything else
// is 0.
type Int int

// UnmarshalJSON implements json.Unmarshaler.
func (i *Int) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 32)
	if err == nil && n > 0 {
		*i = Int(n)
	}
	return nil
}

// PageSize is the number of items that MediaItems requests per page, the API's
// maximum.
const PageSize = 100

const (
	maxItemID    = 2048     // bytes; real ids are far shorter
	maxItem      = 64 << 10 // bytes of JSON; real items have about 1 kB
	maxPages     = 1000     // a session has at most 20 full pages
	maxListed    = 4000     // entries of all pages; a person can pick 2000 items
	maxPageToken = 8 << 10  // bytes: it becomes part of an address
	maxRedirects = 5
)

var (
	// ErrEndlessList means that a list repeats a page token, or has too many
	// pages or items, or a page token that is too long to be sent.
	ErrEndlessList = errors.New("list repeats a page token or does not end")
	// ErrNoItemID means an item with no id or one that is too long.
	ErrNoItemID = errors.New("item has no usable id")
	// ErrBadMediaURL means a baseUrl or a redirect that is not an http(s)
	// address, or a redirect from https to http.
	ErrBadMediaURL = errors.New("unusable media address")
	// ErrForeignMedia means a baseUrl that is neither Google's nor on the host of
	// Client.BaseURL, or not over https. The access token is not sent there.
	ErrForeignMedia = errors.New("media address on a host that may not have the access token")
)

type mediaItemsPage struct {
	MediaItems    rawItems `json:"mediaItems"`
	NextPageToken string   `json:"nextPageToken"`
}

// rawItems are the items of a page, at most one more than a list may have: a page of
// 4 MB has room for a million.
type rawItems []json.RawMessage

// UnmarshalJSON implements json.Unmarshaler.
func (r *rawItems) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	switch t, err := d.Token(); {
	case err != nil:
		return err
	case t == nil:
		return nil
	case t != json.Delim('['):
		return ErrMalformedResponse
	}
	for d.More() && len(*r) <= maxListed {
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			return err
		}
		*r = append(*r, raw)
	}
	return nil
}

const opList = "mediaItems.list"

// MediaItems returns an iterator over the items that the person picked. It
// requests them page by page, from the start each time it is used.
//
// An *ItemError concerns one item, and the iteration continues after it. Any
// other error ends the iteration.
//
// https://developers.google.com/photos/picker/reference/rest/v1/mediaItems/list
func (c *Client) MediaItems(ctx context.Context, sessionID string) iter.Seq2[*MediaItem, error] {
	return func(yield func(*MediaItem, error) bool) {
		q := url.Values{"sessionId": {sessionID}, "pageSize": {strconv.Itoa(PageSize)}}
		seen := map[[sha256.Size]byte]bool{} // page tokens
		for n := 0; len(seen) < maxPages; {
			page, err := call[mediaItemsPage](ctx, c, opList, "GET", "/v1/mediaItems?"+q.Encode(), nil)
			if err != nil {
				yield(nil, err)
				return
			}
			for _, raw := range page.MediaItems[:min(len(page.MediaItems), maxListed-n)] {
				if !yield(parseItem(raw)) {
					return
				}
			}
			n += len(page.MediaItems)
			token := sha256.Sum256([]byte(page.NextPageToken))
			if n > maxListed || len(page.NextPageToken) > maxPageToken || seen[token] {
				break
			}
			if page.NextPageToken == "" {
				return
			}
			seen[token] = true
			q.Set("pageToken", page.NextPageToken)
		}
		yield(nil, &Error{Op: opList, HTTPStatus: http.StatusOK, Err: ErrEndlessList})
	}
}

// An ItemError means that one item of a list is unusable.
type ItemError struct{ Err error }

// Error implements error.
func (e *ItemError) Error() string { return opList + ": item: " + e.Err.Error() }

// Unwrap returns the cause, ErrMalformedResponse or ErrNoItemID.
func (e *ItemError) Unwrap() error { return e.Err }

func parseItem(raw json.RawMessage) (*MediaItem, error) {
	m := new(MediaItem)
	if len(raw) > maxItem {
		return nil, &ItemError{ErrMalformedResponse}
	}
	if err := json.Unmarshal(raw, m); err != nil {
		return nil, &ItemError{ErrMalformedResponse}
	}
	if m.ID == "" || len(m.ID) > maxItemID {
		return nil, &ItemError{ErrNoItemID}
	}
	return m, nil
}

// ImageSuffix returns the baseUrl suffix for an image of at most w by h pixels.
// Google converts other formats, such as HEIC, to JPEG or PNG.
//
// https://developers.google.com/photos/picker/guides/media-items#image-base-urls
func ImageSuffix(w, h int) string { return fmt.Sprintf("=w%d-h%d", w, h) }

// StillSuffix returns the baseUrl suffix for a still image of a video without
// the play button. It is documented for the Library API only and may be refused.
func StillSuffix(w, h int) string { return ImageSuffix(w, h) + "-no" }

// The baseUrl suffixes for videos. Only VideoSuffix is documented: any other may be
// refused, for one video or for all.
//
// https://developers.google.com/photos/picker/guides/media-items#video-base-urls
const (
	VideoSuffix     = "=dv"  // in the size of the original; begins late and ignores ranges
	Video1080Suffix = "=m37" // MP4 of at most 1080 lines
	Video720Suffix  = "=m22" // MP4 of at most 720 lines
)

// A Media is a download in progress. The caller must close Body.
type Media struct {
	Body      io.ReadCloser
	Offset    int64  // of Body in the file: 0, or Resume.Offset
	Length    int64  // of the whole file; -1 if the server does not say
	Validator string // for Resume; "" if the download can't be continued
	MimeType  string // as sent by the server, without parameters
}

// OpenMedia starts to download baseURL with suffix appended. The access token is
// sent only to baseURL, if that is at Google or on the host of BaseURL, and never to
// the target of a redirect. Errors are of type *Error with Op "media" or come from
// ctx or the TokenSource. The code is PermissionDenied if baseURL has expired.
func (c *Client) OpenMedia(ctx context.Context, baseURL, suffix string) (*Media, error) {
	return c.ResumeMedia(ctx, baseURL, suffix, Resume{})
}

// ResumeMedia is like OpenMedia for a download that was cut off. The address may be
// another one of the same item. If the server ignores ranges, or no longer has the
// same bytes, the download starts over and Media.Offset is 0.
func (c *Client) ResumeMedia(ctx context.Context, baseURL, suffix string, from Resume) (*Media, error) {
	const op = "media"
	resp, err := c.getMedia(ctx, op, baseURL+suffix, from.header())
	if err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	m := &Media{Body: resp.Body, Length: resp.ContentLength, Validator: validatorOf(resp), MimeType: kind}
	switch {
	case resp.StatusCode == http.StatusOK:
		return m, nil
	case from.Offset > 0 && resp.StatusCode == http.StatusPartialContent && from.continues(resp):
		m.Offset, m.Length, m.Validator = from.Offset, from.Offset+resp.ContentLength, from.Validator
		if resp.ContentLength < 0 {
			m.Length = from.Length
		}
		return m, nil
	}
	defer resp.Body.Close()
	if from.Offset > 0 && (resp.StatusCode == http.StatusPartialContent || resp.StatusCode == http.StatusRequestedRangeNotSatisfiable) {
		return c.ResumeMedia(ctx, baseURL, suffix, Resume{})
	}
	return nil, mediaError(op, resp)
}

// getMedia requests an address with additional header fields and follows redirects.
func (c *Client) getMedia(ctx context.Context, op, address string, header http.Header) (*http.Response, error) {
	at, err := url.Parse(address)
	if err != nil || !isWeb(at) {
		return nil, &Error{Op: op, Err: ErrBadMediaURL}
	}
	if !c.mayHaveToken(at) {
		return nil, &Error{Op: op, Err: ErrForeignMedia}
	}
	resp, err := c.authorized(ctx, op, "GET", at.String(), nil, header)
	for n := 0; err == nil && isRedirect(resp.StatusCode) && n < maxRedirects; n++ {
		resp.Body.Close()
		var next *url.URL
		next, err = at.Parse(resp.Header.Get("Location"))
		if err != nil || next.Host == "" || (next.Scheme != "https" && next.Scheme != at.Scheme) {
			return nil, &Error{Op: op, HTTPStatus: resp.StatusCode, Err: ErrBadMediaURL}
		}
		at = next
		resp, err = c.send(ctx, op, "GET", at.String(), nil, "", header)
	}
	return resp, err
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// mediaError returns the error for the status of a download. It ignores the body,
// because Google sends an image with a 403.
func mediaError(op string, resp *http.Response) *Error {
	e := newError(op, resp, nil)
	if resp.StatusCode == http.StatusForbidden {
		e.Code, e.Err = PermissionDenied, nil
	}
	return e
}
