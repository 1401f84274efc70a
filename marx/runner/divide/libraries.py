"""What is known of libraries, each fact once: what makes pools, which of their methods open portions, what cannot leave its process.

Names are dotted and as `canonical` has them; "()" stands for calling.
"""

from __future__ import absolute_import

from collections import namedtuple
from importlib import import_module

from marx.runner.compat import IS_2

#: The names that every module has of this Python.
BUILTINS = frozenset(dir(import_module("__builtin__" if IS_2 else "builtins")))

#: ``name``: what people call it. ``methods``: which take a function first, so that each call opens a portion.
Pool = namedtuple("Pool", "name methods")

_POOL_METHODS = frozenset(["map", "map_async", "imap", "imap_unordered", "starmap", "starmap_async", "apply", "apply_async"])
_EXECUTOR_METHODS = frozenset(["submit", "map"])

#: Served by stand-ins, so that their items go to any worker.
SPREAD = {
    "multiprocessing.Pool": Pool("Pool", _POOL_METHODS),
    "concurrent.futures.ProcessPoolExecutor": Pool("ProcessPoolExecutor", _EXECUTOR_METHODS),
    "joblib.Parallel": Pool("joblib.Parallel", frozenset()),
}

THREADS = "threads share the memory of the main program and stay there"
_OTHER = "%s makes processes of its own, which stay on the main program's machine"

#: Pools that stay with the main program, and why.
STAYING = {
    "multiprocessing.dummy.Pool": (Pool("multiprocessing.dummy.Pool", _POOL_METHODS), THREADS),
    "multiprocessing.pool.ThreadPool": (Pool("ThreadPool", _POOL_METHODS), THREADS),
    "concurrent.futures.ThreadPoolExecutor": (Pool("ThreadPoolExecutor", _EXECUTOR_METHODS), THREADS),
    "concurrent.futures.InterpreterPoolExecutor": (Pool("InterpreterPoolExecutor", _EXECUTOR_METHODS), THREADS),
    "multiprocess.Pool": (Pool("multiprocess.Pool", _POOL_METHODS), _OTHER % "multiprocess"),
    "billiard.Pool": (Pool("billiard.Pool", _POOL_METHODS), _OTHER % "billiard"),
    "pathos.multiprocessing.ProcessingPool": (Pool("pathos.ProcessingPool", _POOL_METHODS), _OTHER % "pathos"),
    "pathos.multiprocessing.ProcessPool": (Pool("pathos.ProcessPool", _POOL_METHODS), _OTHER % "pathos"),
    "loky.ProcessPoolExecutor": (Pool("loky.ProcessPoolExecutor", _EXECUTOR_METHODS), _OTHER % "loky"),
}

#: Other names of the same things.
_SAME = {
    "multiprocessing.pool.Pool": "multiprocessing.Pool",
    "multiprocessing.context.Pool": "multiprocessing.Pool",
    "concurrent.futures.process.ProcessPoolExecutor": "concurrent.futures.ProcessPoolExecutor",
    "concurrent.futures.thread.ThreadPoolExecutor": "concurrent.futures.ThreadPoolExecutor",
    "multiprocessing.dummy.ThreadPool": "multiprocessing.pool.ThreadPool",
    "multiprocess.pool.Pool": "multiprocess.Pool",
    "joblib.parallel.Parallel": "joblib.Parallel",
    "joblib.parallel.delayed": "joblib.delayed",
    "sklearn.externals.joblib.Parallel": "joblib.Parallel",
    "sklearn.externals.joblib.delayed": "joblib.delayed",
    "sklearn.utils.parallel.Parallel": "joblib.Parallel",
    "sklearn.utils.parallel.delayed": "joblib.delayed",
    "sklearn.utils.fixes.delayed": "joblib.delayed",
    "io.open": "open",
    "builtins.open": "open",
    "__builtin__.open": "open",
}

#: What `multiprocessing` has on a context as well: ``get_context("fork").Pool``.
CONTEXTS = ("multiprocessing.get_context()", "multiprocessing.context.")

DELAYED = "joblib.delayed"

#: Libraries that call joblib for whoever gives them ``n_jobs``.
ASKING_JOBLIB = frozenset(["sklearn", "imblearn", "mne", "nilearn", "skopt", "mlxtend"])

#: joblib's words for "not in other processes".
IN_ONE_PROCESS = (("backend", ("threading", "sequential")), ("prefer", ("threads",)), ("require", ("sharedmem",)))

_SHARED_WITH_PROCESSES = "shared by the processes of one machine"

#: What stays in the process, or on the machine, that made it: noun.
HOMEBOUND = {
    "open": "an open file",
    "file": "an open file",
    "codecs.open": "an open file",
    "gzip.open": "an open file",
    "bz2.open": "an open file",
    "lzma.open": "an open file",
    "tempfile.TemporaryFile": "an open file",
    "tempfile.NamedTemporaryFile": "an open file",
    "threading.Lock": "a lock",
    "threading.RLock": "a lock",
    "threading.Condition": "a condition of threads",
    "threading.Event": "an event of threads",
    "threading.Semaphore": "a semaphore of threads",
    "threading.Thread": "a thread",
    "threading.local": "a thread's own storage",
    "Queue.Queue": "a queue of threads",
    "queue.Queue": "a queue of threads",
    "socket.socket": "a socket",
    "socket.create_connection": "a socket",
    "subprocess.Popen": "a process",
    "sqlite3.connect": "a database connection",
    "sqlite3.dbapi2.connect": "a database connection",
    "mmap.mmap": "a memory map",
    "multiprocessing.shared_memory.SharedMemory": "memory " + _SHARED_WITH_PROCESSES,
    "multiprocessing.sharedctypes.Value": "a value " + _SHARED_WITH_PROCESSES,
    "multiprocessing.sharedctypes.Array": "an array " + _SHARED_WITH_PROCESSES,
}
HOMEBOUND.update(
    ("multiprocessing." + name, "%s %s" % (noun, _SHARED_WITH_PROCESSES))
    for name, noun in {
        "Lock": "a lock",
        "RLock": "a lock",
        "Semaphore": "a semaphore",
        "BoundedSemaphore": "a semaphore",
        "Condition": "a condition",
        "Event": "an event",
        "Barrier": "a barrier",
        "Queue": "a queue",
        "SimpleQueue": "a queue",
        "JoinableQueue": "a queue",
        "Value": "a value",
        "Array": "an array",
        "RawValue": "a value",
        "RawArray": "an array",
        "Pipe": "a pipe",
        "Manager": "a manager",
    }.items()
)

#: How a portion is freed of it.
MENDED_BY = {
    "an open file": "; open it in the function",
    "a database connection": "; connect in the function",
    "a generator": "; make a list of it",
    "a lock": "; make it where the module is imported",
}

#: What reads standard input.
READS_STDIN = frozenset(["input", "raw_input", "fileinput.input"])

#: What opens a file that its first argument names: whether it may write by its mode ("mode"), always or never.
OPENERS = {
    "open": "mode",
    "file": "mode",
    "codecs.open": "mode",
    "gzip.open": "mode",
    "bz2.open": "mode",
    "lzma.open": "mode",
    "gzip.GzipFile": "mode",
    "bz2.BZ2File": "mode",
    "zipfile.ZipFile": "mode",
    "tarfile.open": "mode",
    "os.listdir": "reads",
    "os.scandir": "reads",
    "os.walk": "reads",
    "os.stat": "reads",
    "os.mkdir": "writes",
    "os.makedirs": "writes",
    "glob.glob": "reads",
    "glob.iglob": "reads",
    "sqlite3.connect": "writes",
    "shelve.open": "writes",
    "configparser.ConfigParser().read": "reads",
    "ConfigParser.ConfigParser().read": "reads",
    "numpy.load": "reads",
    "numpy.loadtxt": "reads",
    "numpy.genfromtxt": "reads",
    "numpy.fromfile": "reads",
    "numpy.save": "writes",
    "numpy.savez": "writes",
    "numpy.savez_compressed": "writes",
    "numpy.savetxt": "writes",
    "pandas.read_csv": "reads",
    "pandas.read_table": "reads",
    "pandas.read_excel": "reads",
    "pandas.read_json": "reads",
    "pandas.read_parquet": "reads",
    "pandas.read_pickle": "reads",
    "pandas.read_hdf": "reads",
    "PIL.Image.open": "reads",
    "matplotlib.pyplot.imread": "reads",
    "matplotlib.pyplot.savefig": "writes",
    "joblib.load": "reads",
    "scipy.io.loadmat": "reads",
    "scipy.io.wavfile.read": "reads",
    "h5py.File": "mode",
    "netCDF4.Dataset": "mode",
    "xml.etree.ElementTree.parse": "reads",
    "xml.etree.cElementTree.parse": "reads",
}

#: Methods of a ``pathlib.Path`` that open what it names.
PATH_METHODS = {
    "open": "mode",
    "read_text": "reads",
    "read_bytes": "reads",
    "iterdir": "reads",
    "glob": "reads",
    "rglob": "reads",
    "write_text": "writes",
    "write_bytes": "writes",
    "mkdir": "writes",
    "touch": "writes",
}


def canonical(name):
    """The best known of a thing's names."""
    for prefix in CONTEXTS:
        if name.startswith(prefix) and name != prefix:
            name = "multiprocessing." + name[len(prefix) :].lstrip(".").rpartition("Context().")[2]
    return _SAME.get(name, name)
