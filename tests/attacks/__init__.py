"""Attacks: real hostile programs, run by real workers, each shown to succeed where nothing contains it.

`table.py` is the list: what is tried, where it can succeed without a sandbox, and what contains it at each level.
`hostile.py` holds the programs, in the common language of Python 2.7 and 3; `lures.py` lays out what they go for.
docs/security.rst is compared with the table.
"""
