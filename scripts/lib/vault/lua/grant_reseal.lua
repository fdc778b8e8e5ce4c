local blob = redis.call('HMGET', KEYS[1], 'b')[1]
if blob == ARGV[2] then return {'ok'} end
if blob ~= ARGV[1] then return {'stale'} end
redis.call('HSET', KEYS[1], 'b', ARGV[2])
return {'ok'}
