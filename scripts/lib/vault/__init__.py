"""The modules of scripts/vault.

They repeat the C module's sealing and naming independently.  The tests check
that each side reads the other side's records.
"""
