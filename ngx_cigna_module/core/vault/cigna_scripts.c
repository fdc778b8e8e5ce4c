
#include "cigna_scripts.h"


/* milliseconds since the epoch by the clock of Redis */

#define CIGNA_LUA_NOW                                                         \
    "local clock = redis.call('TIME')\n"                                      \
    "local now = clock[1] * 1000 + math.floor(clock[2] / 1000)\n"

/*
 * Tells all nodes about a write of a grant.  If PUBLISH fails, for example
 * because an ACL forbids the channel, the write stays: nodes also compare
 * cached grants with the vault from time to time.
 */

#define CIGNA_LUA_PUBLISH(channel, identity, id, generation)                  \
    "redis.pcall('PUBLISH', " channel ", "                                    \
                 identity " .. ' ' .. " id " .. ' ' .. " generation ")\n"

/*
 * The new value of field x: the ids of the last eight grants that were replaced
 * or deleted, so that a late write brings none of them back.
 */

#define CIGNA_LUA_GONE(id, gone)                                              \
    "string.sub(" id " .. ' ' .. " gone ", 1, 8 * 23)"

/* the reply of HMGET if there is no record */

#define CIGNA_LUA_NO_RECORD  "{false, false, false, false, false, false}"


/*
 * A dance's story, field y, has one line for each step: the time in ms, and the
 * text that the caller gives.  note() appends a line, unless the story would
 * then have too many lines or bytes.  CIGNA_LUA_HIT are the limits for lines
 * about requests of browsers.  They leave room for the line about the dance's
 * end, which has the limits CIGNA_LUA_END.  A record without a story gets none
 * later.
 */

#define CIGNA_LUA_STORY                                                       \
    "local function note(story, line, lines, bytes)\n"                        \
    "    local step = string.format('%.0f', now) .. ' ' .. line .. '\\n'\n"   \
    "    local _, n = string.gsub(story, '\\n', '')\n"                        \
    "    if n >= lines or #story + #step > bytes then return end\n"           \
    "    redis.call('HSET', KEYS[1], 'y', story .. step)\n"                   \
    "end\n"

#define CIGNA_LUA_HIT  "30, 3072"
#define CIGNA_LUA_END  "40, 4096"


/*
 * true if Redis has used three quarters of its memory: the rest is kept for
 * grants
 */

#define CIGNA_LUA_FULL                                                        \
    "local function full()\n"                                                 \
    "    local memory = redis.call('INFO', 'memory')\n"                       \
    "    local used = string.match(memory, '\\nused_memory:(%d+)')\n"         \
    "    local most = string.match(memory, '\\nmaxmemory:(%d+)')\n"           \
    "    return (tonumber(most) or 0) > 0 and used * 4 > most * 3\n"          \
    "end\n"


/*
 * dance_list: enters a dance into the list of its member's open dances, and
 * into the index of all open dances.  A flow calls dance_list before
 * dance_open: nodes later remove an entry without a dance, but a dance without
 * an entry would never end.
 *
 * Keys: open dances of the member, open dances of the shard.  Arguments: entry
 * (see cigna_dance_entry.h), the most that the member may have open, ms that a
 * dance is open, ms after which it is overdue, ms to keep the index, the most
 * entries of the shard whose dances have a story.
 *
 *     ok room evicted...     room: 1 if the dance may have a story; evicted:
 *                            entries that left the member's list, oldest
 *                            first, because the member has too many dances
 *
 * The evicted dances are in other hash slots, so the caller closes them.  One
 * call evicts at most 16 (CIGNA_EVICTED_MAX).
 */

static const char  cigna_lua_dance_list[] =
    CIGNA_LUA_NOW
    "redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - ARGV[3])\n"
    "redis.call('ZREM', KEYS[1], ARGV[1])\n"
    "local excess = redis.call('ZCARD', KEYS[1]) + 1 - math.max(1, ARGV[2])\n"
    "local evicted = {}\n"
    "if excess > 0 then\n"
    "    local last = math.min(excess, 16) - 1\n"
    "    evicted = redis.call('ZRANGE', KEYS[1], 0, last)\n"
    "    redis.call('ZREMRANGEBYRANK', KEYS[1], 0, last)\n"
    "end\n"
    "redis.call('ZADD', KEYS[1], now, ARGV[1])\n"
    "redis.call('PEXPIRE', KEYS[1], ARGV[3])\n"
    "redis.call('ZADD', KEYS[2], now + ARGV[4], ARGV[1])\n"
    "redis.call('PEXPIRE', KEYS[2], ARGV[5])\n"
    "local room = redis.call('ZCARD', KEYS[2]) <= tonumber(ARGV[6])\n"
    "return {'ok', room and '1' or '0', unpack(evicted)}\n";


/*
 * dance_open: stores a dance.
 *
 * Key: dance.  Arguments: sealed dance, hash of the browser's secret, identity,
 * dance id, ms to complete the dance, ms to keep the record, the rest of the
 * dance (sealed, without its secrets), tenant, line of the story (empty: the
 * dance has no story), ms to keep the record if it has a story.
 *
 *     ok story               story: 1 if the record has a story
 */

static const char  cigna_lua_dance_open[] =
    CIGNA_LUA_NOW
    CIGNA_LUA_FULL
    CIGNA_LUA_STORY
    "local told = ARGV[9] ~= '' and not full()\n"
    "redis.call('HSET', KEYS[1], 'b', ARGV[1], 's', ARGV[2], 'w', ARGV[3],\n"
    "           'd', ARGV[4], 'e', string.format('%.0f', now + ARGV[5]),\n"
    "           'a', string.format('%.0f', now), 'r', ARGV[7], 'n', ARGV[8])\n"
    "if told then note('', ARGV[9], " CIGNA_LUA_HIT ") end\n"
    "redis.call('PEXPIRE', KEYS[1], told and ARGV[10] or ARGV[6])\n"
    "return {'ok', told and '1' or '0'}\n";


/*
 * dance_claim: takes a dance for one run, if the same browser and the same
 * member have started it.
 *
 * Key: dance.  Arguments: hash of the browser's secret (empty: none), identity,
 * taker (a new random text that names the run), ms that the taker has, line of
 * the story.
 *
 *     absent                       there is no record
 *     mismatch DANCE               another browser has started the dance, of
 *                                  which only the story changes
 *     other DANCE mine             another member has started the dance.  This
 *                                  call ends it, unless it was taken or ended
 *     ended DANCE mine outcome rest
 *                                  the dance has ended
 *     taken DANCE 0 blob ms        another taker has the dance, for ms at most
 *     yours DANCE 0 blob           this taker has the dance
 *
 * DANCE is: id, tenant, start, identity.  Tenant and start are empty if version
 * 0.4.0 has written the record.  mine: 1 if this taker has ended the dance.
 * blob: the sealed dance.  rest: the sealed dance without its secrets.  If
 * browser and member are right, the call ends a dance that no run has taken
 * before its deadline ("state_expired"), and a dance whose taker's time is over
 * ("interrupted").
 *
 * The comparison of the hashes need not take constant time: they are digests of
 * secrets, so the time would tell nothing of use.
 */

static const char  cigna_lua_dance_claim[] =
    CIGNA_LUA_NOW
    CIGNA_LUA_STORY
    "local d = redis.call('HMGET', KEYS[1], 's', 'w', 'd', 'e', 'b', 'o',\n"
    "                     'r', 't', 'k', 'n', 'a', 'z', 'y')\n"
    "local secret, identity, expiry, blob, outcome = d[1], d[2], d[4], d[5],\n"
    "                                                d[6]\n"
    "local taken, taker, ender, story = d[8], d[9], d[12], d[13]\n"
    "local rest = d[7] or ''\n"
    "local function say(word, ...)\n"
    "    return {word, d[3], d[10] or '', d[11] or '', identity, ...}\n"
    "end\n"
    "local function hit(what)\n"
    "    if story then\n"
    "        note(story, ARGV[5] .. ' record=' .. what, " CIGNA_LUA_HIT ")\n"
    "    end\n"
    "end\n"
    "local function finish(as)\n"
    "    outcome, ender = as, ARGV[3]\n"
    "    redis.call('HSET', KEYS[1], 'o', outcome, 'z', ender, 'r', rest)\n"
    "    redis.call('HDEL', KEYS[1], 'b')\n"
    "end\n"
    "if not secret then return {'absent'} end\n"
    "if secret ~= ARGV[1] then\n"
    "    hit('mismatch')\n"
    "    return say('mismatch')\n"
    "end\n"
    "if identity ~= ARGV[2] then\n"
    "    if not outcome and not taken then\n"
    "        rest = ''\n"
    "        finish('identity_mismatch')\n"
    "    end\n"
    "    hit('other')\n"
    "    return say('other', ender == ARGV[3] and '1' or '0')\n"
    "end\n"
    "if not outcome then\n"
    "    if taken and tonumber(taken) <= now then\n"
    "        finish('interrupted')\n"
    "    elseif not taken and now >= tonumber(expiry) then\n"
    "        finish('state_expired')\n"
    "    end\n"
    "end\n"
    "if outcome then\n"
    "    hit(outcome)\n"
    "    return say('ended', ender == ARGV[3] and '1' or '0', outcome, rest)\n"
    "end\n"
    "if taken then\n"
    "    if taker == ARGV[3] then return say('yours', '0', blob) end\n"
    "    return say('taken', '0', blob, taken - now)\n"
    "end\n"
    "redis.call('HSET', KEYS[1], 'k', ARGV[3],\n"
    "           't', string.format('%.0f', now + ARGV[4]))\n"
    "hit('taken')\n"
    "return say('yours', '0', blob)\n";


/*
 * dance_end: remembers how a dance ended, and removes its secrets.
 *
 * Key: dance.  Arguments: taker, outcome, the rest of the dance, sealed (empty:
 * as it is), line of the story.
 *
 *     ok                           this taker has ended the dance
 *     absent                       there is no record
 *     other                        another taker has the dance, or none
 *     ended outcome                the dance had ended before, with this
 *                                  outcome, which stays
 *
 * A taker whose time is over may still end the dance, if nobody else has.  The
 * expiry of the key stays.
 */

static const char  cigna_lua_dance_end[] =
    CIGNA_LUA_NOW
    CIGNA_LUA_STORY
    "local d = redis.call('HMGET', KEYS[1], 's', 'k', 'o', 'z', 'y')\n"
    "if not d[1] then return {'absent'} end\n"
    "if d[2] ~= ARGV[1] then return {'other'} end\n"
    "if d[3] == ARGV[2] and d[4] == ARGV[1] then return {'ok'} end\n"
    "if d[3] then return {'ended', d[3]} end\n"
    "redis.call('HSET', KEYS[1], 'o', ARGV[2], 'z', ARGV[1])\n"
    "if ARGV[3] ~= '' then redis.call('HSET', KEYS[1], 'r', ARGV[3]) end\n"
    "redis.call('HDEL', KEYS[1], 'b')\n"
    "if d[5] then note(d[5], ARGV[4], " CIGNA_LUA_END ") end\n"
    "return {'ok'}\n";


/*
 * dance_close: ends a dance that nobody completes, or that a newer one
 * displaces.
 *
 * Key: dance.  Arguments: outcome ("abandoned" or "displaced"), closer (a new
 * random text that names the run), line of the story.
 *
 *     absent                       there is no record
 *     open                         the dance goes on: a run has taken it, and
 *                                  that run's time is not over; or no run has
 *                                  taken it, the outcome is "abandoned", and
 *                                  the deadline has not passed
 *     ok DANCE outcome             this closer has ended the dance
 *     ended DANCE outcome          the dance had ended before, with this
 *                                  outcome, which stays
 *
 * DANCE: see dance_claim.  A dance that a run has taken and not ended in time
 * ends as "interrupted", whatever the argument says.
 */

static const char  cigna_lua_dance_close[] =
    CIGNA_LUA_NOW
    CIGNA_LUA_STORY
    "local d = redis.call('HMGET', KEYS[1], 's', 'w', 'd', 'e', 'o', 't',\n"
    "                     'n', 'a', 'z', 'y')\n"
    "local outcome, taken, story = d[5], d[6], d[10]\n"
    "local function say(word)\n"
    "    return {word, d[3], d[7] or '', d[8] or '', d[2], outcome}\n"
    "end\n"
    "if not d[1] then return {'absent'} end\n"
    "if outcome then return say(d[9] == ARGV[2] and 'ok' or 'ended') end\n"
    "outcome = taken and 'interrupted' or ARGV[1]\n"
    "if taken and tonumber(taken) > now\n"
    "   or outcome == 'abandoned' and tonumber(d[4]) > now\n"
    "then\n"
    "    return {'open'}\n"
    "end\n"
    "redis.call('HSET', KEYS[1], 'o', outcome, 'z', ARGV[2])\n"
    "redis.call('HDEL', KEYS[1], 'b')\n"
    "if story then\n"
    "    note(story, ARGV[3] .. ' outcome=' .. outcome, " CIGNA_LUA_END ")\n"
    "end\n"
    "return say('ok')\n";


/*
 * dance_forget: takes a dance out of the lists of open dances, and counts its
 * end once.
 *
 * Keys: open dances of the member, open dances of the shard, ended dances of
 * the shard, counts of the hour.  Arguments: entry, name of the count (empty:
 * do not count), entry for the list of ended dances, the most ended dances in
 * that list, ms to keep that list and the counts.
 *
 *     absent                 the shard's list lacks the entry: an earlier call
 *                            has removed it, so nothing is counted
 *     ok kept leaving...     kept: 1 if the dance is now in the list of ended
 *                            dances, else 0; leaving: entries that left that
 *                            list to make room, oldest first
 *
 * The caller deletes the records of the dances that left.  At most 16
 * (CIGNA_EVICTED_MAX) leave in one call.
 */

static const char  cigna_lua_dance_forget[] =
    CIGNA_LUA_NOW
    CIGNA_LUA_FULL
    "redis.call('ZREM', KEYS[1], ARGV[1])\n"
    "if redis.call('ZREM', KEYS[2], ARGV[1]) == 0 then return {'absent'} end\n"
    "if ARGV[2] == '' then return {'ok', '0'} end\n"
    "local n = redis.call('HMGET', KEYS[4], ARGV[2])[1] or 0\n"
    "redis.call('HSET', KEYS[4], ARGV[2], string.format('%.0f', n + 1))\n"
    "redis.call('PEXPIRE', KEYS[4], ARGV[5])\n"
    "local most = tonumber(ARGV[4])\n"
    "if most == 0 or full() then return {'ok', '0'} end\n"
    "redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now - ARGV[5])\n"
    "redis.call('ZADD', KEYS[3], now, ARGV[3])\n"
    "redis.call('PEXPIRE', KEYS[3], ARGV[5])\n"
    "local excess, leaving = redis.call('ZCARD', KEYS[3]) - most, {}\n"
    "if excess > 0 then\n"
    "    local last = math.min(excess, 16) - 1\n"
    "    leaving = redis.call('ZRANGE', KEYS[3], 0, last)\n"
    "    redis.call('ZREMRANGEBYRANK', KEYS[3], 0, last)\n"
    "end\n"
    "return {'ok', '1', unpack(leaving)}\n";


/*
 * dance_due: finds dances that are overdue.
 *
 * Key: open dances of a shard.  Arguments: the most entries to return, ms for
 * which the returned entries are not due again.
 *
 *     ok entries...          those that are due the longest come first
 *
 * The entries stay in the list until dance_forget removes them.  So if the
 * caller dies, other nodes find them later.
 */

static const char  cigna_lua_dance_due[] =
    CIGNA_LUA_NOW
    "local due = redis.call('ZRANGE', KEYS[1], '-inf', now, 'BYSCORE',\n"
    "                       'LIMIT', 0, ARGV[1])\n"
    "for _, entry in ipairs(due) do\n"
    "    redis.call('ZADD', KEYS[1], now + ARGV[2], entry)\n"
    "end\n"
    "return {'ok', unpack(due)}\n";


/*
 * grant_install: stores the grant of a dance in place of any other.
 *
 * Key: grant.  Arguments: grant id, generation, sealed grant, ms to keep it,
 * channel, identity.
 *
 *     ok connected record          record: the replaced one, as "HMGET grant i
 *                                  g b m n r" returns it; all nil if there was
 *                                  none, or if this grant was stored before
 *     retired                      this grant was stored before, and has been
 *                                  replaced or deleted since
 *
 * connected (field c, ms) is the time of the call by the clock of Redis, but
 * later than that of each earlier grant of this identity.  It tells which of
 * two grants is the newer one, see grant_replay.
 */

static const char  cigna_lua_grant_install[] =
    CIGNA_LUA_NOW
    "local g = redis.call('HMGET', KEYS[1],\n"
    "                     'i', 'g', 'b', 'm', 'n', 'r', 'x', 'c')\n"
    "local connected = table.remove(g) or '0'\n"
    "local gone = table.remove(g) or ''\n"
    "if g[1] == ARGV[1] then\n"
    "    return {'ok', connected, " CIGNA_LUA_NO_RECORD "}\n"
    "end\n"
    "if string.find(gone, ARGV[1], 1, true) then return {'retired'} end\n"
    "if g[1] then gone = " CIGNA_LUA_GONE("g[1]", "gone") " end\n"
    "connected = string.format('%.0f', math.max(now, connected + 1))\n"
    "redis.call('HDEL', KEYS[1], 'm', 'n', 'o', 'r', 's')\n"
    "redis.call('HSET', KEYS[1], 'i', ARGV[1], 'g', ARGV[2], 'b', ARGV[3],\n"
    "           'c', connected, 'x', gone)\n"
    "redis.call('PEXPIRE', KEYS[1], ARGV[4])\n"
    CIGNA_LUA_PUBLISH("ARGV[5]", "ARGV[6]", "ARGV[1]", "ARGV[2]")
    "return {'ok', connected, g}\n";


/*
 * grant_begin: sets lock and write-ahead mark, if the record is still the same.
 *
 * Keys: grant, lock.  Arguments: owner (a new random text that names the run),
 * grant id, generation, ms of the lock, ms of the mark, and the number of
 * attempts that the caller knows of.
 *
 *     stale record                 the grant is gone, or another grant, another
 *                                  generation or another number of attempts is
 *                                  there; record: as "HMGET grant i g b m n r"
 *                                  returns it
 *     busy                         another owner has the lock
 *     marked                       there is a mark that has not expired and is
 *                                  not this owner's
 *     mine connected               the caller has lock and mark; connected: see
 *                                  grant_install
 *
 * If the owner asks again, lock and mark are prolonged, and the attempt is not
 * counted again.
 */

static const char  cigna_lua_grant_begin[] =
    CIGNA_LUA_NOW
    "local g = redis.call('HMGET', KEYS[1],\n"
    "                     'i', 'g', 'b', 'm', 'n', 'r', 'o', 'c')\n"
    "local connected = table.remove(g) or '0'\n"
    "local owner = table.remove(g)\n"
    "if g[1] ~= ARGV[2] or g[2] ~= ARGV[3] then return {'stale', g} end\n"
    "local holder = redis.call('GET', KEYS[2])\n"
    "if holder and holder ~= ARGV[1] then return {'busy'} end\n"
    "local mark, attempts = tonumber(g[4] or 0), tonumber(g[5] or 0)\n"
    "local ours = owner == ARGV[1] and mark > now\n"
    "if mark > now and not ours then return {'marked'} end\n"
    "if not ours then\n"
    "    if attempts ~= tonumber(ARGV[6]) then return {'stale', g} end\n"
    "    attempts = attempts + 1\n"
    "end\n"
    "redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[4])\n"
    "redis.call('HSET', KEYS[1], 'm', string.format('%.0f', now + ARGV[5]),\n"
    "           'n', string.format('%.0f', attempts), 'o', ARGV[1])\n"
    "return {'mine', connected}\n";


/*
 * grant_renew: prolongs the lock while the exchange is open.
 *
 * Keys: grant, lock.  Arguments: owner, ms of the lock, and then the further
 * arguments of grant_retake, which grant_renew ignores.
 *
 *     mine                         the owner has lock and mark
 *     lost                         another owner has the lock; or the mark is
 *                                  gone, has expired or is another owner's
 *
 * Unlike grant_begin, grant_renew sets no new mark: a call that arrives late
 * must not lock a grant that its owner has given up.
 */

static const char  cigna_lua_grant_renew[] =
    CIGNA_LUA_NOW
    "local g = redis.call('HMGET', KEYS[1], 'o', 'm')\n"
    "local holder = redis.call('GET', KEYS[2])\n"
    "if g[1] ~= ARGV[1] or holder and holder ~= ARGV[1] then\n"
    "    return {'lost'}\n"
    "end\n"
    "if tonumber(g[2]) <= now then return {'lost'} end\n"
    "redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])\n"
    "return {'mine'}\n";


/*
 * grant_retake: sets lock and mark again for an open exchange, after a change
 * of primary that may have lost them.
 *
 * Keys: grant, lock.  Arguments: owner, ms of the lock, ms of the mark, grant
 * id, generation, attempts including this one.
 *
 *     mine                         the owner has lock and mark
 *     lost                         the grant is gone, or another grant or
 *                                  generation is there; or another owner has
 *                                  the lock, or a mark that has not expired
 */

static const char  cigna_lua_grant_retake[] =
    CIGNA_LUA_NOW
    "local g = redis.call('HMGET', KEYS[1], 'i', 'g', 'o', 'm', 'n')\n"
    "local holder = redis.call('GET', KEYS[2])\n"
    "if g[1] ~= ARGV[4] or g[2] ~= ARGV[5]\n"
    "   or holder and holder ~= ARGV[1]\n"
    "   or g[3] ~= ARGV[1] and tonumber(g[4] or 0) > now\n"
    "then\n"
    "    return {'lost'}\n"
    "end\n"
    "redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])\n"
    "local attempts = math.max(ARGV[6], g[5] or 0)\n"
    "redis.call('HSET', KEYS[1], 'm', string.format('%.0f', now + ARGV[3]),\n"
    "           'n', string.format('%.0f', attempts), 'o', ARGV[1])\n"
    "return {'mine'}\n";


/*
 * grant_swap: puts a newer generation over an older one of the same grant,
 * and unlocks.
 *
 * Keys: grant, lock.  Arguments: owner, grant id, generation, sealed grant,
 * ms to keep it, channel, identity, "1" to mark the grant spent, else "".
 *
 *     ok                           the generation is stored, now or by an
 *                                  earlier call
 *     stale record                 the grant is gone, or another grant is
 *                                  there, or this generation with other bytes,
 *                                  or a newer one; record: see grant_begin
 *
 * The new generation replaces any older one, not only the one just before it: a
 * primary that lost its last writes may have an older one again.  A generation
 * that is marked spent (field s, with the time) is also replaced by a
 * generation of the same number that has new tokens: the server refused the
 * refresh token only because it had been exchanged already.  Version 0.4.0
 * wrote "1" into s.  A grant that is marked spent may be tried again with the
 * same refresh token, so its attempts stay counted.
 */

static const char  cigna_lua_grant_swap[] =
    CIGNA_LUA_NOW
    "local g = redis.call('HMGET', KEYS[1],\n"
    "                     'i', 'g', 'b', 'm', 'n', 'r', 's')\n"
    "local spent = table.remove(g)\n"
    "if redis.call('GET', KEYS[2]) == ARGV[1] then\n"
    "    redis.call('DEL', KEYS[2])\n"
    "end\n"
    "if g[1] ~= ARGV[2] then return {'stale', g} end\n"
    "if g[2] == ARGV[3] and g[3] == ARGV[4] then return {'ok'} end\n"
    "local there = tonumber(g[2])\n"
    "if spent and ARGV[8] == '' then there = there - 1 end\n"
    "if there >= tonumber(ARGV[3]) then return {'stale', g} end\n"
    "redis.call('HDEL', KEYS[1], 'm', 'o', 'r', 's')\n"
    "redis.call('HSET', KEYS[1], 'g', ARGV[3], 'b', ARGV[4])\n"
    "if ARGV[8] ~= '' then\n"
    "    redis.call('HSET', KEYS[1], 's', string.format('%.0f', now))\n"
    "else\n"
    "    redis.call('HDEL', KEYS[1], 'n')\n"
    "end\n"
    "redis.call('PEXPIRE', KEYS[1], ARGV[5])\n"
    CIGNA_LUA_PUBLISH("ARGV[6]", "ARGV[7]", "ARGV[2]", "ARGV[3]")
    "return {'ok'}\n";


/*
 * grant_release: ends the owner's attempt.  Removes the lock, if it is the
 * owner's, and updates the mark, if it is the owner's.
 *
 * Keys: grant, lock.  Arguments: owner, and how the attempt ended:
 *
 *     ms of the lock               the outcome is unknown: the mark expires
 *                                  after these ms at the latest
 *     "refused"                    the refusal is not final: the mark expires
 *                                  now, and field r gets generation and time
 *     ""                           the attempt had no effect, and is not
 *                                  counted.  The mark is removed, or expires
 *                                  now if an earlier attempt may have had an
 *                                  effect
 *
 * The reply is always "ok".
 */

static const char  cigna_lua_grant_release[] =
    CIGNA_LUA_NOW
    "if redis.call('GET', KEYS[2]) == ARGV[1] then\n"
    "    redis.call('DEL', KEYS[2])\n"
    "end\n"
    "local g = redis.call('HMGET', KEYS[1], 'm', 'n', 'o', 'g')\n"
    "if g[3] ~= ARGV[1] then return {'ok'} end\n"
    "local mark = now\n"
    "if ARGV[2] == 'refused' then\n"
    "    redis.call('HSET', KEYS[1],\n"
    "               'r', g[4] .. string.format(' %.0f', now))\n"
    "elseif ARGV[2] ~= '' then\n"
    "    mark = math.min(g[1], now + ARGV[2])\n"
    "    redis.call('HDEL', KEYS[1], 'r')\n"
    "elseif tonumber(g[2]) > 1 then\n"
    "    redis.call('HSET', KEYS[1], 'n', string.format('%.0f', g[2] - 1))\n"
    "else\n"
    "    redis.call('HDEL', KEYS[1], 'm', 'n', 'o', 'r')\n"
    "    return {'ok'}\n"
    "end\n"
    "redis.call('HDEL', KEYS[1], 'o')\n"
    "redis.call('HSET', KEYS[1], 'm', string.format('%.0f', mark))\n"
    "return {'ok'}\n";


/*
 * grant_delete: deletes a grant and its lock, and returns the grant.
 *
 * Keys: grant, lock.  Arguments: ms to remember the grant's id
 * (CIGNA_TOMB_MS), channel, identity.
 *
 *     none                         there was no grant
 *     ok record connected          record: the deleted one, see grant_begin;
 *                                  connected: see grant_install
 */

static const char  cigna_lua_grant_delete[] =
    "local g = redis.call('HMGET', KEYS[1],\n"
    "                     'i', 'g', 'b', 'm', 'n', 'r', 'x', 'c')\n"
    "local connected = table.remove(g) or '0'\n"
    "local gone = table.remove(g) or ''\n"
    "redis.call('DEL', KEYS[2])\n"
    "if g[1] then\n"
    "    redis.call('DEL', KEYS[1])\n"
    "    redis.call('HSET', KEYS[1], 'c', connected,\n"
    "               'x', " CIGNA_LUA_GONE("g[1]", "gone") ")\n"
    "    redis.call('PEXPIRE', KEYS[1], ARGV[1])\n"
    "end\n"
    CIGNA_LUA_PUBLISH("ARGV[2]", "ARGV[3]", "(g[1] or '-')", "'0'")
    "if g[1] then return {'ok', g, connected} end\n"
    "return {'none'}\n";


/*
 * grant_replay: writes a generation again that Redis may have lost.
 *
 * Key: grant.  Arguments: grant id, generation, sealed grant, ms to keep it,
 * time at which the member connected, channel, identity.
 *
 *     ok                           the generation is there, now or already
 *     stale                        a later generation is there
 *     other                        another grant is there, which is newer
 *     retired                      the grant was replaced or deleted before
 *
 * The bytes of the same generation may differ, because it was sealed under
 * another key or amended.  A generation that is marked spent is replaced, see
 * grant_swap.
 *
 * The mark is removed together with the older generation whose refresh token it
 * guards.  The lock stays until its owner gives it up.
 */

static const char  cigna_lua_grant_replay[] =
    "local g = redis.call('HMGET', KEYS[1], 'i', 'g', 's', 'c', 'x')\n"
    "local id, connected, gone = g[1], tonumber(g[4] or 0), g[5] or ''\n"
    "if id == ARGV[1] then\n"
    "    if g[2] == ARGV[2] and not g[3] then return {'ok'} end\n"
    "    local there = tonumber(g[2])\n"
    "    if g[3] then there = there - 1 end\n"
    "    if there >= tonumber(ARGV[2]) then return {'stale'} end\n"
    "else\n"
    "    if string.find(gone, ARGV[1], 1, true) then return {'retired'} end\n"
    "    if connected >= tonumber(ARGV[5]) then\n"
    "        return {id and 'other' or 'retired'}\n"
    "    end\n"
    "    if id then gone = " CIGNA_LUA_GONE("id", "gone") " end\n"
    "end\n"
    "redis.call('HDEL', KEYS[1], 'm', 'n', 'o', 'r', 's')\n"
    "redis.call('HSET', KEYS[1], 'i', ARGV[1], 'g', ARGV[2], 'b', ARGV[3],\n"
    "           'c', ARGV[5], 'x', gone)\n"
    "redis.call('PEXPIRE', KEYS[1], ARGV[4])\n"
    CIGNA_LUA_PUBLISH("ARGV[6]", "ARGV[7]", "ARGV[1]", "ARGV[2]")
    "return {'ok'}\n";


/*
 * grant_forget: deletes a grant again if Redis may have lost the deletion.
 * Also deletes another grant of the identity, unless it was connected later.
 *
 * Keys: grant, lock.  Arguments: grant id, time at which the member connected,
 * ms to remember the id (CIGNA_TOMB_MS), channel, identity.
 *
 *     ok                           the grant is gone, now or already
 *     other                        a newer grant is there, and stays
 */

static const char  cigna_lua_grant_forget[] =
    "local g = redis.call('HMGET', KEYS[1], 'i', 'c', 'x')\n"
    "local id, connected, gone = g[1], tonumber(g[2] or 0), g[3] or ''\n"
    "if not string.find(gone, ARGV[1], 1, true) then\n"
    "    gone = " CIGNA_LUA_GONE("ARGV[1]", "gone") "\n"
    "end\n"
    "if id and id ~= ARGV[1] then\n"
    "    if connected > tonumber(ARGV[2]) then\n"
    "        redis.call('HSET', KEYS[1], 'x', gone)\n"
    "        return {'other'}\n"
    "    end\n"
    "    gone = " CIGNA_LUA_GONE("id", "gone") "\n"
    "end\n"
    "connected = math.max(connected, ARGV[2])\n"
    "redis.call('DEL', KEYS[1])\n"
    "redis.call('HSET', KEYS[1], 'c', string.format('%.0f', connected),\n"
    "           'x', gone)\n"
    "redis.call('PEXPIRE', KEYS[1], ARGV[3])\n"
    "if id then\n"
    "    redis.call('DEL', KEYS[2])\n"
    "    " CIGNA_LUA_PUBLISH("ARGV[4]", "ARGV[5]", "id", "'0'")
    "end\n"
    "return {'ok'}\n";


/*
 * grant_reseal: replaces a sealed grant by the same one under another key.
 *
 * Key: grant.  Arguments: the bytes that were read, the new bytes.
 *
 *     ok                           the record has the new bytes
 *     stale                        the record has neither the new bytes nor
 *                                  those that were read
 *
 * Nothing else of the record changes, not even its expiry.  So the script does
 * not publish the change.
 */

#define CIGNA_LUA_RESEAL                                                      \
    "local blob = redis.call('HMGET', KEYS[1], 'b')[1]\n"                     \
    "if blob == ARGV[2] then return {'ok'} end\n"                             \
    "if blob ~= ARGV[1] then return {'stale'} end\n"                          \
    "redis.call('HSET', KEYS[1], 'b', ARGV[2])\n"

static const char  cigna_lua_grant_reseal[] =
    CIGNA_LUA_RESEAL
    "return {'ok'}\n";


/*
 * grant_amend: replaces a sealed grant by the same one with one more field.
 * Nodes may have cached this generation without that field.  So the script
 * publishes a deletion, and the nodes read the grant again.
 *
 * Key: grant.  Arguments: as of grant_reseal, then channel, identity.
 */

static const char  cigna_lua_grant_amend[] =
    CIGNA_LUA_RESEAL
    CIGNA_LUA_PUBLISH("ARGV[3]", "ARGV[4]", "'-'", "'0'")
    "return {'ok'}\n";


/*
 * vault_check: returns role, eviction policy and marker of this Redis server.
 *
 * Key: marker.
 *
 *     replica                      the server is not a primary
 *     none policy                  there is no marker; policy is Redis'
 *                                  maxmemory_policy
 *     ok policy marker ms name     marker: the sealed marker; ms: for how long
 *                                  this server has been the primary; name: a
 *                                  text that changes with the primary
 *
 * On a new primary the script writes run id and time to the marker's record.
 * If Redis has no memory for them, each check takes the primary for a new one.
 */

static const char  cigna_lua_vault_check[] =
    CIGNA_LUA_NOW
    "local function info(section, name)\n"
    "    return string.match(redis.call('INFO', section),\n"
    "                        '\\n' .. name .. ':([^\\r\\n]*)') or ''\n"
    "end\n"
    "if info('replication', 'role') ~= 'master' then\n"
    "    return {'replica'}\n"
    "end\n"
    "local policy = info('memory', 'maxmemory_policy')\n"
    "local m = redis.call('HMGET', KEYS[1], 'b', 'r', 't')\n"
    "if not m[1] then return {'none', policy} end\n"
    "local run, since = info('server', 'run_id'), tonumber(m[3] or '')\n"
    "if m[2] ~= run or not since then\n"
    "    since = now\n"
    "    redis.pcall('HSET', KEYS[1], 'r', run,\n"
    "                't', string.format('%.0f', now))\n"
    "end\n"
    "return {'ok', policy, m[1], math.max(0, now - since),\n"
    "        run .. ' ' .. info('replication', 'master_replid')}\n";


#define cigna_script_entry(name, nkeys)                                       \
    [cigna_script_##name] = { #name, cigna_lua_##name, "", nkeys }

static cigna_script_t  cigna_scripts[cigna_script_max] = {
    cigna_script_entry(dance_list, 2),
    cigna_script_entry(dance_open, 1),
    cigna_script_entry(dance_claim, 1),
    cigna_script_entry(dance_end, 1),
    cigna_script_entry(dance_close, 1),
    cigna_script_entry(dance_forget, 4),
    cigna_script_entry(dance_due, 1),
    cigna_script_entry(grant_install, 1),
    cigna_script_entry(grant_begin, 2),
    cigna_script_entry(grant_renew, 2),
    cigna_script_entry(grant_retake, 2),
    cigna_script_entry(grant_swap, 2),
    cigna_script_entry(grant_release, 2),
    cigna_script_entry(grant_delete, 2),
    cigna_script_entry(grant_replay, 1),
    cigna_script_entry(grant_forget, 2),
    cigna_script_entry(grant_reseal, 1),
    cigna_script_entry(grant_amend, 1),
    cigna_script_entry(vault_check, 1)
};


int
cigna_scripts_init(void)
{
    unsigned  i;

    for (i = 0; i < cigna_script_max; i++) {

        if (cigna_script_init(&cigna_scripts[i]) != CIGNA_OK) {
            return CIGNA_ERROR;
        }
    }

    return CIGNA_OK;
}


const cigna_script_t *
cigna_script(cigna_script_e script)
{
    return &cigna_scripts[script];
}


void
cigna_script_read(cigna_op_t *op, const cigna_vault_names_t *id)
{
    cigna_slice_t  argv[CIGNA_GRANT_READ_ARGC];

    cigna_flow_redis(op, argv, (unsigned) cigna_vault_read_args(id, argv));
}


void
cigna_script_run(cigna_op_t *op, cigna_script_e script,
    const cigna_slice_t *argv, unsigned argc)
{
    cigna_flow_script(op, &cigna_scripts[script], argv, argc);
}


cigna_slice_t
cigna_script_word(const cigna_event_t *ev)
{
    return cigna_script_slice(ev, 0);
}


int
cigna_script_said(const cigna_event_t *ev, const char *word)
{
    return cigna_slice_eq(cigna_script_word(ev), cigna_slice_str(word));
}


cigna_slice_t
cigna_script_slice(const cigna_event_t *ev, size_t i)
{
    if (ev->type != cigna_ev_ok) {
        return cigna_slice_null;
    }

    return cigna_reply_slice(cigna_reply_item(ev->reply, i));
}


cigna_slice_t
cigna_script_identity(const cigna_vault_names_t *id)
{
    return cigna_slice_make(id->hash, id->hash + CIGNA_NAME_LEN);
}


cigna_slice_t
cigna_script_channel(const cigna_subject_t *s)
{
    cigna_buf_t  b;

    cigna_arena_open(s->arena, &b);
    cigna_buf_append(&b, s->vault->prefix);
    cigna_buf_append_str(&b, ":invalidate");

    return cigna_flow_text(s->arena, &b);
}


const cigna_reply_t *
cigna_script_record(const cigna_event_t *ev)
{
    return cigna_reply_item(ev->reply, 1);
}
