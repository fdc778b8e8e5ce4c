"""The command line of scripts/vault."""

import argparse
import json
import re
import sys
from datetime import datetime, timezone

from .arguments import Parser
from .errors import UsageError, VaultError
from .layout import Layout
from .settings import Settings
from .store import Store
from .text import printable

CONF = '/etc/nginx/nginx.conf'

# exit status if something needs attention
ATTENTION = 3

DESCRIPTION = '''\
Inspects and maintains the vault of ngx_cigna_module in Redis.

commands:
  init      write the marker that gateways look for.  Run it once before the
            first start.  If Redis has lost data, first try to restore them
  status    show primaries, markers, keys, and how many records each key seals
  reseal    seal every grant with the first key of the ring
  verify    open every grant
  list      list the grants of a tenant or of a member
  revoke    revoke grants at Cigna and delete them
  revive    restore grants that were ended by mistake
  rename    move the grants of a tenant to its new name
  pauses    show where Cigna has asked for fewer requests, or end such a pause

Each command has its own --help.
'''

EPILOG = '''\
The tool finds the vault in the cigna_vault and cigna_tenant blocks of nginx's
configuration.  Options override the configuration.  Files with keys and
passwords must be readable by their owner only.

To rotate the sealing key without an interruption:

  scripts/keygen --add FILE        on one host: add a new key at the end; copy
                                   the ring to every host, reload
  scripts/keygen --promote FILE    put the last key first; copy, reload
  scripts/vault -c CONF reseal     reseal the grants that gateways have not
                                   resealed by themselves
  scripts/vault -c CONF status     repeat until the old key seals 0 records
  scripts/keygen --drop ID FILE    remove the old key; copy, reload

exit status: 0 done; 1 failed; 2 wrong usage; 3 something needs attention:
status has a warning; verify, list, revoke, revive or rename has found records
that do not open; reseal or rename has left some grants; revoke or rename could
not revoke some grants; or pauses has found an entry that is not a pause.  The
tool never prints a token, a key or a password.
'''


def say(text):
    print(f'vault: {printable(str(text))}', file=sys.stderr, flush=True)


def show(text):
    print(printable(text), flush=True)


def show_json(value, indent=None):
    print(json.dumps(value, indent=indent), flush=True)


class Tool:
    """The settings and connections that all commands use."""

    def __init__(self, options):
        self.options = options
        self.say = (lambda text: None) if options.quiet else say
        self.settings = Settings(options)
        self.layout = Layout(self.settings.ring, self.settings.prefix)
        self.store = Store(self.settings, options.wait, say)

    say_always = staticmethod(say)

    def opener(self):
        from .records import Opener
        return Opener(self.layout, self.settings.tenants.values())

    def orphans(self):
        """Returns an Orphans, or None if no configuration was read."""
        from .status import Orphans
        return Orphans(self.opener(), self.settings.saved) \
            if self.options.conf else None


def init(tool):
    from .markers import Init
    Init(tool.store, tool.layout, tool.options, tool.say).run()
    return 0


def status(tool):
    from .status import Status
    found = Status(tool.store, tool.layout, tool.orphans()).look()
    if tool.options.json:
        show_json(found.as_json(), 2)
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
        show(f'{dances} dances are sealed with other keys; they expire within '
             '30 minutes')
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
        entry = listing.entry(row, tenant, grant)
        if tool.options.json:
            show_json(entry)
        else:
            show(Listing.line(entry))
    return _unreadable(tool, selection)


def _unreadable(tool, selection):
    count = sum(selection.findings.counts.values())
    if not count:
        return 0
    say(f'{count} grants do not open, so their members are unknown:')
    for line in selection.findings.lines():
        say(line)
    return ATTENTION


def revoke(tool):
    from .grants import Selection
    from .records import Pace
    from .revocation import Revoke
    options = tool.options
    if options.delete_anyway and options.tenant:
        tool.settings.allow(options.tenant)
    opener = tool.opener()
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


def rename(tool):
    import time
    from .rename import Rename, tenants
    options = tool.options
    old, new = tenants(tool.settings, options.old, options.new)
    act = Rename(tool, old, new, time.sleep)
    act.run(options.members, options.busy)
    for line in act.lines():
        show(line)
    return ATTENTION if act.attention else 0


def pauses(tool):
    from .pauses import Pauses, origin_of
    options, found = tool.options, Pauses(tool.store, tool.layout)
    if options.end is not None:
        origin = options.end if options.end == '*' else origin_of(options.end)
        ended = found.end(origin, options.tenant)
        show(f'{ended or "no"} {"pause" if ended == 1 else "pauses"} of '
             f'{origin} ended in Redis; gateways notice within seconds')
        for text in found.attention():
            say(text)
        return ATTENTION if found.bad else 0

    found.look()
    if options.json:
        for one in found.pauses:
            show_json(one.as_json(found.now))
    else:
        for line in found.lines():
            show(line)
    for text in found.attention():
        say(text)
    return ATTENTION if found.bad else 0


def _tell_endpoints(act, found):
    """Finds all endpoints before the first revocation, and names the tenants
    without one.  If a search fails, nothing has been revoked yet."""
    tenants = {tenant.name: tenant for _, tenant, _ in found}
    for name, tenant in sorted(tenants.items()):
        if not act.endpoint(tenant).known:
            lacks = 'revocation_endpoint' if tenant.has_block else 'block'
            say(f'tenant "{name}" has no {lacks}: its grants will be deleted '
                'here, but not revoked at Cigna')


def _confirm(count, options):
    whose = f'tenant "{options.tenant}"' if options.tenant \
        else f'identity "{options.identity}"'
    if not sys.stdin.isatty():
        raise UsageError('there is no terminal for a confirmation: add --yes')
    print(f'{count} grants of {whose} will be revoked at Cigna and deleted; '
          'their members have to connect again.  Go on? [y/N] ', end='',
          file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ('y', 'yes'):
        raise VaultError('nothing was changed')


def rate(text):
    value = float(text)
    if not 0 <= value < 1e6:
        raise ValueError
    return value


def moment(text):
    """Returns a time in ms since the epoch.  Without a zone it is in UTC."""
    if text.endswith(('Z', 'z')):
        text = f'{text[:-1]}+00:00'
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        time = time.replace(tzinfo=timezone.utc)
    return int(time.timestamp() * 1000)


def parser():
    p = Parser(prog='scripts/vault', description=DESCRIPTION, epilog=EPILOG,
               usage='scripts/vault [options] COMMAND ...')
    add_where(p.add_argument_group('where the vault is'))
    p.add_argument('--wait', metavar='SECONDS', type=rate, default=10,
                   help='how long to repeat commands that fail temporarily '
                        '(10)')
    p.add_argument('--quiet', action='store_true',
                   help='print only results and warnings')

    commands = p.add_subparsers(prog='scripts/vault', metavar='COMMAND',
                                required=True, help=argparse.SUPPRESS)
    for add in (add_init, add_status, add_reseal, add_verify, add_list,
                add_revoke, add_revive, add_rename, add_pauses):
        add(commands)
    return p


def add_where(group):
    def option(name, metavar, help_, **more):
        group.add_argument(name, metavar=metavar, help=help_, **more)

    group.add_argument('-c', '--conf', metavar='FILE',
                       help=f'nginx\'s configuration ({CONF})')
    option('--saved', 'FILE', 'cigna_tenant blocks that the configuration no '
           'longer has; repeat it for more files', action='append')
    option('--redis', 'URL', 'redis://host:port/db, rediss://..., or '
           'unix:/path; repeat it for more seeds', action='append')
    option('--keys', 'FILE', 'the key ring')
    option('--prefix', 'NAME', 'the prefix of all keys in Redis (cigna)')
    group.add_argument('--cluster', action='store_true',
                       help='Redis is a Redis Cluster')
    option('--sentinel', 'URL', 'a Sentinel; repeat it for more',
           action='append')
    option('--sentinel-master', 'NAME', 'the Sentinels\' name of the primary')
    option('--username', 'NAME', 'a user of Redis')
    option('--username-file', 'FILE', 'a file with the user\'s name')
    option('--password-file', 'FILE', 'a file with the user\'s password')
    option('--sentinel-username', 'NAME', 'a user of the Sentinels')
    option('--sentinel-username-file', 'FILE', 'a file with that user\'s name')
    option('--sentinel-password-file', 'FILE',
           'a file with that user\'s password')
    option('--trusted-certificate', 'FILE', 'the CA certificates for rediss:// '
           '(the system\'s)')
    option('--tls-name', 'NAME', 'the name in the certificate of Redis (its '
           'host)')


def add_command(commands, name, run, description):
    p = commands.add_parser(name, description=description)
    p.set_defaults(run=run)
    p.add_argument('--quiet', action='store_true', default=argparse.SUPPRESS,
                   help='print only results and warnings')
    return p


def add_rate(p, default, what):
    p.add_argument('--rate', metavar='N', type=rate, default=default,
                   help=f'at most this many {what} per second; 0 means no '
                        f'limit ({default})')


def add_init(commands):
    p = add_command(commands, 'init', init, '''\
Writes the marker.  It tells gateways that this Redis has their vault, and is
neither empty nor another vault's.  In a cluster every hash slot gets a marker.
init refuses a Redis that evicts records, another vault's marker, records
without a marker, and a cluster in which only some slots have markers.  init may
be repeated, also after an interruption.
''')
    p.add_argument('--adopt', action='store_true',
                   help='accept records that this key ring sealed before')
    p.add_argument('--force', action='store_true',
                   help='overwrite another vault\'s marker, and accept lost '
                        'data')


def add_status(commands):
    p = add_command(commands, 'status', status, '''\
Shows primaries, markers, the keys of the ring and of the records, and warnings.
The exit status is 3 if there is a warning.
''')
    p.add_argument('--json', action='store_true', help='print JSON')


def add_reseal(commands):
    p = add_command(commands, 'reseal', reseal, '''\
Seals every grant with the first key of the ring.  Nothing else of a grant
changes.  If a gateway changes a grant at the same time, reseal leaves it and
looks at it again.  reseal is safe while gateways run, and may be stopped at any
time.
''')
    add_rate(p, 200, 'records')


def add_verify(commands):
    p = add_command(commands, 'verify', verify, '''\
Opens every grant.  A grant does not open if it was damaged, moved to another
Redis key, or given another id or generation, or if the ring lacks its key.
''')
    add_rate(p, 500, 'grants')


def add_selection(p, tenant_required):
    p.add_argument('--tenant', metavar='NAME', required=tenant_required,
                   help='grants of this tenant')
    p.add_argument('--member', metavar='NAME',
                   help='the grant of this member')
    p.add_argument('--identity', metavar='HASH',
                   help='the grant with this hash, as logs show it')


def add_list(commands):
    p = add_command(commands, 'list', list_, '''\
Lists grants: identity, tenant, generation, state, expiry, scope, and a
fingerprint of the patient.  list never prints a token.  The states are:

  live    the grant works
  spent   Cigna has refused the refresh token for good
  moved   the grant was made for another issuer, client or FHIR base
  ended   the access token has expired, and there is no refresh token
  renamed rename has copied the grant to another tenant
''')
    add_selection(p, False)
    p.add_argument('--show-patient', action='store_true',
                   help='print the patient\'s id instead of its fingerprint')
    p.add_argument('--json', action='store_true',
                   help='print one JSON object per line')
    add_rate(p, 500, 'grants')


def add_revoke(commands):
    p = add_command(commands, 'revoke', revoke, '''\
Revokes grants at the tenant's revocation_endpoint (RFC 7009), deletes them, and
tells all gateways.  A grant that cannot be revoked is not deleted, because its
tokens may still work.

To offboard a tenant, revoke its grants first, and then remove its block.  If
the block has been removed already, write it into a file and add --saved FILE
before the command.  Names of files in the block are relative to nginx.conf.  If
the block is lost, --tenant NAME --delete-anyway deletes the grants, but cannot
revoke them.
''')
    add_selection(p, False)
    p.add_argument('--dry-run', action='store_true',
                   help='only show the grants')
    p.add_argument('--yes', action='store_true',
                   help='do not ask for a confirmation')
    p.add_argument('--delete-anyway', action='store_true',
                   help='also delete grants that cannot be revoked')
    add_rate(p, 20, 'grants')


def add_revive(commands):
    p = add_command(commands, 'revive', revive, '''\
Makes spent grants live again, for the case that Cigna refused refresh tokens by
mistake.  The member's next request tries the refresh token once more.  If Cigna
refuses it again, the grant ends again.  revive never restores a grant that was
disconnected or replaced by a newer one.  It is safe while gateways run, and may
be repeated.  A revived grant is kept for 30 days, and for its full time once it
has been refreshed.

TIME is, for example, 2026-11-30T14:00:00Z or 2026-11-30.  It is in UTC unless
it has a zone, and it is compared with the clock of Redis.  Version 0.4.0 did
not record when it ended a grant.  Such grants are revived by --member,
--identity and --all only.
''')
    add_selection(p, True)
    p.add_argument('--since', metavar='TIME', type=moment,
                   help='grants that ended at this time or later')
    p.add_argument('--until', metavar='TIME', type=moment,
                   help='grants that ended before this time')
    p.add_argument('--all', action='store_true',
                   help='all ended grants of the tenant')
    p.add_argument('--dry-run', action='store_true',
                   help='only show the grants')
    add_rate(p, 200, 'grants')


def add_rename(commands):
    p = add_command(commands, 'rename', rename, '''\
Moves the grants of tenant OLD to tenant NEW, so that no member has to connect
again.  A grant's key is a keyed hash of the member's name, so the app has to
list its members.  The two tenants must have the same issuer, client_id and
fhir_base.  On a fleet that runs:

  1. Add the block of NEW beside that of OLD, on every node, and reload.
  2. scripts/vault rename OLD NEW --members FILE
     The grants are copied, and the grants of OLD are set aside: gateways serve
     their access tokens, but refresh only the copies.
  3. Write NEW for OLD in cigna_identity, on every node, and reload.
  4. scripts/vault rename OLD NEW --members FILE --finish
     The grants of OLD are removed.
  5. scripts/vault revoke --tenant OLD, for members that FILE does not name.
     Then remove the block of OLD.

Do steps 2 to 4 soon after each other: meanwhile a member of OLD whose access
token expires gets 503.  rename may be stopped at any time, and repeated.  With
the names exchanged it moves the grants back.
''')
    p.add_argument('old', metavar='OLD', help='the name until now')
    p.add_argument('new', metavar='NEW', help='the new name')
    p.add_argument('--members', metavar='FILE', required=True,
                   help='the names of the members, one per line, as '
                        'cigna_identity gets them; - for standard input')
    p.add_argument('--finish', action='store_true',
                   help='remove the grants of OLD')
    p.add_argument('--dry-run', action='store_true',
                   help='only show what would be done')
    p.add_argument('--busy', metavar='SECONDS', type=rate, default=300,
                   help='how long to wait for refreshes that are under way '
                        '(300)')
    add_rate(p, 200, 'members')


def add_pauses(commands):
    p = add_command(commands, 'pauses', pauses, '''\
Shows the pauses that FHIR servers asked for (429, or 503 with Retry-After).
A line has the origin, the tenant or all tenants, the begin and the end, the
reply that caused the pause, and whether a second reply has confirmed it.  A
pause without a confirmation lasts for five minutes at most.  Times are in UTC,
by the clock of Redis.

--end ends the pauses of an origin, or the pause of one tenant there.  A paused
gateway asks Redis once a second while it has requests, and so notices the end.
Then its rate grows step by step, as after any pause.
''')
    p.add_argument('--end', metavar='ORIGIN',
                   help='such as https://fhir.cigna.com; * ends the pause that '
                        'gateways before 0.6.0 share')
    p.add_argument('--tenant', metavar='NAME',
                   help='end only the pause of this tenant')
    p.add_argument('--json', action='store_true',
                   help='print one JSON object per line')


def check(options):
    """Checks the options in ways that argparse cannot."""
    if getattr(options, 'member', None) is not None \
            and options.identity is not None:
        raise UsageError('--member and --identity exclude each other')
    if options.run is revoke and not options.tenant \
            and options.identity is None:
        raise UsageError('name the grants: --tenant or --identity')
    if options.run is pauses and options.tenant is not None:
        if options.end is None:
            raise UsageError('--tenant needs an origin: --end '
                             'https://fhir.cigna.com --tenant NAME')
        if not re.fullmatch(r'[\x21-\x7e]{1,255}', options.tenant):
            raise UsageError('a tenant cannot have this name')
    if options.run is revive:
        _check_revive(options)


def _check_revive(options):
    window = options.since is not None or options.until is not None
    one = options.member is not None or options.identity is not None
    if window + one + options.all != 1:
        raise UsageError('select the grants by --since and --until, '
                         '--member, --identity, or --all')


def main(argv=None):
    sys.stdout.reconfigure(errors='backslashreplace')
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
