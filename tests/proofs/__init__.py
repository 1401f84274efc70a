"""
The proofs: commands that hold Marx against plain Python and write down what came out.

``real_programs`` runs other people's programs, ``differential`` generated ones, ``killing`` one whose worker is killed again and again. Each
runs a program plainly, then under ``tasker run``, and compares standard output, standard error, files and exit code. ``kills`` kills
whatever a lab consists of under a map of many items; ``chaos`` also stops, cuts, delays and restarts it, under maps and whole programs.
``foreign`` asks what is divided in other people's sequential programs, whether they come out the same, and what that gains. Their records
stand in ``docs/proofs``. Where to start reading: ``outcomes.py``, what is compared; then the command's own file.
"""
