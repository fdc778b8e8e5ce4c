
#include "cigna_scripts.h"


/* milliseconds since the epoch by the clock of Redis */

#define CIGNA_LUA_NOW                                                         \
    "local clock = redis.call('TIME')\n"                                      \
    "local now = clock[1] * 1000 + math.floor(clock[2] / 1000)\n"

/*
 * Tells every node of a write.  A failure (an ACL without the channel) must
 * not undo what is written: nodes compare generations now and then anyway.
 */

#define CIGNA_LUA_PUBLISH(channel, identity, id, generation)                  \
    "redis.pcall('PUBLISH', " channel ", "                                    \
                 identity " .. ' ' .. " id " .. ' ' .. " generation ")\n"

/*
 * Field x has the ids of the last grants that went, so that a write that comes
 * late revives none of them.
 */

#define CIGNA_LUA_GONE(id, gone)                                              \
    "string.sub(" id " .. ' ' .. " gone ", 1, 8 * 23)"

/* what HMGET of the fields of a record returns where there is none */

#define CIGNA_LUA_NO_RECORD  "{false, false, false, false, false, false}"


/*
 * dance_open: stores a dance.
 *
 * Key: dance.  Arguments: sealed dance, hash of the browser's secret,
 * identity, dance id, ms it may be completed in, ms its end is remembered.
 *
 *     ok
 *
 * Running it twice is the same as once.
 */

static const char  cigna_lua_dance_open[] =
    CIGNA_LUA_NOW
    "redis.call('HSET', KEYS[1], 'b', ARGV[1], 's', ARGV[2], 'w', ARGV[3],\n"
    "           'd', ARGV[4], 'e', string.format('%.0f', now + ARGV[5]))\n"
    "redis.call('PEXPIRE', KEYS[1], ARGV[6])\n"
    "return {'ok'}\n";


/*
 * dance_list: enters a dance in the list of its member's open ones.
 *
 * Key: open dances.  Arguments: key of the dance, how many may be open, ms
 * each of them is open.
 *
 *     ok evicted...          keys of dances which are too many, oldest first
 *
 * The evicted ones live in other hash slots, so the caller deletes them.  No
 * more than 16 (CIGNA_EVICTED_MAX) go at a time: a lowered bound is reached
 * little by little.
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
    "return {'ok', unpack(evicted)}\n";


/*
 * dance_take: takes a dance, if the browser and the member are the ones that
 * started it.
 *
 * Key: dance.  Arguments: hash of the browser's secret (empty: it has none),
 * identity, taker (a fresh token), ms until the taker is given up.
 *
 *     absent
 *     mismatch id                  another browser; nothing has changed
 *     other id                     another member; the dance has ended, unless
 *                                  it had been taken or ended before
 *     ended id outcome rest
 *     taken id blob ms             somebody is at it, for so long at most
 *     interrupted id blob          somebody was at it and never came back
 *     expired id
 *     yours id blob                also when the same taker asks again
 *
 * The hashes are compared by Lua's string comparison, which is by pointer on
 * interned strings; what is compared are digests of secrets, so timing would
 * tell nothing of use even if it told something.
 */

static const char  cigna_lua_dance_take[] =
    CIGNA_LUA_NOW
    "local d = redis.call('HMGET', KEYS[1],\n"
    "                     's', 'w', 'd', 'e', 'b', 'o', 'r', 't', 'k')\n"
    "local secret, identity, id, expiry, blob = d[1], d[2], d[3], d[4], d[5]\n"
    "local outcome, rest, taken, taker = d[6], d[7], d[8], d[9]\n"
    "if not secret then return {'absent'} end\n"
    "if secret ~= ARGV[1] then return {'mismatch', id} end\n"
    "if identity ~= ARGV[2] then\n"
    "    if not outcome and not taken then\n"
    "        redis.call('HSET', KEYS[1], 'o', 'identity_mismatch', 'r', '')\n"
    "        redis.call('HDEL', KEYS[1], 'b')\n"
    "    end\n"
    "    return {'other', id}\n"
    "end\n"
    "if outcome then return {'ended', id, outcome, rest or ''} end\n"
    "if taken then\n"
    "    local left = taken - now\n"
    "    if left <= 0 then return {'interrupted', id, blob} end\n"
    "    if taker == ARGV[3] then return {'yours', id, blob} end\n"
    "    return {'taken', id, blob, left}\n"
    "end\n"
    "if now >= tonumber(expiry) then return {'expired', id} end\n"
    "redis.call('HSET', KEYS[1], 'k', ARGV[3],\n"
    "           't', string.format('%.0f', now + ARGV[4]))\n"
    "return {'yours', id, blob}\n";


/*
 * dance_end: remembers how a dance ended, and drops its secrets.
 *
 * Key: dance.  Arguments: taker, outcome, what is left of the dance, sealed.
 *
 *     ok
 *     absent                       it has expired meanwhile
 *     other                        not this taker's
 *     ended outcome                it had ended before, which stands
 *     late                         past the deadline, "interrupted" stands
 *
 * The key goes on to expire when it would have anyway.
 */

static const char  cigna_lua_dance_end[] =
    CIGNA_LUA_NOW
    "local d = redis.call('HMGET', KEYS[1], 's', 'k', 't', 'o')\n"
    "if not d[1] then return {'absent'} end\n"
    "if d[2] ~= ARGV[1] then return {'other'} end\n"
    "if d[4] then return {'ended', d[4]} end\n"
    "if now >= tonumber(d[3]) then return {'late'} end\n"
    "redis.call('HSET', KEYS[1], 'o', ARGV[2], 'r', ARGV[3])\n"
    "redis.call('HDEL', KEYS[1], 'b')\n"
    "return {'ok'}\n";


/*
 * grant_put: stores the grant of a dance in place of any other.
 *
 * Key: grant.  Arguments: grant id, generation, sealed grant, ms to keep it,
 * channel, identity.
 *
 *     ok connected record          record: what it has replaced, as "HMGET
 *                                  grant i g b m n r" returns it: nothing also
 *                                  when the put had been stored before
 *     retired                      it had been stored before, and has been
 *                                  replaced or deleted since
 *
 * connected (field c, ms) is when it was put, by the clock of Redis, and in
 * any case later than that of every grant of this identity before: it tells
 * which of two grants is the newer one, see grant_restore.
 */

static const char  cigna_lua_grant_put[] =
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
 * grant_begin: lock, write-ahead mark and a second look at the record at once.
 *
 * Keys: grant, lock.  Arguments: owner (a fresh token), grant id, generation,
 * ms of the lease, ms of the mark, and how many attempts the caller knows of
 * that may have had an effect.
 *
 *     stale record                 no longer this generation, or there were
 *                                  other attempts; a record is what "HMGET
 *                                  grant i g b m n r" returns
 *     busy                         somebody else has the lock
 *     marked                       somebody else is at it without the lock
 *     mine connected               lock and mark are ours; see grant_put
 *
 * The owner may ask again: that renews lock and mark, and counts no other
 * attempt.
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
 * grant_renew: makes the lock last longer while the exchange runs.
 *
 * Keys: grant, lock.  Arguments: owner, ms of the lease, then what
 * grant_retake takes besides.
 *
 *     mine
 *     lost                         not this owner's, or no longer
 *
 * Other than grant_begin it takes nothing: sent late, it must not lock what
 * its owner has given up.
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
 * grant_retake: sets lock and mark again for an exchange that is open, where a
 * new primary does not know of them.
 *
 * Keys: grant, lock.  Arguments: owner, ms of the lease, ms of the mark, grant
 * id, generation, attempts including this one.
 *
 *     mine
 *     lost                         no longer this generation, or somebody else
 *                                  is at it
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
 *     ok                           also when it had been stored before
 *     stale record                 the grant is gone, or another one, or not
 *                                  older than this; see grant_begin
 *
 * Any generation before the new one gives way, not only the one just before:
 * a primary that lost its last writes may have an older one again.  So does
 * one that is marked spent (field s, when that was) for one of the same number
 * that is not: the refusal was of a refresh token that had been exchanged
 * already.  0.4.0 has left "1" in s.  A grant that is marked spent may be tried
 * again with the same refresh token, whose attempts stay counted.
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
 * grant_release: unlocks, and settles the mark, both only if they are the
 * owner's.
 *
 * Keys: grant, lock.  Arguments: owner, then how the attempt has ended:
 *
 *     ms of the lease              nobody knows: for so long the mark stays
 *     "refused"                    refused, which is not final: field r notes
 *                                  of which generation, and when
 *     ""                           it is known to have had no effect
 *
 *     ok
 *
 * An attempt without effect is not counted.  If an earlier one is still open,
 * its mark stays, past its deadline.
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
 * grant_delete: reads and deletes.
 *
 * Keys: grant, lock.  Arguments: ms for which no late write revives it
 * (CIGNA_TOMB_MS), channel, identity.
 *
 *     none
 *     ok record connected          what there was, see grant_begin
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
 * grant_restore: writes a generation again that Redis may have lost.
 *
 * Key: grant.  Arguments: grant id, generation, sealed grant, ms to keep it,
 * when it was connected, channel, identity.
 *
 *     ok                           written, or this generation is there
 *     stale                        a later generation is
 *     other                        another grant is there, and newer
 *     retired                      the grant was replaced or deleted
 *
 * Of the same generation the bytes may differ: it was sealed under another key
 * since, or amended.  One that is marked spent gives way, see grant_swap.
 *
 * A mark goes with the older generation whose refresh token it guards.  The
 * lock is its owner's to give up.
 */

static const char  cigna_lua_grant_restore[] =
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
 * grant_forget: deletes a grant again whose deletion Redis may have lost, and
 * any that was connected before it.
 *
 * Keys: grant, lock.  Arguments: grant id, when it was connected, ms for which
 * no late write revives it (CIGNA_TOMB_MS), channel, identity.
 *
 *     ok                           also if it was gone already
 *     other                        a newer grant is there and stays
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
 * grant_reseal: puts the same record, sealed under another key, in place of
 * the bytes that were opened.
 *
 * Key: grant.  Arguments: sealed grant as it was read, as it shall be.
 *
 *     ok                           also when it had been done before
 *     stale                        no longer these bytes
 *
 * Nothing else of the grant changes, its expiry neither; nodes need not know.
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
 * grant_amend: the same, where something has been learned of the grant that
 * nodes are to have, too.  Of its generation they have one without that, so
 * that they are told as if it was deleted, and read it again.
 *
 * Key: grant.  Arguments: as of grant_reseal, then channel, identity.
 */

static const char  cigna_lua_grant_amend[] =
    CIGNA_LUA_RESEAL
    CIGNA_LUA_PUBLISH("ARGV[3]", "ARGV[4]", "'-'", "'0'")
    "return {'ok'}\n";


/*
 * vault_check: is this a primary, does it evict, has it the marker?
 *
 * Key: marker.
 *
 *     replica
 *     none policy                  there is no marker; policy is Redis'
 *                                  maxmemory_policy
 *     ok policy marker ms who      sealed marker; for so long this has been
 *                                  the primary; what it is called as long as
 *                                  it is one
 *
 * A primary that has not been seen before says so in the marker.  One that
 * cannot, being out of memory, is a new one each time.
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
    cigna_script_entry(dance_open, 1),
    cigna_script_entry(dance_list, 1),
    cigna_script_entry(dance_take, 1),
    cigna_script_entry(dance_end, 1),
    cigna_script_entry(grant_put, 1),
    cigna_script_entry(grant_begin, 2),
    cigna_script_entry(grant_renew, 2),
    cigna_script_entry(grant_retake, 2),
    cigna_script_entry(grant_swap, 2),
    cigna_script_entry(grant_release, 2),
    cigna_script_entry(grant_delete, 2),
    cigna_script_entry(grant_restore, 1),
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


const cigna_script_t *
cigna_script_find(cigna_slice_t sha1)
{
    unsigned  i;

    for (i = 0; i < cigna_script_max; i++) {
        if (cigna_slice_eq_case(cigna_slice_str(cigna_scripts[i].sha1), sha1)) {
            return &cigna_scripts[i];
        }
    }

    return NULL;
}


void
cigna_script_read(cigna_op_t *op, const cigna_vault_names_t *id)
{
    size_t         argc;
    cigna_slice_t  argv[CIGNA_GRANT_READ_ARGC];

    argc = cigna_vault_read_args(id, argv);

    cigna_flow_redis(op, argv, (unsigned) argc);
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


int
cigna_script_channel(const cigna_subject_t *s, cigna_slice_t *channel)
{
    cigna_buf_t  b;

    cigna_arena_open(s->arena, &b);
    cigna_buf_append(&b, s->vault->prefix);
    cigna_buf_append_str(&b, ":invalidate");
    *channel = cigna_arena_close(s->arena, &b);

    return channel->len == 0 ? CIGNA_ERROR : CIGNA_OK;
}
