"""What scripts/vault is made of.

The module's way of sealing and naming is written down here a second time,
independently: what the one writes the other reads.
"""
