local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local function info(section, name)
    return string.match(redis.call('INFO', section),
                        '\n' .. name .. ':([^\r\n]*)') or ''
end
if info('replication', 'role') ~= 'master' then
    return {'replica'}
end
local policy = info('memory', 'maxmemory_policy')
local m = redis.call('HMGET', KEYS[1], 'b', 'r', 't')
if not m[1] then return {'none', policy} end
local run, since = info('server', 'run_id'), tonumber(m[3] or '')
if m[2] ~= run or not since then
    since = now
    redis.pcall('HSET', KEYS[1], 'r', run,
                't', string.format('%.0f', now))
end
return {'ok', policy, m[1], math.max(0, now - since),
        run .. ' ' .. info('replication', 'master_replid')}
