"""What a user's unchanged program meets when it imports `multiprocessing.pool`, `concurrent.futures.process` or `joblib`.

The libraries' own classes stay, and what programs see of them; replaced is what stands under them. The way of an item:

  a call          `pool`, `executor` or `joblib_backend` finds out whose it is (`callsite`) and pickles it (`pickling`)
  a `Feed`        (`portions`) holds it until the one sending thread (`outgoing`) has time
  its state       `origins` says what it must see: of the moment of a fork (`zygote`), what spawn shows, or nothing
  a portion       is opened through the portal and its items go to the lab, or, where that state cannot be carried, it stays home: real
                  processes of the library (`home`), forked from the zygote, do what they do in a plain run
  its outcome     comes to the library's own thread through `arrivals`

`hook` brings all this to the libraries when they are imported, and only then; start reading there. Inside an item there is no portal:
pools and executors run in place (`inplace`). In processes that the program forks the libraries are what they always are.
"""

from __future__ import absolute_import
