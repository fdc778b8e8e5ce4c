local g = redis.call('HMGET', KEYS[1],
                     'i', 'g', 'b', 'm', 'n', 'r', 'x', 'c')
local connected = table.remove(g) or '0'
local gone = table.remove(g) or ''
redis.call('DEL', KEYS[2])
if g[1] then
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'c', connected,
               'x', string.sub(g[1] .. ' ' .. gone, 1, 8 * 23))
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
redis.pcall('PUBLISH', ARGV[2], ARGV[3] .. ' ' .. (g[1] or '-') .. ' ' .. '0')
if g[1] then return {'ok', g, connected} end
return {'none'}
