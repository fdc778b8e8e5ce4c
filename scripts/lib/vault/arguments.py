"""A parser of command lines that reports a fault in one line."""

import argparse
import sys

from .text import printable


class Parser(argparse.ArgumentParser):
    """An ArgumentParser without abbreviations.  Its help keeps the line breaks
    of descriptions."""

    def __init__(self, **more):
        super().__init__(
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter, **more)

    def error(self, message):
        name = self.prog.split()[0].rpartition('/')[2]
        print(f'{name}: {printable(message)}; see {self.prog} --help',
              file=sys.stderr)
        sys.exit(2)
