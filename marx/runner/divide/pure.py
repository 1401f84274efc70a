"""What is known of functions and methods that do nothing but give a result, or change what they are given: the one list of them.

What is not here is not known to be pure. Each group says why it may stand here; `VERSIONS` says for which versions of a library that was
looked at. A function stands here if it reads nothing but its arguments (and what is carried: environment, numpy's error state, decimal's
context), writes nothing but what ``changes`` names, and calls nothing of the program but what ``calls`` names and what operators call.
"""

from __future__ import absolute_import

from functools import partial

from marx.runner.divide import sciences
from marx.runner.divide.does import COUNTING, SELF, Does, note

#: (oldest, newest) of the libraries that were looked at, the newest not included.
VERSIONS = {"numpy": ((1, 7), (3, 0)), "scipy": ((0, 19), (2, 0)), "sklearn": ((0, 18), (2, 0)), "deap": ((1, 3), (1, 5))}

#: No object of the program may be in what they are given, and a function only where the list says that it is called.
FOR_NUMBERS = frozenset(VERSIONS).union(["autograd"])

FUNCTIONS = dict(sciences.FUNCTIONS)
METHODS = {}

_functions = partial(note, FUNCTIONS)


def _methods(gives, names, calls=(), changes=()):
    """A method counts for every type that is known to have one of this name, so the worst of them counts."""
    for name in names.split():
        METHODS.setdefault(name, []).append(Does(gives, calls, changes, None))


# Builtins. They call operators and conversions of the program's classes, which the analysis counts for every argument.
_functions("", "value", "ascii bin bool callable chr cmp complex divmod float format hex int isinstance issubclass len long oct ord repr")
_functions("", "value", "round str unichr unicode bytes hash basestring")
_functions("", "new", "abs pow range xrange bytearray")
_functions("", "elements", "dict enumerate frozenset list reversed set tuple zip iter sorted")
_functions("", "holds", "slice")
_functions("", "elements", "filter map", calls=(0,))
_functions("", "part", "max min any all")
_functions("", "sum", "sum")
_functions("", "part", "reduce apply", calls=(0,))
_functions("", "part", "next", changes=(0,))
_functions("", "holds", "dict.fromkeys")

# Python's exceptions: objects that hold their arguments.
_functions(
    "",
    "holds",
    "ArithmeticError AssertionError AttributeError BaseException BufferError EOFError EnvironmentError Exception FileNotFoundError"
    " FloatingPointError IOError ImportError IndexError KeyError LookupError MemoryError NameError NotImplementedError OSError"
    " OverflowError PermissionError RecursionError RuntimeError StandardError StopIteration SyntaxError SystemError TimeoutError TypeError"
    " UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError ValueError ZeroDivisionError",
)

# Numbers to numbers, by the C library: bit-equal on alike machines.
_functions("math", "value", "acos acosh asin asinh atan atan2 atanh cbrt ceil comb copysign cos cosh degrees dist erf erfc exp exp2 expm1")
_functions("math", "value", "fabs factorial floor fmod fsum gamma gcd hypot isclose isfinite isinf isnan isqrt lcm ldexp lgamma log log10")
_functions("math", "value", "log1p log2 nextafter perm pow prod radians remainder sin sinh sqrt sumprod tan tanh trunc ulp fma")
_functions("math", "new", "frexp modf")
_functions("cmath", "value", "acos acosh asin asinh atan atanh cos cosh exp isclose isfinite isinf isnan log log10 phase rect sin sinh sqrt tan tanh")
_functions("cmath", "new", "polar")

# Iterators over their arguments. What they call is called when they are consumed, which is within the item that made them.
_functions("itertools", "elements", "chain combinations combinations_with_replacement compress cycle islice izip izip_longest pairwise")
_functions("itertools", "elements", "permutations product tee zip_longest batched chain.from_iterable")
_functions("itertools", "holds", "count repeat")
_functions("itertools", "elements", "dropwhile takewhile filterfalse ifilter ifilterfalse imap starmap", calls=(0,))
_functions("itertools", "elements", "accumulate groupby", calls=(1,))
_functions("functools", "holds", "reduce", calls=(0,))

# Operators as functions; those that change in place change their first argument.
_functions("operator", "value", "contains countOf eq ge gt indexOf is_ is_not le lt ne not_ truth")
_functions("operator", "holds", "abs add and_ concat div floordiv index inv invert lshift matmul mod mul neg or_ pos pow rshift sub truediv xor")
_functions("operator", "part", "getitem")
_functions("operator", "part", "delitem iadd iand iconcat ifloordiv ilshift imatmul imod imul ior ipow irshift isub itruediv ixor setitem", changes=(0,))

# Texts. The module's functions of 2.7 are the methods under another name.
_functions("string", "value", "capitalize capwords join lower upper replace strip lstrip rstrip zfill ljust rjust center find count atoi atof maketrans")
_functions("string", "new", "split splitfields")
_functions("re", "new", "compile escape findall finditer fullmatch match search split")
_functions("re", "value", "sub subn", calls=(1,))
_functions("json", "new", "dumps loads")
_functions("textwrap", "new", "dedent fill indent shorten wrap")
_functions("difflib", "new", "SequenceMatcher get_close_matches")
_functions("unicodedata", "value", "bidirectional category combining decimal digit east_asian_width lookup mirrored name normalize numeric")
_functions("shlex", "new", "quote split")
_functions("ast", "new", "literal_eval")
_functions("html", "value", "escape unescape")
_functions("email.utils", "new", "collapse_rfc2231_value decode_rfc2231 formataddr getaddresses parseaddr parsedate parsedate_tz quote unquote")
for _name in "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits letters lowercase octdigits printable punctuation uppercase whitespace".split():
    _functions("string." + _name, "value", "count find index join rfind rindex")

# Bytes to bytes.
_functions("hashlib", "new", "blake2b blake2s md5 new sha1 sha224 sha256 sha384 sha3_224 sha3_256 sha3_384 sha3_512 sha512 pbkdf2_hmac scrypt")
_functions("hmac", "new", "new")
_functions("zlib", "value", "adler32 compress crc32 decompress")
_functions("zlib", "new", "compressobj decompressobj")
_functions("bz2", "value", "compress decompress")
_functions("lzma", "value", "compress decompress")
_functions("binascii", "value", "a2b_base64 a2b_hex b2a_base64 b2a_hex crc32 crc_hqx hexlify unhexlify")
_functions("base64", "value", "b16decode b16encode b32decode b32encode b64decode b64encode b85decode b85encode urlsafe_b64decode urlsafe_b64encode")
_functions("struct", "new", "calcsize pack unpack Struct")

# Time as numbers: arithmetic and forms, never the clock. What needs the time zone is left out.
_functions("datetime", "new", "date datetime time timedelta date.fromordinal datetime.combine datetime.strptime date.fromisoformat datetime.fromisoformat")
_functions("calendar", "new", "isleap leapdays monthrange timegm weekday")

# Exact and decimal numbers. decimal reads its context, which travels with the items.
_functions("fractions", "new", "Fraction")
_functions("fractions", "value", "gcd")
_functions("decimal", "new", "Decimal Decimal.from_float")
_functions("statistics", "new", "fmean geometric_mean harmonic_mean mean median median_grouped median_high median_low mode multimode pstdev")
_functions("statistics", "new", "pvariance quantiles stdev variance correlation covariance linear_regression")

# Containers and their algorithms.
_functions("collections", "elements", "Counter OrderedDict deque")
_functions("collections", "holds", "ChainMap")
_functions("collections", "holds", "defaultdict", calls=(0,))
_functions("copy", "holds", "copy")
_functions("copy", "copy", "deepcopy")
_functions("heapq", "elements", "merge nlargest nsmallest")
_functions("heapq", "part", "heapify heappop heappush heappushpop heapreplace", changes=(0,))
_functions("bisect", "value", "bisect bisect_left bisect_right")
_functions("bisect", "value", "insort insort_left insort_right", changes=(0,))
_functions("array", "new", "array")
_functions("io", "new", "StringIO BytesIO")
_functions("StringIO", "new", "StringIO")
_functions("cStringIO", "new", "StringIO")
_functions("csv", "holds", "reader DictReader")

# Paths as texts: nothing of the disk is looked at.
_functions("os.path", "value", "basename commonprefix dirname isabs join normcase normpath split splitdrive splitext")
_functions("posixpath", "value", "basename commonprefix dirname isabs join normcase normpath split splitdrive splitext")

# The environment travels with the program; an item that sets something in it is not let go.
_functions("os", "value", "getenv environ.get")

# What is said to the type checker.
_functions("typing", "part", "cast", calls=())

# A generator of one's own, from a seed: see `SEEDED`.
SEEDED = frozenset(["random.Random", "numpy.random.RandomState", "numpy.random.default_rng"])
for _name in SEEDED:
    FUNCTIONS[_name] = Does("new", (), (), None)

# numpy, element by element: the arguments behind ``most`` are where results are written. What is asked of the values is in `found`, "arrays".
_functions("numpy", "new", "abs absolute arccos arccosh arcsin arcsinh arctan arctanh cbrt ceil conj conjugate cos cosh deg2rad degrees exp", most=1)
_functions("numpy", "new", "exp2 expm1 fabs floor invert isfinite isinf isnan log log10 log1p log2 logical_not negative positive rad2deg", most=1)
_functions("numpy", "new", "radians reciprocal rint sign signbit sin sinh sqrt square tan tanh trunc fix", most=1)
_functions("numpy", "new", "add arctan2 bitwise_and bitwise_or bitwise_xor copysign divide equal floor_divide fmax fmin fmod greater", most=2)
_functions("numpy", "new", "greater_equal hypot left_shift less less_equal logaddexp logaddexp2 logical_and logical_or logical_xor maximum", most=2)
_functions("numpy", "new", "minimum mod multiply nextafter not_equal power remainder right_shift subtract true_divide dot matmul", most=2)
_functions("numpy", "new", "all any argmax argmin max min amax amin ptp argsort count_nonzero", most=2)
_functions("numpy", "new", "cumprod cumsum mean prod std sum var median", most=2)
_functions("numpy", "new", "clip", most=3)
_functions("numpy", "new", "arange array_equal allclose bincount convolve corrcoef correlate cov cross digitize empty empty_like eye full full_like")
_functions("numpy", "new", "gradient histogram identity in1d indices inner interp isclose isin kron lexsort linspace logspace nan_to_num nanmax")
_functions("numpy", "new", "nanargmax nanargmin", most=2)
_functions("numpy", "new", "argwhere average ediff1d flatnonzero tril_indices triu_indices unravel_index")
_functions("numpy", "new", "nanmean nanmin nansum nonzero ones ones_like outer percentile poly polyfit polyval quantile searchsorted")
_functions("numpy", "new", "tensordot trace trapz tri vander vdot zeros zeros_like isscalar ndim shape size roots diff")
# numpy, what moves things as they are: an array of objects would hold them.
_functions("numpy", "holds", "append array column_stack concatenate copy delete dstack flip fliplr flipud hstack insert meshgrid pad repeat roll")
_functions("numpy", "holds", "rot90 setdiff1d sort split stack tile tril triu union1d unique vstack where c_ r_ mgrid ogrid s_ index_exp")
_functions("numpy", "part", "asarray atleast_1d atleast_2d broadcast_to diag diagonal expand_dims imag moveaxis ravel real reshape squeeze swapaxes transpose")
_functions("numpy", "value", "float16 float32 float64 float_ int8 int16 int32 int64 int_ uint8 uint16 uint32 uint64 intp bool_ complex64 complex128 dtype")
_functions("numpy.linalg", "new", "cholesky cond det eig eigh eigvals eigvalsh inv lstsq matrix_power matrix_rank norm pinv qr slogdet solve svd")
_functions("numpy.fft", "new", "fft fft2 fftfreq fftn fftshift ifft ifft2 ifftn ifftshift irfft rfft rfftfreq")

# Texts and bytes.
_methods("value", "capitalize casefold center count decode encode endswith expandtabs find format format_map index isalnum isalpha isascii isdecimal")
_methods("value", "isdigit isidentifier islower isnumeric isprintable isspace istitle isupper join ljust lower lstrip removeprefix removesuffix replace")
_methods("value", "rfind rindex rjust rstrip startswith strip swapcase title translate upper zfill hex")
_methods("new", "partition rpartition rsplit split splitlines")
# Numbers.
_methods("value", "bit_length bit_count as_integer_ratio conjugate is_integer to_bytes limit_denominator quantize sqrt normalize to_integral_value")
# Containers, deque and Counter among them.
_methods("value", "count index has_key isdisjoint issubset issuperset")
_methods("elements", "copy items iteritems itervalues iterkeys keys values union intersection difference symmetric_difference most_common elements")
_methods("part", "get")
_methods("holds", "fromkeys")
_methods("value", "append add extend extendleft appendleft insert remove discard clear reverse rotate", changes=(SELF,))
_methods("value", "update difference_update intersection_update symmetric_difference_update subtract move_to_end", changes=(SELF,))
_methods("part", "pop popitem popleft setdefault", changes=(SELF,))
_methods("value", "sort", changes=(SELF,))
# Records made by namedtuple.
_methods("holds", "_asdict _replace")
# Patterns and what they find.
_methods("new", "findall finditer fullmatch match search end expand group groupdict groups span start")
_methods("value", "sub subn", calls=(0,))
# Sums, compressors and packers.
_methods("value", "digest hexdigest compress decompress flush", changes=(SELF,))
_methods("new", "pack unpack unpack_from")
# Dates.
_methods("value", "isoformat isoweekday strftime toordinal total_seconds weekday utcoffset")
_methods("new", "isocalendar timetuple date time")
# Iterators, generators and files: each takes from its object.
_methods("part", "next __next__ send", changes=(SELF,))
_methods("value", "close", changes=(SELF,))
_methods("value", "read readline seek tell getvalue write truncate", changes=(SELF,))
_methods("new", "readlines", changes=(SELF,))
_methods("value", "writelines", changes=(SELF,))
# Exceptions.
_methods("part", "with_traceback", changes=(SELF,))
# Random generators of one's own; those of the module are functions, which are not here.
_methods("value", "betavariate expovariate gammavariate gauss getrandbits lognormvariate normalvariate paretovariate randint random", changes=(SELF,))
_methods("value", "randrange seed setstate triangular uniform vonmisesvariate weibullvariate", changes=(SELF,))
_methods("part", "choice", changes=(SELF,))
_methods("elements", "choices sample getstate", changes=(SELF,))
_methods("value", "shuffle", changes=(SELF, 0))
_methods("new", "integers normal permutation poisson rand randn standard_normal exponential binomial gamma beta", changes=(SELF,))
# Arrays: what gives a view gives a part.
_methods("holds", "all any argmax argmin argsort astype clip cumprod cumsum dot mean nonzero prod repeat round std sum trace tolist var max min ptp flatten")
_methods("part", "ravel reshape squeeze swapaxes transpose view diagonal item")
_methods("value", "tobytes tostring")
_methods("value", "fill itemset partition put resize setflags", changes=(SELF,))
# Difference of sequences.
_methods("new", "ratio quick_ratio real_quick_ratio get_matching_blocks get_opcodes", changes=(SELF,))

#: Methods that take in the elements of what they are given, or the elements of these, not the thing itself.
SPREADING = frozenset("extend extendleft update difference_update intersection_update symmetric_difference_update subtract writelines".split())

#: Functions that make a text of all that they are given.
SHOWING = frozenset("ascii format repr str unicode".split())

#: Functions and methods that ask whether objects are equal, or which of them comes first.
COMPARING = frozenset("set frozenset dict dict.fromkeys sorted min max hash cmp itertools.groupby copy.deepcopy statistics.mode statistics.multimode".split())
COMPARING_MODULES = ("collections.", "heapq.", "bisect.", "operator.", "difflib.")
COMPARING_METHODS = frozenset(
    "add count difference difference_update discard fromkeys get has_key index insert intersection intersection_update isdisjoint issubset issuperset"
    " most_common move_to_end pop remove setdefault sort subtract symmetric_difference symmetric_difference_update union update".split()
)

#: Methods that give an object of the same class.
COPYING = frozenset(["copy", "_replace"])

#: Functions of the list that are called by an index: ``numpy.c_[a, b]``.
SUBSCRIPTED = frozenset("numpy." + name for name in "c_ r_ mgrid ogrid s_ index_exp".split())

#: Attributes of libraries' modules that are numbers, texts or types, and are looked at only.
CONSTANTS = frozenset(
    "math.pi math.e math.inf math.nan math.tau cmath.pi cmath.e numpy.pi numpy.e numpy.inf numpy.nan numpy.newaxis numpy.float64 numpy.float32"
    " numpy.int64 numpy.int32 numpy.uint8 numpy.ndarray sys.maxsize sys.maxint sys.version_info sys.byteorder string.ascii_letters"
    " string.ascii_lowercase string.ascii_uppercase string.digits string.hexdigits string.letters string.lowercase string.printable"
    " string.punctuation string.uppercase string.whitespace re.I re.IGNORECASE re.M re.MULTILINE re.S re.DOTALL re.X re.VERBOSE re.U re.UNICODE"
    " re.A re.ASCII decimal.ROUND_HALF_UP decimal.ROUND_HALF_EVEN decimal.ROUND_DOWN decimal.ROUND_UP decimal.ROUND_FLOOR decimal.ROUND_CEILING"
    " os.sep os.linesep os.path.sep os.name datetime.timezone.utc datetime.date.max datetime.date.min".split()
)

# autograd's numpy and scipy give what these give, but for objects of its own, which are no numbers.
FUNCTIONS.update(("autograd." + name, does) for name, does in list(FUNCTIONS.items()) if name.startswith(("numpy.", "scipy.")))
CONSTANTS = CONSTANTS.union("autograd." + name for name in CONSTANTS if name.startswith("numpy."))

#: The same that can be changed: reading them is free.
CARRIED = frozenset(["os.environ", "sys.argv", "sys.path"])

#: Keywords by which a function is given that is called; by place they stand in ``calls``.
CALLING_KEYWORDS = frozenset(
    "key default object_hook object_pairs_hook parse_float parse_int cls default_factory func function fun jac hess fprime Dfun events callback".split()
)

#: Modules that an item may import: doing so binds names and does nothing else.
CALM_IMPORTS = frozenset(
    "math cmath itertools functools operator string re json hashlib zlib struct datetime collections copy heapq bisect statistics fractions"
    " decimal textwrap unicodedata binascii base64 array io random numpy scipy sklearn typing __future__ time os sys".split()
)

#: Decorators that leave what a function does when it is called: name -> whether its results are kept for the next call.
DECORATORS = {
    "staticmethod": False,
    "classmethod": False,
    "property": False,
    "functools.cached_property": True,
    "functools.wraps()": False,
    "functools.lru_cache": True,
    "functools.lru_cache()": True,
    "functools.cache": True,
    "abc.abstractmethod": False,
    "typing.no_type_check": False,
    "typing.overload": False,
    "typing.override": False,
}

#: The same of classes.
CLASS_DECORATORS = frozenset(["dataclasses.dataclass", "dataclasses.dataclass()", "functools.total_ordering", "enum.unique", "typing.final"])

#: What a class of the program may stand on without bringing behaviour that is not known.
CALM_BASES = frozenset(
    "object list dict set frozenset tuple int float str bytes unicode complex abc.ABC enum.Enum enum.IntEnum enum.Flag enum.IntFlag"
    " collections.OrderedDict collections.Counter collections.deque typing.NamedTuple typing.Generic typing.Protocol"
    " collections.namedtuple()".split()
).union(name for name in FUNCTIONS if name.endswith(("Error", "Exception")) or name == "StopIteration")

CALM_METACLASSES = frozenset(["type", "abc.ABCMeta", "enum.EnumMeta", "enum.EnumType"])

#: Makes classes of records: what calling such a one gives holds its arguments.
RECORD_MAKERS = frozenset(["collections.namedtuple", "typing.NamedTuple"])

#: Contexts that do nothing but hold while they are entered: they may be made and entered within an item.
CONTEXTS = frozenset(["contextlib.suppress", "decimal.localcontext", "numpy.errstate", "contextlib.nullcontext"])

#: Beginnings of names that are known to do more, for the sentence: (kind of effect, names or beginnings of names with a dot at the end).
_DOING = (
    ("draws", "random. numpy.random. secrets. uuid. os.urandom"),
    ("clock", "time. datetime.datetime.now datetime.datetime.today datetime.datetime.utcnow datetime.date.today timeit."),
    ("process", "subprocess. os.system os.popen os.fork os.getpid os.kill os._exit multiprocessing. concurrent. signal. sys.exit pty. exit quit"),
    ("network", "socket. urllib. urllib2. requests. httplib. http. ftplib. smtplib."),
    ("threads", "threading. thread. _thread. queue. Queue. asyncio."),
    ("native", "ctypes. cffi."),
    ("files", "open file io.open codecs.open gzip. bz2.open lzma.open os.remove os.rename os.mkdir os.makedirs os.unlink os.rmdir os.listdir os.stat os.walk os.path. shutil. tempfile. glob. pathlib."),
    ("input", "input raw_input sys.stdin. getpass. fileinput."),
    ("reflects", "eval exec execfile compile locals vars globals dir __import__ inspect. sys._getframe importlib. gc. sys.modules reload"),
    ("ids", "id object memoryview buffer"),
    ("settings", "os.chdir os.umask os.putenv locale. warnings. decimal.getcontext decimal.setcontext numpy.seterr sys.set sys.setrecursionlimit"),
    ("logs", "logging. sys.stdout sys.stderr"),
)
_DOING_BY_NAME = [(part, kind) for kind, parts in _DOING for part in parts.split()]


def doing(name):
    """The kind of effect of a library's function that is not on the list: "library" where nothing is known of it."""
    for part, kind in _DOING_BY_NAME:
        if name == part or part.endswith(".") and name.startswith(part):
            return kind
    return "library"


def counts_only(name):
    """Whether a function of a library does nothing but give a result, whatever numbers it is given."""
    does = FUNCTIONS.get(name) if name.startswith(COUNTING) else None
    return does is not None and not does.calls and not does.changes and does.most is None
