"""The faults that a command finds in records."""

from collections import Counter

SHOWN = 20


class Findings:
    """Counts faults, and keeps a few examples of each."""

    def __init__(self):
        self.counts = Counter()
        self.examples = {}

    def add(self, row, error):
        text = str(error)
        self.counts[text] += 1
        shown = self.examples.setdefault(text, [])
        if len(shown) < SHOWN:
            shown.append(row.identity)

    def lines(self):
        for text, count in self.counts.items():
            yield f'{count} x {text}'
            for identity in self.examples[text]:
                yield f'    {identity}'
            if count > SHOWN:
                yield '    ...'
