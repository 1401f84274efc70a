"""`joblib.Parallel`: a backend of ours, which is the default where the program names none.

Items are joblib's batches with their functions by value, so they need no state of the program. What joblib promises of batching, of
dispatching no more than was asked for, of generators and timeouts it keeps itself; one that is named explicitly, threads and shared memory
stay what they are.
"""

from __future__ import absolute_import

import importlib
import multiprocessing
import pickle
import threading

from marx.runner import portal
from marx.runner.carry import brought
from marx.runner.failures import shown
from marx.runner.standins import inplace
from marx.runner.standins.arrivals import Arrivals, Died, opened
from marx.runner.standins.by_value import call, loky_of, pickler_of
from marx.runner.standins.callsite import call_of, frame_at, said
from marx.runner.standins.ground import Ground
from marx.runner.standins.origins import Brought
from marx.runner.standins.pickling import dumps
from marx.runner.standins.portions import Item
from marx.runner.threads import Seen

NAME = "marx"

#: What joblib's own backend says.
UNSENDABLE = "Could not pickle the task to send it to the workers."


def patch(module):
    """Register a backend with `joblib.parallel` and make it the default. Raises ImportError or AttributeError for a joblib without what we need."""
    package = module.__name__.rpartition(".")[0]
    backends = importlib.import_module(package + "._parallel_backends")
    pickler_of(package), loky_of(package).TerminatedWorkerError
    before = module.BACKENDS[module.DEFAULT_BACKEND]
    kind = _backend_class(package, backends)

    def new_backend(*args, **kwargs):
        if inplace.is_inside():
            return backends.SequentialBackend(*args, **kwargs)
        return (before if portal.current() is None else kind)(*args, **kwargs)

    module.register_parallel_backend(NAME, new_backend, make_default=True)
    if inplace.is_inside():
        for name in ("loky", "multiprocessing"):
            module.register_parallel_backend(name, backends.SequentialBackend)


def _backend_class(package, backends):
    class MarxBackend(backends.AutoBatchingMixin, backends.ParallelBackendBase):
        """Spreads a call of Parallel over the lab."""

        supports_timeout = True
        supports_retrieve_callback = True
        supports_inner_max_num_threads = True

        def configure(self, n_jobs=1, parallel=None, prefer=None, require=None, **_):
            """Be ready for calls; how many jobs run at a time."""
            n_jobs = self.effective_n_jobs(n_jobs)
            if n_jobs == 1:
                raise backends.FallbackToBackend(backends.SequentialBackend(nesting_level=self.nesting_level))
            self.parallel = parallel
            self._jobs = Jobs(package, portal.current())
            return n_jobs

        def effective_n_jobs(self, n_jobs):
            """As joblib counts: all slots of the lab for -1."""
            if n_jobs == 0:
                raise ValueError("n_jobs == 0 in Parallel has no meaning")
            current = portal.current()
            if n_jobs is None or current is None:
                return 1
            return max(current.slots + 1 + n_jobs, 1) if n_jobs < 0 else n_jobs

        def submit(self, func, callback=None):
            """Have a batch computed."""
            return self._jobs.submit(getattr(backends, "SafeFunction", _as_it_is)(func), func, callback, frame_at(1))

        apply_async = submit

        def retrieve_result_callback(self, out):
            """The result of a job that is done. Raises what its batch raised."""
            return out.get()

        def start_call(self):
            """What comes is another portion."""
            self._jobs.end()

        def stop_call(self):
            """It was the last of this one."""
            self._jobs.end()

        def abort_everything(self, ensure_ready=True):
            """Nobody wants what has not come."""
            self._jobs.close(False)
            if ensure_ready:
                self._jobs = Jobs(package, portal.current())

        def terminate(self):
            """Everything has come."""
            self._jobs.close(True)
            self.reset_batch_stats()

        def get_nested_backend(self):
            """Inside an item everything runs in place."""
            return backends.SequentialBackend(nesting_level=(self.nesting_level or 0) + 1), None

    return MarxBackend


def _as_it_is(func):
    return func


class Jobs(object):
    """The batches of one use of the backend, and the thread that calls back."""

    def __init__(self, package, current):
        self._package = package
        self._arrivals = Arrivals()
        self._ground = Ground(current, self._arrivals.put)
        self._ground.origin = Brought(current)
        self._feed = self._thread = None
        self._is_over = False

    def submit(self, function, batch, callback, frame):
        """A `Job` for a function without arguments, which does what ``batch`` does."""
        self._begin()
        called = batch.items[0][0] if getattr(batch, "items", None) else batch
        feed = self._feed
        if feed is None:
            feed = self._feed = self._ground.feed()
        where = call_of(frame, "joblib.Parallel", called)
        job = Job(self._package, callback, where)
        try:
            content = pickler_of(self._package).dumps(function)
        except Exception as error:
            self._ground.explain(error, where, called, batch.items, {})
            self._arrivals.put([(job, ("here", (False, _unsendable(error))))])
        else:
            feed.put(Item(job, dumps((call, (self._package, content), {})), called, where))
        return job

    def end(self):
        """The portion is complete."""
        if self._feed is not None:
            self._feed.end()
            self._feed = None

    def close(self, is_finished):
        """Nothing is wanted any more."""
        if not self._is_over:
            self._is_over = True
            if not is_finished:
                brought.begin_anew()
            self.end()
            self._ground.close(is_finished)
            self._arrivals.put(None)

    def _begin(self):
        if self._thread is None:
            self._thread = Seen(self._collect, "marx-results")
            self._thread.start()

    def _collect(self):
        for job, outcome in iter(self._arrivals.get, None):
            job.settle(outcome)


class Job(object):
    """One batch on its way; joblib holds it as it would hold a future."""

    def __init__(self, package, callback, where):
        self._package = package
        self._callback = callback
        self._where = where
        self._is_settled = threading.Event()
        self._outcome = None

    def settle(self, outcome):
        """It has come."""
        self._outcome = self._opened(outcome)
        self._is_settled.set()
        if self._callback is not None:
            self._callback(self)

    def get(self, timeout=None):
        """The batch's results. Raises what it raised, or multiprocessing.TimeoutError."""
        self._is_settled.wait(timeout)
        if not self._is_settled.is_set():
            raise multiprocessing.TimeoutError()
        succeeded, value = self._outcome
        if not succeeded:
            raise value
        return value

    def _opened(self, outcome):
        succeeded, value = opened(outcome)
        if not succeeded and isinstance(value, Died):
            return False, loky_of(self._package).TerminatedWorkerError(u"an item of %s has no result: %s" % (said(self._where), shown(value)))
        if not succeeded or outcome[0] == "here" and not isinstance(value, bytes):
            return succeeded, value
        try:
            return pickler_of(self._package).loads(value)
        except Exception as error:
            return False, error


def _unsendable(error):
    told = pickle.PicklingError(UNSENDABLE)
    told.__cause__ = error
    return told
