"""What an expression of a program's source would do to the world: printing, files, processes, input, portions. By names alone."""

from __future__ import absolute_import

import ast
import re

from marx.runner.carry.syntax import FUNCTIONS, PRINTS, at_once, dotted, is_constant

#: Functions by their last name, wherever they come from.
_LOUD = {
    "opens a portion": "Pool Parallel ProcessPoolExecutor Process Manager ThreadPool ThreadPoolExecutor imap imap_unordered starmap"
    " starmap_async map_async apply_async submit Queue JoinableQueue SimpleQueue",
    "reads input": "input raw_input readline readlines getpass",
    "ends the program": "exit _exit quit abort",
    "writes a file": "write writelines savefig save savez savetxt to_csv to_json to_pickle to_excel dump mkdir makedirs mkstemp mkdtemp"
    " remove unlink rename rmdir rmtree symlink NamedTemporaryFile FileHandler RotatingFileHandler touch write_text write_bytes truncate",
    "runs another program": "system popen Popen check_call check_output call getoutput run fork spawnv execv",
    "talks to others": "urlopen urlretrieve socket create_connection connect execute commit sendall sendmail",
    "waits": "sleep",
    "starts something": "start serve_forever run_forever run_until_complete",
    "shows something": "show pprint print_exc mainloop",
}
_REASONS = {name: reason for reason, names in _LOUD.items() for name in names.split()}
#: Names of the above that mean something else behind these.
_CALM_OWNERS = frozenset(["os.path", "re", "copy", "plt.rcParams", "asyncio"])
_WORLDS = {"shutil": "writes a file", "subprocess": "runs another program", "requests": "talks to others", "socket": "talks to others"}
_MODE = re.compile("[wax+]")

#: What may be done again at any time: it makes something new, and changes nothing that is there.
_MAKING = frozenset(
    "range xrange len int float complex str bytes bytearray unicode bool set dict list tuple frozenset object min max sum abs round"
    " sorted zip enumerate property type super staticmethod classmethod repr chr ord hash divmod pow slice reversed any all getattr"
    " isinstance hasattr issubclass"
    " namedtuple NamedTuple TypedDict TypeVar NewType ParamSpec Enum IntEnum Flag IntFlag StrEnum make_dataclass new_class field"
    " getLogger Lock RLock Event Condition Semaphore local compile partial defaultdict OrderedDict deque Counter ChainMap"
    " SimpleNamespace CDLL array Decimal Fraction Path PurePath join dirname abspath basename normpath get getenv lru_cache cache"
    " wraps singledispatch itemgetter attrgetter methodcaller Struct WeakValueDictionary WeakKeyDictionary WeakSet ContextVar"
    " getcwd date datetime timedelta MappingProxyType cached_property total_ordering dataclass split strip format".split()
)

#: Calls whose result nobody takes, and that set something up in a library.
SETTING_UP = re.compile(
    "^(create|register.*|set.*|use|enable.*|disable.*|filterwarnings|simplefilter|resetwarnings|seed|basicConfig|install.*|configure.*|rc"
    "|add.*|insert|append|update|extend|pickle)$"
)


def loud_in(statement):
    """What a statement does to the world when it runs, as in "prints" or "writes a file"; None if nothing is seen.

    Functions of the program that it calls are not looked into, see `Loudness`.
    """
    for node in [statement] + list(at_once(statement)):
        if isinstance(node, PRINTS):
            return "prints"
        if isinstance(node, ast.Call):
            reason = _loud_call(node)
            if reason:
                return reason
        if dotted(node)[:2] == ("sys", "stdin"):
            return "reads input"
    return None


def _called_in(statement):
    """The last names of what is called when a statement runs."""
    return set(_called(node) for node in [statement] + list(at_once(statement)) if isinstance(node, ast.Call)) - set([None])


def _called(call):
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", None)


class Loudness(object):
    """What statements do to the world, functions and classes of the program included that they call: by their names alone.

    ``trees``: the sources of the program.
    """

    def __init__(self, trees):
        self._bodies = {}
        self._known = {}
        for tree in trees:
            for node in ast.walk(tree):
                if isinstance(node, FUNCTIONS):
                    self._bodies.setdefault(node.name, []).extend(node.body)
                elif isinstance(node, ast.ClassDef):
                    methods = [method for method in node.body if isinstance(method, FUNCTIONS)]
                    self._bodies.setdefault(node.name, []).extend(statement for method in methods for statement in method.body)

    def of(self, statement):
        """See `loud_in`."""
        reason = loud_in(statement)
        for name in () if reason else sorted(_called_in(statement)):
            reason = reason or self._of_name(name)
        return reason

    def _of_name(self, name):
        if name not in self._known:
            self._known[name] = None  # while it is looked into: it may call itself
            for statement in self._bodies.get(name, ()):
                self._known[name] = self._known[name] or self.of(statement)
        return self._known[name]


def _loud_call(call):
    name = _called(call)
    owner = ".".join(dotted(call.func)[:-1])
    if name == "print":
        return "prints"
    if name == "open":
        return "writes a file" if _opens_to_write(call) else None
    if owner in _CALM_OWNERS:
        return None
    return _WORLDS.get(owner) or _REASONS.get(name)


def _opens_to_write(call):
    modes = call.args[1:2] + [keyword.value for keyword in call.keywords if keyword.arg == "mode"]
    if not modes:
        return False
    return not is_constant(modes[0]) or bool(_MODE.search(str(ast.literal_eval(modes[0]))))


def only_makes(node):
    """Whether an expression may be evaluated again: it makes a value of literals, names and harmless calls."""
    for inner in [node] + list(at_once(node)):
        if isinstance(inner, ast.Call):
            if _called(inner) not in _MAKING:
                return False
        elif type(inner).__name__ in ("Yield", "YieldFrom", "Await", "NamedExpr"):
            return False
    return True


def sets_up(call, libraries):
    """Whether a call, as a statement, sets something up in a library. ``libraries``: the names that imports have bound."""
    path = dotted(call.func)
    if len(path) < 2 or path[0] not in libraries or not SETTING_UP.match(path[-1]) or path[0] in _WORLDS:
        return False
    values = list(call.args) + [keyword.value for keyword in call.keywords]
    return all(only_makes(value) for value in values)
