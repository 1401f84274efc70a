"""
Sequential programs of other people: ``python -m tests.proofs.foreign``, in three parts.

``survey`` asks the analysis of every example and script what it would divide; ``runs`` runs each plainly twice and under Marx, and compares;
``sites`` takes the time of what those programs go through, and says of what takes long whether it was divided, why not, and what that gained.

How to read: `__main__` is the command; ``packages.toml`` is the list that `listing` reads. `surveying`, `running` and `timing` do the three parts,
`rows` is what they find, `record` keeps it package by package, `page` shows it to people. `looking` and `taking` are scripts for the programs'
own interpreters: standard library only, one text for 2.7 and 3.
"""
