
#include "former_scripts.h"


#define FORMER_NOW                                                            \
    "local clock = redis.call('TIME')\n"                                      \
    "local now = clock[1] * 1000 + math.floor(clock[2] / 1000)\n"


const char  former_user[] =
    "resetchannels ~cigna:* &cigna:invalidate -@all +select "
    "+client|setname +info +ping +time +eval +evalsha +hmget +hset +hdel "
    "+get +set +del +unlink +pexpire +zadd +zcard +zrange +zrem "
    "+zremrangebyscore +zremrangebyrank +publish +subscribe +wait +asking "
    "+cluster|slots";


const char  former_dance_open[] =
    FORMER_NOW
    "redis.call('HSET', KEYS[1], 'b', ARGV[1], 's', ARGV[2], 'w', ARGV[3],\n"
    "           'd', ARGV[4], 'e', string.format('%.0f', now + ARGV[5]))\n"
    "redis.call('PEXPIRE', KEYS[1], ARGV[6])\n"
    "return {'ok'}\n";


const char  former_dance_take[] =
    FORMER_NOW
    "local d = redis.call('HMGET', KEYS[1],\n"
    "                     's', 'w', 'd', 'e', 'b', 'o', 'r', 't', 'k')\n"
    "local secret, who, id, expiry, blob = d[1], d[2], d[3], d[4], d[5]\n"
    "local outcome, rest, taken, taker = d[6], d[7], d[8], d[9]\n"
    "if not secret then return {'absent'} end\n"
    "if secret ~= ARGV[1] then return {'mismatch', id} end\n"
    "if who ~= ARGV[2] then\n"
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


const char  former_dance_end[] =
    FORMER_NOW
    "local d = redis.call('HMGET', KEYS[1], 's', 'k', 't', 'o')\n"
    "if not d[1] then return {'absent'} end\n"
    "if d[2] ~= ARGV[1] then return {'other'} end\n"
    "if d[4] then return {'ended', d[4]} end\n"
    "if now >= tonumber(d[3]) then return {'late'} end\n"
    "redis.call('HSET', KEYS[1], 'o', ARGV[2], 'r', ARGV[3])\n"
    "redis.call('HDEL', KEYS[1], 'b')\n"
    "return {'ok'}\n";
