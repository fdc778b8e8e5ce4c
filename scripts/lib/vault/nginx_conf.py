"""Reads the parts of nginx's configuration that scripts/vault needs."""

import glob
import os

from .errors import VaultError

ESCAPES = {'t': '\t', 'r': '\r', 'n': '\n', '"': '"', "'": "'", '\\': '\\'}
INCLUDES_MAX = 100


class Directive:
    """A directive.  `block` is a list of the directives in its block, or None.
    """

    def __init__(self, words, block, place):
        self.name, *self.args = words
        self.block = block
        self.place = place


class _Text:
    """Splits one file into tokens by nginx's rules."""

    def __init__(self, path):
        self.path = path
        self.at = 0
        try:
            with open(path, encoding='utf-8', errors='surrogateescape') as f:
                self.text = f.read()
        except OSError as error:
            raise VaultError(f'cannot read {path}: {error.strerror}') from None

    @property
    def place(self):
        return f'{self.path}:{self.text.count(chr(10), 0, self.at) + 1}'

    def fail(self, what):
        raise VaultError(f'{self.place}: {what}')

    def word(self):
        """Returns (token, is_word).  The token is a word without its quotes,
        one of ";", "{", "}", or None at the end of the file."""
        text = self.text
        while self.at < len(text):
            c = text[self.at]
            if c in ' \t\r\n':
                self.at += 1
            elif c == '#':
                end = text.find('\n', self.at)
                self.at = len(text) if end < 0 else end
            elif c in ';{}':
                self.at += 1
                return c, False
            elif c in '"\'':
                return self._quoted(c), True
            else:
                return self._plain(), True
        return None, False

    def _quoted(self, quote):
        word = []
        start = self.place
        self.at += 1
        while self.at < len(self.text):
            c = self.text[self.at]
            self.at += 1
            if c == quote:
                return ''.join(word)
            if c == '\\' and self.at < len(self.text):
                word.append(self._escaped())
            else:
                word.append(c)
        raise VaultError(f'{start}: a quote is not closed')

    def _plain(self):
        word = []
        text = self.text
        while self.at < len(text):
            c = text[self.at]
            if c in ' \t\r\n;':
                break
            if c == '{' and not (word and word[-1] == '$'):
                break
            self.at += 1
            if c == '\\' and self.at < len(text):
                c = self._escaped()
            word.append(c)
        return ''.join(word)

    def _escaped(self):
        c = self.text[self.at]
        self.at += 1
        return ESCAPES.get(c, '\\' + c)

    def skip_block(self):
        """Skips a block in another language, up to its closing brace."""
        depth = 1
        while self.at < len(self.text) and depth:
            c = self.text[self.at]
            depth += (c == '{') - (c == '}')
            self.at += 1


class Reader:
    """The directives of a file and of the files that it includes."""

    def __init__(self, path):
        self.base = os.path.dirname(os.path.abspath(path))
        self.includes = 0
        self.directives = self._block(_Text(path), False)

    def path(self, name):
        """Returns the path of a file whose name is relative to nginx.conf."""
        return os.path.join(self.base, name)

    def _block(self, text, inside):
        found, words = [], []

        while True:
            word, is_word = text.word()
            if is_word:
                words.append(word)
            elif word == ';':
                found += self._simple(text, words)
                words = []
            elif word == '{':
                if not words:
                    text.fail('a block without a name')
                found.append(self._braces(text, words))
                words = []
            elif words:
                text.fail(f'"{words[0]}" does not end with ";"')
            elif (word == '}') != inside:
                text.fail('an unexpected "}"' if word else '"}" is missing')
            else:
                return found

    def _simple(self, text, words):
        if not words:
            text.fail('an unexpected ";"')
        if words[0] == 'include' and len(words) == 2:
            return self._include(text, words[1])
        return [Directive(words, None, text.place)]

    def _braces(self, text, words):
        place = text.place
        if words[0].endswith('_by_lua_block'):
            text.skip_block()
            return Directive(words, [], place)
        return Directive(words, self._block(text, True), place)

    def _include(self, text, pattern):
        pattern = self.path(pattern)
        names = (sorted(glob.glob(pattern))
                 if glob.has_magic(pattern) else [pattern])
        found = []

        for name in names:
            self.includes += 1
            if self.includes > INCLUDES_MAX:
                text.fail('too many files are included')
            found += self._block(_Text(name), False)
        return found


def every(directives, name):
    """Yields all directives with this name, at any depth."""
    for one in directives:
        if one.name == name:
            yield one
        elif one.block:
            yield from every(one.block, name)
