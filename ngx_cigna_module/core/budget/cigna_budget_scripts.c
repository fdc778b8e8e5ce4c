
#include <string.h>

#include "cigna_budget_scripts.h"


/*
 * the budgets expire two days after their last use; no bucket takes longer to
 * drain
 */

#define CIGNA_LUA_KEEP  "redis.call('PEXPIRE', KEYS[1], 172800000)\n"


/*
 * The beginning of both scripts.  Numbers in fields and arguments are decimal,
 * with spaces between them.
 *
 * A pause has a scope: one tenant, or all tenants of an origin.  The field of a
 * scope has these numbers of its last pause: the time at which the trouble
 * began, the times at which the pause began and ends, level and time of the
 * ramp's bucket, 1 if the pause is confirmed, the time until which the server
 * asked for it, and the time at which an operator last ended a pause of the
 * scope (0: never).  cigna_pause.h explains these words.  Then follows the
 * reply that asked for the pause, for scripts/vault; these scripts read only
 * its origin.  After a step back of the clock, the scripts move all these times
 * but the bucket's back by the same amount.
 *
 * Gateways before 0.6.0 read and write only the first five numbers.  The pause
 * of such a gateway lasts at most as long as one reply may ask for.  If a
 * tenant has changed its origin, its pause does not count.
 */

static const char  cigna_lua_budgets[] =
    "local clock = redis.call('TIME')\n"
    "local now = clock[1] * 1000000 + clock[2]\n"
    "local function numbers(s)\n"
    "  local t = {}\n"
    "  for n in string.gmatch(s or '', '%d+') do\n"
    "    t[#t + 1] = tonumber(n)\n"
    "  end\n"
    "  return t\n"
    "end\n"
    "local function text(...)\n"
    "  local t = {...}\n"
    "  for i = 1, #t do t[i] = string.format('%.0f', t[i]) end\n"
    "  return table.concat(t, ' ')\n"
    "end\n"
    "local longest = 300000000\n"
    "local function hold(s, origin)\n"
    "  local v = numbers(s)\n"
    "  if not v[5] then return nil end\n"
    "  local by = string.match(s, '^' .. string.rep('%d+ ', 8) .. '(.*)$')\n"
    "  local of = by and string.match(by, '^%S+ %S+ (%S+)')\n"
    "  if of and of ~= origin then return nil end\n"
    "  local back = math.max(0, v[2] - now)\n"
    "  local h = {began = v[1] - back, from = v[2] - back,\n"
    "             till = v[3] - back, level = v[4], at = v[5],\n"
    "             dirty = back > 0, by = by or '', sure = 0, ended = 0}\n"
    "  h.asked = h.till\n"
    "  if by then\n"
    "    h.sure, h.asked = v[6], v[7] - back\n"
    "    h.ended = math.max(0, v[8] - back)\n"
    "  else\n"
    "    h.till = math.min(h.till, h.from + longest)\n"
    "  end\n"
    "  return h\n"
    "end\n"
    "local function entry(h)\n"
    "  return text(h.began, h.from, h.till, h.level, h.at, h.sure,\n"
    "              math.max(0, h.asked), h.ended) .. ' ' .. h.by\n"
    "end\n";


/*
 * budget_lease: grants requests of a tenant to a node, and charges them.  The
 * tests have the same algorithm in C, see budget_model.h.
 *
 * Key: the budgets.  Arguments: node, tenant, numbers, origin of the tenant's
 * FHIR server.  The numbers are, in this order:
 *
 *   - how many requests are wanted (0: none, only to learn of pauses);
 *   - us after which a node does not count, and the most nodes that count;
 *   - interval, span and highest level (ns) of the gateway's bucket, of the
 *     minimum's, and of the tenant's;
 *   - interval of the ramp of all tenants, interval of the ramp of this tenant,
 *     and the least span of both (ns);
 *   - 1 if the gateway has dry_run, 1 if the tenant has dry_run.
 *
 * Reply: "ok", then these numbers:
 *
 *     granted    how many requests are granted
 *     ms         if fewer than wanted are granted: ms until the next one
 *     by         the limit that refused the others: 0 none, 1 the gateway's
 *                budget, 2 the tenant's budget, 3 a pause or its ramp
 *     nodes      number of nodes that are alive
 *     ms         ms left of the longer of both scopes' pauses
 *     scope      scope of that pause: 0 this tenant, 1 all tenants of its
 *                origin
 *     gateway    how many of the granted requests the gateway's budget would
 *                refuse without dry_run
 *     tenant     how many of them the tenant's budget would refuse without
 *                dry_run
 *     all        1 + the ms since an operator ended the pause of all tenants;
 *                0: never
 *     own        the same for the pause of this tenant
 *
 * Fields: g, t:<tenant> and m:<tenant> have level (ns) and time (us) of the
 * buckets of the gateway, the tenant and its minimum.  o:<origin> and
 * h:<tenant> have the pauses of all tenants of an origin, and of the tenant.  n
 * has the nodes and the times of their last calls.  Field a, which gateways
 * before 0.6.0 use, is the pause of everybody.
 */

static const char  cigna_lua_budget_lease_body[] =
    "local me, who, c = ARGV[1], ARGV[2], numbers(ARGV[3])\n"
    "local origin = ARGV[4]\n"
    "local free = c[16] == 1\n"
    "local f = redis.call('HMGET', KEYS[1], 'n', 'g', 'm:' .. who,\n"
    "                     't:' .. who, 'o:' .. origin, 'h:' .. who)\n"
    "local seen, nodes = {me .. ':' .. text(now)}, 1\n"
    "for id, at in string.gmatch(f[1] or '', '(%w+):(%d+)') do\n"
    "  if id ~= me and math.abs(now - at) < c[2] and nodes < c[3] then\n"
    "    nodes = nodes + 1\n"
    "    seen[nodes] = id .. ':' .. at\n"
    "  end\n"
    "end\n"
    "local set = {'n', table.concat(seen, ' ')}\n"
    "local function put(name, value)\n"
    "  set[#set + 1] = name\n"
    "  set[#set + 1] = value\n"
    "end\n"
    "local function bucket(v, every, span, max, dry)\n"
    "  if every == 0 then return nil end\n"
    "  local level, at = math.min(v[1] or 0, max), v[2] or now\n"
    "  level = math.max(0, level - math.max(0, now - at) * 1000)\n"
    "  return {level = level, every = every, span = span, dry = dry}\n"
    "end\n"
    "local function fits(b, n)\n"
    "  if not b then return n end\n"
    "  if b.level >= b.span then return 0 end\n"
    "  return math.min(n, math.floor((b.span - b.level) / b.every))\n"
    "end\n"
    "local function pay(b, n)\n"
    "  if not b then return end\n"
    "  if b.dry then n = fits(b, n) end\n"
    "  b.level = b.level + n * b.every\n"
    "end\n"
    "local function wait(b)\n"
    "  if not b or b.dry then return 0 end\n"
    "  local ns = math.max(0, b.level - (b.span - b.every))\n"
    "  return b.left and math.min(ns, b.left) or ns\n"
    "end\n"
    "local function load(s, i, dry)\n"
    "  return bucket(numbers(s), c[i], c[i + 1], c[i + 2], dry)\n"
    "end\n"
    "local function ramp(h, every)\n"
    "  local second = h and math.floor((now - h.till) / 1000000) or -1\n"
    "  if free or second < 0 or second >= 4 then return nil end\n"
    "  every = every * 2 ^ (4 - second)\n"
    "  local span = math.max(every, c[15])\n"
    "  local b = bucket({h.level, h.at}, every, span, 2 * span, false)\n"
    "  b.left = (h.till + 4000000 - now) * 1000\n"
    "  return b\n"
    "end\n"
    "local gateway, minimum = load(f[2], 4, free), load(f[3], 7)\n"
    "local tenant = load(f[4], 10, c[17] == 1)\n"
    "local all, own = hold(f[5], origin), hold(f[6], origin)\n"
    "local up, rise = ramp(all, c[13]), ramp(own, c[14])\n"
    "local left = all and math.max(0, all.till - now) or 0\n"
    "local scope, other = 1, own and math.max(0, own.till - now) or 0\n"
    "if other > left or left == 0 then left, scope = other, 0 end\n"
    "local n, ns, by, fit, common, mine = 0, left * 1000, 3, 0, 0, 0\n"
    "if left == 0 or free then\n"
    "  n = fits(rise, fits(up, c[1]))\n"
    "  fit = fits(tenant, n)\n"
    "  if not tenant or not tenant.dry then n = fit end\n"
    "  common = fits(gateway, n)\n"
    "  mine = minimum and fits(minimum, n - common) or 0\n"
    "  if not gateway or not gateway.dry then n = common + mine end\n"
    "  fit = math.min(fit, n)\n"
    "  pay(gateway, n)\n"
    "  pay(minimum, mine)\n"
    "  pay(tenant, n)\n"
    "  pay(up, n)\n"
    "  pay(rise, n)\n"
    "  by, ns = 1, wait(gateway)\n"
    "  if minimum then ns = math.min(ns, wait(minimum)) end\n"
    "  if wait(tenant) > ns then by, ns = 2, wait(tenant) end\n"
    "  local slow = math.max(wait(up), wait(rise))\n"
    "  if slow > ns then by, ns = 3, slow end\n"
    "  if n >= c[1] then by, ns = 0, 0 end\n"
    "end\n"
    "if gateway then put('g', text(gateway.level, now)) end\n"
    "if minimum then put('m:' .. who, text(minimum.level, now)) end\n"
    "if tenant then put('t:' .. who, text(tenant.level, now)) end\n"
    "local function keep(name, h, b)\n"
    "  if b then h.level, h.at, h.dirty = b.level, now, true end\n"
    "  if h and h.dirty then put(name, entry(h)) end\n"
    "end\n"
    "keep('o:' .. origin, all, up)\n"
    "keep('h:' .. who, own, rise)\n"
    "redis.call('HSET', KEYS[1], unpack(set))\n"
    "local function gone(h)\n"
    "  if not h or h.ended == 0 then return 0 end\n"
    "  return 1 + math.floor(math.max(0, now - h.ended) / 1000)\n"
    "end\n"
    CIGNA_LUA_KEEP
    "return {'ok', n, math.ceil(ns / 1000000), by, nodes,\n"
    "        math.ceil(left / 1000), scope, n - common - mine, n - fit,\n"
    "        gone(all), gone(own)}\n";


/*
 * budget_pause: records that a FHIR server has asked for a pause.
 * cigna_pause_ask() has the same rules.
 *
 * Key: the budgets.  Arguments: the field of the scope ("o:<origin>" or
 * "h:<tenant>"); the numbers: least us of the pause, permille of jitter; and
 * the reply that asked: status, seconds of Retry-After or "-", origin, tenant.
 *
 * Reply: "ok", then the ms until the pause is over.
 */

static const char  cigna_lua_budget_pause_body[] =
    "local c = numbers(ARGV[2])\n"
    "local origin = string.match(ARGV[3], '^%S+ %S+ (%S+)')\n"
    "local h = hold(redis.call('HMGET', KEYS[1], ARGV[1])[1], origin)\n"
    "local asked = now + c[1]\n"
    "if h and now < h.till then\n"
    "  local till = asked\n"
    "  if h.sure == 0 then till = math.min(asked, h.from + longest) end\n"
    "  if till > h.till then h.till, h.by = till, ARGV[3] end\n"
    "  h.asked = math.max(h.asked, asked)\n"
    "else\n"
    "  local began, sure = now, 0\n"
    "  if h and now - h.till < 4000000 then\n"
    "    began = h.began\n"
    "  end\n"
    "  if h and (h.sure == 1 or h.asked > h.till)\n"
    "     and now - h.till < longest\n"
    "  then\n"
    "    sure = 1\n"
    "  end\n"
    "  local us = math.floor((now - began) / 3)\n"
    "  us = math.max(math.min(math.max(us, 1000000), 30000000), c[1])\n"
    "  us = us + math.floor(us * c[2] / 1000)\n"
    "  if sure == 0 then us = math.min(us, longest) end\n"
    "  h = {began = began, from = now, till = now + us, level = 0,\n"
    "       at = now, sure = sure, asked = asked,\n"
    "       ended = h and h.ended or 0, by = ARGV[3]}\n"
    "end\n"
    "redis.call('HSET', KEYS[1], ARGV[1], entry(h))\n"
    CIGNA_LUA_KEEP
    "return {'ok', math.ceil((h.till - now) / 1000)}\n";


/*
 * each script is joined from two parts at start: ISO C guarantees string
 * literals of only 4095 characters
 */

static char  cigna_lua_budget_lease[sizeof(cigna_lua_budgets)
                                   + sizeof(cigna_lua_budget_lease_body) - 1];
static char  cigna_lua_budget_pause[sizeof(cigna_lua_budgets)
                                   + sizeof(cigna_lua_budget_pause_body) - 1];

static cigna_script_t  cigna_budget_scripts[cigna_budget_script_max] = {
    { "budget_lease", cigna_lua_budget_lease, "", 1 },
    { "budget_pause", cigna_lua_budget_pause, "", 1 }
};


int
cigna_budget_scripts_init(void)
{
    size_t  len;

    len = sizeof(cigna_lua_budgets) - 1;

    memcpy(cigna_lua_budget_lease, cigna_lua_budgets, len);
    memcpy(cigna_lua_budget_lease + len, cigna_lua_budget_lease_body,
           sizeof(cigna_lua_budget_lease_body));

    memcpy(cigna_lua_budget_pause, cigna_lua_budgets, len);
    memcpy(cigna_lua_budget_pause + len, cigna_lua_budget_pause_body,
           sizeof(cigna_lua_budget_pause_body));

    if (cigna_script_init(&cigna_budget_scripts[cigna_budget_script_lease])
        != CIGNA_OK)
    {
        return CIGNA_ERROR;
    }

    return cigna_script_init(&cigna_budget_scripts[cigna_budget_script_pause]);
}


const cigna_script_t *
cigna_budget_script(cigna_budget_script_e script)
{
    return &cigna_budget_scripts[script];
}
