package redisstore

import "github.com/redis/go-redis/v9"

// Redis runs a script as one command. go-redis sends its hash, and the whole script
// only if Redis answers that it does not know it, and so has done nothing.

// scriptCreate sets KEYS to ARGV[2] and following, for ARGV[1] milliseconds, and
// returns 1, or returns 0 if one of them exists.
var scriptCreate = redis.NewScript(`
for _, key in ipairs(KEYS) do
	if redis.call('EXISTS', key) == 1 then return 0 end
end
for i, key in ipairs(KEYS) do
	redis.call('SET', key, ARGV[i + 1], 'PX', ARGV[1])
end
return 1`)

// Results of scriptSwap.
const (
	swapMissing = 0
	swapChanged = 1
)

// scriptSwap sets a key from ARGV[1] to ARGV[2] for ARGV[3] milliseconds, or for as
// long as it had if that is 0.
var scriptSwap = redis.NewScript(`
local stored = redis.call('GET', KEYS[1])
if not stored then return 0 end
if stored ~= ARGV[1] then return 1 end
if ARGV[3] == '0' then
	redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
else
	redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 2`)

// A set is a sorted set with the expiry of each member, in milliseconds. The key
// expires with the last of them.
const scriptNow = `
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
`

// scriptJoin adds the member ARGV[1] to a set of ARGV[2] members at most, for
// ARGV[3] milliseconds, and returns whether it is in the set.
var scriptJoin = redis.NewScript(scriptNow + `
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%d', now))
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
	return 0
end
redis.call('ZADD', KEYS[1], string.format('%d', now + ARGV[3]), ARGV[1])
local last = redis.call('ZREVRANGE', KEYS[1], 0, 0, 'WITHSCORES')
redis.call('PEXPIREAT', KEYS[1], string.format('%d', last[2]))
return 1`)

var scriptMembers = redis.NewScript(scriptNow + `
return redis.call('ZCOUNT', KEYS[1], '(' .. string.format('%d', now), '+inf')`)
