"""Looks at a primary, and checks that gateways can store records there."""

from .errors import VaultError
from .layout import slot_tags
from .server import Elsewhere, Passing

POLICY = 'noeviction'

# from this share of maxmemory on, an operator should act
MEMORY_SHARE = 0.8

# The probe is a write without effect: SET ... XX of a key that never exists.
# If the key did exist, it would expire after this time.
PROBE_MS = 1000

REFUSALS = {
    'MISCONF': 'it cannot save its data to disk',
    'NOREPLICAS': 'it has fewer replicas than min-replicas-to-write demands',
    'OOM': 'its memory is full',
    'READONLY': 'it is a replica',
}

SAVES = {
    'rdb_last_bgsave_status': 'the last save to disk (RDB)',
    'aof_last_write_status': 'the last write to the append-only file',
    'aof_last_bgrewrite_status': 'the last rewrite of the append-only file',
}


def look(store, layout, server):
    info = {}
    for section in ('server', 'replication', 'memory', 'persistence'):
        info.update(server.info(section))
    return {
        'address': server.name,
        'run_id': info.get('run_id', ''),
        **product(info),
        'replicas': number(info, 'connected_slaves'),
        'policy': info.get('maxmemory_policy', ''),
        'memory': info.get('used_memory_human', ''),
        'memory_used': number(info, 'used_memory')
                       - number(info, 'mem_not_counted_for_evict'),
        'memory_max': number(info, 'maxmemory'),
        'failed_saves': [name for name in SAVES
                         if info.get(name, 'ok') != 'ok'],
        'refuses_writes': refusal(store, layout, server),
    }


def attention(primary):
    """Yields warnings about a primary that look() has described."""
    address = primary['address']
    if primary['policy'] != POLICY:
        yield (f'{address} evicts records when it is full: '
               f'maxmemory-policy is {primary["policy"]}')
    code = primary['refuses_writes']
    if code:
        why = REFUSALS.get(code)
        yield (f'{address} refuses writes: {why} ({code})' if why
               else f'{address} refuses writes: {code}')
    for name in primary['failed_saves']:
        yield f'{address}: {SAVES[name]} has failed'
    used, most = primary['memory_used'], primary['memory_max']
    if most and used >= MEMORY_SHARE * most:
        yield f'{address} uses {used * 100 // most} % of its maxmemory'


def refusal(store, layout, server):
    """Returns the error code with which the server refuses a write, or None.
    """
    slot = store.first_slot(server)
    key = layout.key(b'p', b'vault' if slot is None else slot_tags()[slot])
    reply = server.calls([('SET', key, '', 'XX', 'PX', PROBE_MS)])[0]
    if isinstance(reply, (Passing, VaultError)) and reply.code:
        return reply.code
    if isinstance(reply, Exception) and not isinstance(reply, Elsewhere):
        raise reply
    return None


def product(info):
    """Returns the name and the version of a server.  A server other than Redis
    gives both in INFO, beside the version of Redis that it is compatible with.
    """
    name = info.get('server_name', 'redis')
    version = info.get(f'{name}_version')
    if not version or not (name + version).isprintable():
        name, version = 'redis', info.get('redis_version', '')
    return {'product': name.capitalize(), 'version': version}


def number(info, name):
    text = info.get(name, '')
    return int(text) if text.isascii() and text.isdigit() \
        and len(text) < 20 else 0
