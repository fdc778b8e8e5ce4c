"""The command line of scripts/vault."""

import argparse
import sys

from .errors import VaultError
from .layout import Layout
from .settings import Settings
from .store import Store

CONF = '/etc/nginx/nginx.conf'


def say(text):
    print(f'vault: {text}', file=sys.stderr, flush=True)


def init(store, layout, settings, options):
    from .markers import Init
    Init(store, layout, options,
         (lambda text: None) if options.quiet else say).run()
    return 0


def parser():
    p = argparse.ArgumentParser(prog='scripts/vault')
    where = p.add_argument_group('where the vault is')
    where.add_argument('-c', '--conf', metavar='FILE')
    where.add_argument('--redis', metavar='URL', action='append')
    where.add_argument('--keys', metavar='FILE')
    where.add_argument('--prefix', metavar='NAME')
    where.add_argument('--cluster', action='store_true')
    where.add_argument('--sentinel', metavar='URL', action='append')
    where.add_argument('--sentinel-master', metavar='NAME')
    where.add_argument('--username', metavar='NAME')
    where.add_argument('--username-file', metavar='FILE')
    where.add_argument('--password-file', metavar='FILE')
    where.add_argument('--sentinel-username', metavar='NAME')
    where.add_argument('--sentinel-username-file', metavar='FILE')
    where.add_argument('--sentinel-password-file', metavar='FILE')
    where.add_argument('--trusted-certificate', metavar='FILE')
    where.add_argument('--tls-name', metavar='NAME')
    where.add_argument('--wait', metavar='SECONDS', type=float, default=10)

    commands = p.add_subparsers(metavar='COMMAND', required=True)
    one = commands.add_parser('init')
    one.add_argument('--adopt', action='store_true')
    one.add_argument('--force', action='store_true')
    one.add_argument('--quiet', action='store_true')
    one.set_defaults(run=init)
    return p


def main(argv=None):
    options = parser().parse_args(argv)
    if not options.conf and not options.redis and not options.sentinel:
        options.conf = CONF
    try:
        settings = Settings(options)
        layout = Layout(settings.ring, settings.prefix)
        store = Store(settings, options.wait, say)
        return options.run(store, layout, settings, options)
    except VaultError as error:
        say(error)
        return error.status
    except KeyboardInterrupt:
        say('interrupted')
        return 130
    except BrokenPipeError:
        return 1
