local g = redis.call('HMGET', KEYS[1], 'i', 'g', 'b', 'm', 'n', 'x')
local gone = table.remove(g)
redis.call('DEL', KEYS[2])
if g[1] then
    gone = string.sub(g[1] .. ' ' .. (gone or ''), 1, 8 * 23)
    redis.call('DEL', KEYS[1])
    redis.call('HSET', KEYS[1], 'x', gone)
    redis.call('PEXPIRE', KEYS[1], ARGV[1])
end
redis.pcall('PUBLISH', ARGV[2], ARGV[3] .. ' ' .. '0')
if g[1] then return {'ok', g} end
return {'none'}
