"""The modules of scripts/vault.

They seal and name records as the C module does, in code of their own.  The
tests check that each side reads the other side's records.
"""
