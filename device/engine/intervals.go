package engine

import (
	"context"
	"math/rand/v2"
	"time"
)

// The intervals at which the engine waits and tries again, in one place.
//
// While somebody may be looking at the screen no pause is longer than maxBackoff,
// unless a server asks for it.
const (
	// minBackoff is the pause before the second try, doubled for each further one
	// up to maxBackoff.
	minBackoff = time.Second
	maxBackoff = 15 * time.Second
	// maxRetryAfter bounds what a server may ask for with Retry-After.
	maxRetryAfter = 10 * time.Minute
	// callTimeout bounds one request that is not a download.
	callTimeout = 20 * time.Second

	// hiccup is how long a failure lasts before it is worth a notice.
	hiccup = 5 * time.Second
	// noticeFor is how long a notice that explains what just happened stays when
	// the next thing works: long enough to be read.
	noticeFor = 20 * time.Second

	// restInterval is how often the loop runs while there is nothing to do.
	restInterval = time.Minute
	// beatInterval is the longest that a healthy loop is silent while it waits, and
	// maxSilence adds the longest single request.
	beatInterval = 10 * time.Second
	maxSilence   = 2 * time.Minute

	// minRenewInterval bounds how often a person may ask for a new code: servers
	// limit how many they issue.
	minRenewInterval = 10 * time.Second
	// addressInterval is how often the box checks that it still has the address in
	// the link on the screen.
	addressInterval = 30 * time.Second
	// followFor is how long a phone waits for the picker.
	followFor = 30 * time.Second
	// maxHandover is how long the server that issued a token is told about it:
	// gateways accept it for ten minutes.
	maxHandover = 10 * time.Minute
	// maxMetadataAge is how long metadata is used without asking for it again.
	maxMetadataAge = time.Hour
	// probeTimeout bounds the question whether another server than the gateway
	// answers.
	probeTimeout = 5 * time.Second
	// accountTimeout bounds the wait for the name of an account.
	accountTimeout = 5 * time.Second

	// maxSweepPause is the longest pause of the sweeper. Nobody waits for it, but a
	// session should not outlive an outage by much.
	maxSweepPause = 5 * time.Minute
	// idleSweepPause is its pause when nothing is to be deleted.
	idleSweepPause = time.Hour
	// revokeWait is how long the first try to revoke may delay the next person
	// without a notice, and maxRevokeWait how long revocation may delay them while
	// the network works.
	revokeWait    = 10 * time.Second
	maxRevokeWait = 15 * time.Minute

	// keepaliveInterval is how long a token may be unused before it is refreshed,
	// less a fifth of jitter. keepaliveRetry is the pause after a failure, and
	// keepaliveCheck is how often the box looks for such tokens.
	keepaliveInterval = 7 * 24 * time.Hour
	keepaliveRetry    = 24 * time.Hour
	keepaliveCheck    = time.Hour

	// upkeepInterval is how often the state directory is looked after, and
	// diskRetry how often a disk is tried again that takes nothing.
	upkeepInterval = time.Minute
	diskRetry      = 5 * time.Second
	// verifyInterval is how often every photo is read through: what is damaged must
	// not be shown, and a flash disk wears little by being read. verifyRetry is the
	// pause after a failure, verifyPause the one between two photos, which leaves
	// the disk to other programs.
	verifyInterval = 7 * 24 * time.Hour
	verifyRetry    = 5 * time.Minute
	verifyPause    = 50 * time.Millisecond

	// expiryInterval is the longest pause between two looks for photos that are too
	// old, because the clock may have been corrected. minExpiryPause is the shortest:
	// those of one pick go together. expiryRetry is the pause after a failure.
	expiryInterval = time.Hour
	minExpiryPause = time.Minute
	expiryRetry    = 5 * time.Minute
)

// backoff returns the pause before try n+1, with a fifth of jitter so that boxes
// behind one failed server don't return at once.
func backoff(n int) time.Duration {
	d := min(minBackoff<<min(max(n-1, 0), 10), maxBackoff)
	return d - time.Duration(rand.Int64N(int64(d)/5+1))
}

func callContext(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, callTimeout)
}
