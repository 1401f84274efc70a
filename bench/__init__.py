"""How fast Marx is: a real lab on this machine beside `concurrent.futures.ProcessPoolExecutor`, in the same run, by turns.

For: `python -m bench` (or `make bench`), which prints a table of figures, goals and ratios, and for each measure where the processor time went.
Knows nothing about: what a figure should be made of inside. It starts the daemons as a person would and speaks to them as `tasker` does.
May import: `marx.tasker` and `marx.wire` in the client's process, `marx.worker` to start a runner by itself, the lab of the end-to-end tests, psutil. It is not installed with Marx.
Read first: `measures`, which says what is measured; then `lab` and `client`, which do it.
"""
