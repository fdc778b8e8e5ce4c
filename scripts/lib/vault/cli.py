"""The command line of scripts/vault."""

import argparse
import json
import re
import sys
from datetime import datetime, timezone

from .errors import UsageError, VaultError
from .layout import Layout
from .settings import Settings
from .store import Store

CONF = '/etc/nginx/nginx.conf'

# exit status where there is something to look at
ATTENTION = 3

DESCRIPTION = '''\
Looks after the vault of ngx_cigna_module in Redis.

commands:
  init      write the marker that gateways look for; once, before the first
            start, and by decision only after Redis has lost its data
  status    primaries, markers, keys and how many records each still holds
  reseal    put every grant under the first key of the ring
  verify    open every grant, in its place
  list      the grants of a tenant or of a member
  revoke    revoke them at Cigna and delete them
  revive    try grants once more that were ended wrongly
  pauses    where Cigna has asked for fewer requests, and the end of that

Each has a --help of its own.
'''

EPILOG = '''\
Where the vault is, is read from the cigna_vault and cigna_tenant blocks of
nginx's configuration; options count more than what is written there.  Files
with keys and passwords must not be open to others than their owner.

Rotation of the sealing key, without an interruption:

  scripts/keygen --add FILE        on one host: a new key, last in the ring;
                                   copy the ring everywhere, reload
  scripts/keygen --promote FILE    the last key comes first; copy, reload
  scripts/vault -c CONF reseal     the rest, those who are not seen meanwhile
  scripts/vault -c CONF status     until the old key holds 0 records
  scripts/keygen --drop ID FILE    then the old key may go; copy, reload

exit status: 0 done; 1 it failed; 2 wrong usage; 3 something needs attention:
status has found something, verify a record that does not open, reseal has
left something, revoke could not revoke something, revive has found records
that do not open, pauses has found an entry that is not a pause.  No token, key
or password is ever printed.
'''


def say(text):
    print(f'vault: {text}', file=sys.stderr, flush=True)


def show(text):
    print(text, flush=True)


class Tool:
    """What the commands work with."""

    def __init__(self, options):
        self.options = options
        self.say = (lambda text: None) if options.quiet else say
        self.settings = Settings(options)
        self.layout = Layout(self.settings.ring, self.settings.prefix)
        self.store = Store(self.settings, options.wait, say)

    def opener(self):
        from .records import Opener
        return Opener(self.layout, self.settings.tenants.values())


def init(tool):
    from .markers import Init
    Init(tool.store, tool.layout, tool.options, tool.say).run()
    return 0


def status(tool):
    from .status import Status
    found = Status(tool.store, tool.layout).look()
    if tool.options.json:
        show(json.dumps(found.as_json(), indent=2))
    else:
        for line in found.lines():
            show(line)
    return ATTENTION if any(found.attention()) else 0


def reseal(tool):
    from .reseal import Reseal
    from .status import Status
    opener = tool.opener()
    act = Reseal(tool.store, tool.layout, opener, tool.options.rate, tool.say)
    left = act.run()

    show(f'{act.resealed} grants sealed again, {left} left')
    for line in act.findings.lines():
        show(line)
    dances = sum(key['dances'] for key in Status(
        tool.store, tool.layout).look().keys() if key['use'] != 'seals')
    if dances:
        show(f'{dances} dances are under other keys; they are over within 30 '
             'minutes')
    return ATTENTION if left else 0


def verify(tool):
    from .reseal import Verify
    act = Verify(tool.store, tool.layout, tool.opener(), tool.options.rate,
                 tool.say)
    good = act.run()
    for line in act.lines():
        show(line)
    return 0 if good else ATTENTION


def list_(tool):
    from .grants import Listing, Selection
    from .records import Pace
    opener = tool.opener()
    selection = Selection(tool.store, tool.layout, opener, tool.options,
                          tool.settings.tenants)
    listing = Listing(tool.layout, opener, tool.options.show_patient)

    for row, tenant, grant in selection.rows(Pace(tool.options.rate)):
        left_ms = tool.store.call(row.key, 'PTTL', row.key)
        entry = listing.entry(row, tenant, grant, left_ms)
        show(json.dumps(entry) if tool.options.json
             else Listing.line(entry))
    return _unreadable(tool, selection)


def _unreadable(tool, selection):
    if not selection.unreadable:
        return 0
    say(f'{selection.unreadable} grants do not open, so that nobody knows '
        'whose they are: see "verify"')
    return ATTENTION


def revoke(tool):
    from .grants import Selection
    from .records import Pace
    from .revocation import Revoke
    options, opener = tool.options, tool.opener()
    selection = Selection(tool.store, tool.layout, opener, options,
                          tool.settings.tenants)
    act = Revoke(tool.store, tool.layout, options.delete_anyway, say)

    found = list(selection.rows())
    for row, tenant, _ in found if options.dry_run else []:
        show(f'{row.identity}  {tenant.name}')
    _tell_endpoints(act, found)
    if options.dry_run:
        show(f'{len(found)} grants would be revoked and deleted')
        return _unreadable(tool, selection)
    if found and not options.yes:
        _confirm(len(found), options)

    pace = Pace(options.rate)
    for row, tenant, grant in found:
        pace.take(1)
        act.run(row, tenant, grant, opener)

    show(f'{act.revoked} grants revoked, {act.deleted} deleted, '
         f'{len(act.failed)} not revoked')
    return ATTENTION if act.failed else _unreadable(tool, selection)


def revive(tool):
    from .grants import Selection
    from .revive import Revive
    options, opener = tool.options, tool.opener()
    selection = Selection(tool.store, tool.layout, opener, options,
                          tool.settings.tenants)
    act = Revive(tool.store, tool.layout, opener, options, tool.say)
    act.run(selection.keys)
    for line in act.lines():
        show(line)
    return ATTENTION if act.findings.counts else 0


def pauses(tool):
    from .pauses import Pauses, origin_of
    options, found = tool.options, Pauses(tool.store, tool.layout)
    if options.end is not None:
        origin = options.end if options.end == '*' else origin_of(options.end)
        ended = found.end(origin, options.tenant)
        show(f'{ended or "no"} {"pause" if ended == 1 else "pauses"} of '
             f'{origin} ended in Redis; gateways take note within seconds')
        return ATTENTION if found.bad else 0

    found.look()
    if options.json:
        for one in found.pauses:
            show(json.dumps(one.as_json(found.now)))
    else:
        for line in found.lines():
            show(line)
    for text in found.attention():
        say(text)
    return ATTENTION if found.bad else 0


def _tell_endpoints(act, found):
    """Looks for them first: nothing is done if one cannot be found."""
    tenants = {tenant.name: tenant for _, tenant, _ in found}
    for name, tenant in sorted(tenants.items()):
        if not act.endpoint(tenant).known:
            say(f'tenant "{name}" has no revocation_endpoint: its grants are '
                'deleted here only')


def _confirm(count, options):
    whose = f'tenant "{options.tenant}"' if options.tenant \
        else f'identity "{options.identity}"'
    if not sys.stdin.isatty():
        raise UsageError('nobody is there to confirm it: add --yes')
    print(f'{count} grants of {whose} will be revoked at Cigna and deleted; '
          'their members have to connect again.  Go on? [y/N] ', end='',
          file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ('y', 'yes'):
        raise VaultError('nothing was done')


def rate(text):
    value = float(text)
    if not 0 <= value < 1e6:
        raise ValueError
    return value


def moment(text):
    """Milliseconds since the epoch; a time without a zone is UTC."""
    if text.endswith(('Z', 'z')):
        text = f'{text[:-1]}+00:00'
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        time = time.replace(tzinfo=timezone.utc)
    return int(time.timestamp() * 1000)


def parser():
    p = argparse.ArgumentParser(
        prog='scripts/vault', usage='scripts/vault [options] COMMAND ...',
        description=DESCRIPTION, epilog=EPILOG, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    add_where(p.add_argument_group('where the vault is'))
    p.add_argument('--wait', metavar='SECONDS', type=rate, default=10,
                   help='how long to try what fails in passing (10)')
    p.add_argument('--quiet', action='store_true',
                   help='say nothing while all is well')

    commands = p.add_subparsers(metavar='COMMAND', required=True,
                                help=argparse.SUPPRESS)
    for add in (add_init, add_status, add_reseal, add_verify, add_list,
                add_revoke, add_revive, add_pauses):
        add(commands)
    return p


def add_where(group):
    def option(name, metavar, help_, **more):
        group.add_argument(name, metavar=metavar, help=help_, **more)

    group.add_argument('-c', '--conf', metavar='FILE',
                       help=f'nginx\'s configuration ({CONF})')
    option('--redis', 'URL', 'redis://host:port/db, rediss://..., or '
           'unix:/path; again for more seeds', action='append')
    option('--keys', 'FILE', 'the key ring')
    option('--prefix', 'NAME', 'of all keys in Redis (cigna)')
    group.add_argument('--cluster', action='store_true',
                       help='it is a Redis Cluster')
    option('--sentinel', 'URL', 'a Sentinel; again for more',
           action='append')
    option('--sentinel-master', 'NAME', 'how Sentinels call the primary')
    option('--username', 'NAME', 'of a Redis user')
    option('--username-file', 'FILE', 'with that name in it')
    option('--password-file', 'FILE', 'with the user\'s password')
    option('--sentinel-username', 'NAME', 'of a user of the Sentinels')
    option('--sentinel-username-file', 'FILE', 'with that name in it')
    option('--sentinel-password-file', 'FILE', 'with that user\'s password')
    option('--trusted-certificate', 'FILE', 'authority of rediss:// '
           '(the system\'s)')
    option('--tls-name', 'NAME', 'in the certificate of Redis (its host)')


def add_command(commands, name, run, description):
    p = commands.add_parser(
        name, description=description, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    p.set_defaults(run=run)
    p.add_argument('--quiet', action='store_true', default=argparse.SUPPRESS,
                   help='say nothing while all is well')
    return p


def add_rate(p, default, what):
    p.add_argument('--rate', metavar='N', type=rate, default=default,
                   help=f'at most so many {what} a second, 0: no limit '
                        f'({default})')


def add_init(commands):
    p = add_command(commands, 'init', init, '''\
Writes the marker, by which gateways tell this vault's Redis from one that is
empty or another's; in a cluster one for each hash slot.  Refused: a Redis that
evicts, another vault's marker, records without a marker, a cluster of which
only some slots have theirs.  May be repeated, also after an interruption.
''')
    p.add_argument('--adopt', action='store_true',
                   help='there are records already, of this key ring')
    p.add_argument('--force', action='store_true',
                   help='write over another vault\'s marker, and accept lost '
                        'data')


def add_status(commands):
    p = add_command(commands, 'status', status, '''\
Shows primaries, markers, the keys of the ring and of the records, and what
needs attention: exit status 3 then.
''')
    p.add_argument('--json', action='store_true', help='for programs')


def add_reseal(commands):
    p = add_command(commands, 'reseal', reseal, '''\
Puts every grant under the first key of the ring.  Expiry, generation and all
else stay; what changes meanwhile is left as it is and looked at again.  Safe
while gateways run, and may be stopped at any time.
''')
    add_rate(p, 200, 'records')


def add_verify(commands):
    p = add_command(commands, 'verify', verify, '''\
Opens every grant.  One that was damaged, moved to another key, or given
another id or generation does not open.
''')
    add_rate(p, 500, 'grants')


def add_selection(p, tenant_required):
    p.add_argument('--tenant', metavar='NAME', required=tenant_required,
                   help='grants of this tenant')
    p.add_argument('--member', metavar='NAME',
                   help='the one of this member')
    p.add_argument('--identity', metavar='HASH',
                   help='the one of this hash, as logs show it')


def add_list(commands):
    p = add_command(commands, 'list', list_, '''\
Lists grants: identity, tenant, generation, state, expiry, scope, and a
fingerprint of the patient.  States: live; spent, refused for good; moved, made
for another registration; ended, without a refresh token.  Never a token.
''')
    add_selection(p, False)
    p.add_argument('--show-patient', action='store_true',
                   help='the patient\'s id in place of its fingerprint')
    p.add_argument('--json', action='store_true', help='one object a line')
    add_rate(p, 500, 'grants')


def add_revoke(commands):
    p = add_command(commands, 'revoke', revoke, '''\
Revokes grants at the tenant's revocation_endpoint (RFC 7009), deletes them and
tells all gateways.  A grant that cannot be revoked is not deleted, so that it
is not forgotten while it works.
''')
    add_selection(p, False)
    p.add_argument('--dry-run', action='store_true',
                   help='only show which')
    p.add_argument('--yes', action='store_true', help='do not ask')
    p.add_argument('--delete-anyway', action='store_true',
                   help='also what cannot be revoked')
    add_rate(p, 20, 'grants')


def add_revive(commands):
    p = add_command(commands, 'revive', revive, '''\
Lets grants live again that are marked spent: Cigna has refused their refresh
tokens, by mistake.  The next request of the member tries the refresh token
once more; one that Cigna refuses again ends the grant again.  Grants that were
disconnected, or replaced by a newer connection, are never revived.  Safe while
gateways run, and may be repeated.  A revived grant is kept for 30 days, and
for its whole time again as soon as it was refreshed.

TIME is such as 2026-11-30T14:00:00Z or 2026-11-30, in UTC unless it has a zone,
by the clock of Redis.  When it was that 0.4.0 has ended a grant nobody knows:
such a grant is revived by --member, --identity or --all only.
''')
    add_selection(p, True)
    p.add_argument('--since', metavar='TIME', type=moment,
                   help='grants that were ended then or later')
    p.add_argument('--until', metavar='TIME', type=moment,
                   help='grants that were ended before that')
    p.add_argument('--all', action='store_true',
                   help='all of the tenant\'s that were ended')
    p.add_argument('--dry-run', action='store_true',
                   help='only show which')
    add_rate(p, 200, 'grants')


def add_pauses(commands):
    p = add_command(commands, 'pauses', pauses, '''\
Shows whom the FHIR servers have asked to be left alone by (429, and 503 with
Retry-After): the origin, one tenant or all, since when and until when, by which
reply, and whether a second one has confirmed it.  Without that a pause lasts
five minutes at most.  Times are by the clock of Redis, in UTC.

With --end the pauses of an origin, or that of one tenant there, are over.  A
gateway that holds back takes note with its next request, if it has not asked
Redis in the last second; then it feels its way back as after any pause.
''')
    p.add_argument('--end', metavar='ORIGIN',
                   help='such as https://fhir.cigna.com; * for the one pause '
                        'of gateways before 0.6.0')
    p.add_argument('--tenant', metavar='NAME',
                   help='only the pause of this tenant')
    p.add_argument('--json', action='store_true', help='one object a line')


def check(options):
    """What argparse cannot."""
    if getattr(options, 'member', None) is not None \
            and options.identity is not None:
        raise UsageError('either --member or --identity')
    if options.run is revoke and not options.tenant \
            and options.identity is None:
        raise UsageError('say whose: --tenant, or --identity')
    if options.run is pauses and options.tenant is not None:
        if options.end is None:
            raise UsageError('--tenant needs an origin: --end '
                             'https://fhir.cigna.com --tenant NAME')
        if not re.fullmatch(r'[\x21-\x7e]{1,255}', options.tenant):
            raise UsageError('no tenant can have this name')
    if options.run is revive:
        _check_revive(options)


def _check_revive(options):
    window = options.since is not None or options.until is not None
    one = options.member is not None or options.identity is not None
    if window + one + options.all != 1:
        raise UsageError('say which: --since and --until, --member, '
                         '--identity, or --all')


def main(argv=None):
    options = parser().parse_args(argv)
    if not options.conf and not options.redis and not options.sentinel:
        options.conf = CONF
    try:
        check(options)
        return options.run(Tool(options))
    except VaultError as error:
        say(error)
        return error.status
    except KeyboardInterrupt:
        say('interrupted')
        return 130
    except BrokenPipeError:
        return 1
