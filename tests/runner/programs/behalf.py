"""Maps that a library makes of a program's functions, to be run: what each shows plainly it must show divided.

{what: (statements behind `BEGINNING`, {the name of a mapped function: what becomes of its items, one of the words below})}. The libraries are
in `mapping/site-packages`.
"""

BEGINNING = """from __future__ import print_function
import copy
import pickle
import sys
import traceback
from maplib import base
IS_2 = str is bytes

def toolbox_of(function, *given, **named):
    toolbox = base.Toolbox()
    toolbox.register("evaluate", function, *given, **named)
    return toolbox

def said(error):
    return traceback.format_exc().replace(__file__, "PROG")
"""

#: Computed elsewhere; elsewhere until something has changed or was held by the program; in place; never asked about.
AWAY, PARTLY, HOME, NOBODY = "away", "partly", "home", "nobody"
#: The same in Python 3, where a map is consumed one by one, and in 2.7, where it is a list.
LAZILY = (PARTLY, AWAY)

FORMS = {
    "a partial of a toolbox": (
        """
def weighed(points, x, scale=1):
    return sum(point * x for point in points) * scale
toolbox = toolbox_of(weighed, [1, 2.5], scale=3)
print(base.evaluated(toolbox, [1, 2, 3, 4, 5, 6]), toolbox.map.func is map)
""",
        {"weighed": AWAY},
    ),
    "a default value": ("def squared(x): return x * x\nprint(base.at_once(squared, range(8)))", {"squared": AWAY}),
    "what the program gives": ("def given(x): return x * x\nprint(list(base.lazily(given, (3, 4, 5, 6), map)))", {"given": AWAY}),
    "what an object keeps": ("def kept(x): return x * x\nprint(list(base.Wrapper()(kept, [3, 4, 5, 6])))", {"kept": AWAY}),
    "pairs": (
        """
def of_pair(x, y):
    return x * 10 + y
pairs = base.of_pairs(of_pair, [(1, 2), (3, 4), [5, 6], (7, 8)])
print(type(pairs), list(pairs))
""",
        {"of_pair": AWAY},
    ),
    "several iterables": (
        """
def of_both(x, y):
    return x, y
print(base.of_several(of_both, [1, 2, 3, 4, 5], (5, 6, 7)))
""",
        {"of_both": AWAY},
    ),
    "a method": (
        """
class Model(object):
    def __init__(self, factor):
        self.factor = factor
    def cost(self, x):
        return self.factor * x
print(base.at_once(Model(4).cost, [1, 2, 3, 4]))
""",
        {"cost": AWAY},
    ),
    "another mapper": (
        """
def mapped_elsehow(x):
    return x
print(base.at_once(mapped_elsehow, [1, 2, 3, 4], lambda function, items: [function(each) + 1 for each in items]))
""",
        {"mapped_elsehow": NOBODY},
    ),
    "individuals": (
        """
from deap import algorithms, base as deap_base, creator
creator.create("Most", deap_base.Fitness, weights=(1.0, -2.0))
creator.create("Individual", list, fitness=creator.Most, born=3)
def judged(individual):
    return float(sum(individual)), len(individual) * individual.born
tools = deap_base.Toolbox()
tools.register("evaluate", judged)
people = [creator.Individual(range(k)) for k in range(2, 8)]
people[2].fitness.values = (1.0, 2.0)
print(algorithms.evaluated(people, tools), [(list(each), each.fitness.values) for each in people])
""",
        {"judged": AWAY},
    ),
    "decorated code of a library": ("def seldom(x): return x\nprint(base.decorated(seldom, range(5)))", {"seldom": NOBODY}),
}

HAZARDS = {
    "writes a global": (
        "SEEN = []\ndef writes(x):\n    SEEN.append(x)\n    return len(SEEN)\nprint(base.at_once(writes, range(6)), SEEN)",
        {"writes": HOME},
    ),
    "draws": (
        "import random\nrandom.seed(3)\ndef draws(x):\n    return random.random()\nprint(base.at_once(draws, range(4)), random.random())",
        {"draws": HOME},
    ),
    "gives what it is bound to": (
        """
def bound(points, x):
    return points
points = [1]
print([each is points for each in base.evaluated(toolbox_of(bound, points), [1, 2, 3, 4])])
""",
        {"bound": PARTLY},
    ),
    "gives what its closure holds": (
        """
def closing():
    held = [1]
    def closed(x):
        return held
    return closed, held
closed, held = closing()
print([each is held for each in base.at_once(closed, [1, 2, 3, 4])])
""",
        {"closed": PARTLY},
    ),
    "items change between": (
        """
several = [[1], [2], [3], [4], [5], [6]]
def summed(item):
    return sum(item)
def change(each, value):
    if value == 2:
        several[3].append(10)
        several[4] = (7, 8)
print(base.evaluated(toolbox_of(summed), several, change))
""",
        {"summed": LAZILY},
    ),
    "an item becomes a tuple": (
        """
counted = [1, 2, 3, 4, 5, 6]
def shown_text(item):
    return str(item)
def change(each, value):
    counted[3] = (7, 8)
print(base.evaluated(toolbox_of(shown_text), counted, change))
""",
        {"shown_text": LAZILY},
    ),
    "what is read changes between": (
        """
FACTOR = [2]
def read(x):
    return FACTOR[0] * x
def change(each, value):
    if each == 3:
        FACTOR[0] = 5
print(base.evaluated(toolbox_of(read), [1, 2, 3, 4, 5, 6], change), FACTOR)
""",
        {"read": LAZILY},
    ),
    "what it is bound to changes between": (
        """
many = [1, 2]
def reads_bound(points, x):
    return sum(points) * x
def change(each, value):
    if each == 3:
        many.append(5)
print(base.evaluated(toolbox_of(reads_bound, many), [1, 2, 3, 4, 5, 6], change), many)
""",
        {"reads_bound": LAZILY},
    ),
    "an individual changes between": (
        """
def judged_again(individual):
    return float(len(individual)), individual.fitness.valid
tools.register("evaluate", judged_again)
def change(each, value):
    people[4].fitness.values = (3.0, 4.0)
    people[3].append(1)
for each in people[:2] + people[3:]:
    del each.fitness.values
print(base.evaluated(tools, people, change))
""",
        {"judged_again": LAZILY},
    ),
    "gives its default value": (
        """
def gives_default(x, held=[1]):
    return held
print([each is gives_default.__defaults__[0] for each in base.at_once(gives_default, [1, 2, 3, 4])])
""",
        {"gives_default": PARTLY},
    ),
    "more items come between": (
        """
growing = [1, 2, 3, 4]
def grown(x):
    return x
def change(each, value):
    if each < 4:
        growing.append(each + 10)
print(base.evaluated(toolbox_of(grown), growing, change), growing)
""",
        {"grown": AWAY},
    ),
    "raises": (
        """
def raising(x):
    print("at", x)
    if x == 4:
        raise ValueError(x)
    return x
for form in (base.at_once, base.lazily):
    try:
        print(list(form(raising, range(8))))
    except ValueError as error:
        print(said(error))
lazy = iter(base.lazily(raising, [1, 2, 3, 4, 5, 6])) if not IS_2 else iter([])
while not IS_2:
    try:
        print(next(lazy))
    except ValueError as error:
        print(said(error))
    except StopIteration:
        break
""",
        {"raising": AWAY},
    ),
    "raises StopIteration": (
        """
def stopping(x):
    if x in (0, 3, 5):
        raise StopIteration(x)
    return x
def stopping_at(x, y):
    return stopping(x)
try:
    lazy = iter(base.lazily(stopping, range(8)))
    print(list(lazy), list(lazy), list(lazy), list(lazy), list(lazy))
except StopIteration as error:
    print(said(error))
lazy = base.of_pairs(stopping_at, [(x, x) for x in range(8)])
try:
    next(lazy)
except StopIteration as error:
    print(said(error))
print(list(lazy), list(lazy), list(lazy), list(lazy))
""",
        {},
    ),
    "unused": ("def unused(x):\n    print('unused', x)\nbase.lazily(unused, [1, 2, 3, 4])\nprint('after')", {"unused": (NOBODY, AWAY)}),
    "consumed partly": (
        """
def partly(x):
    print("partly", x)
    return x
lazy = iter(base.lazily(partly, [1, 2, 3, 4, 5, 6]))
print(next(lazy), next(lazy), next(lazy))
""",
        {"partly": AWAY},
    ),
    "the type, and copies": (
        """
def typed(x):
    return x + 1
lazy = base.lazily(typed, [1, 2, 3, 4])
print(type(lazy), isinstance(lazy, list if IS_2 else map))
if sys.version_info[0] > 2:
    copied = copy.copy(lazy)
    print(next(lazy), next(copied), next(lazy), list(copied), list(lazy))
    lazy = base.lazily(typed, [1, 2, 3, 4])
    print(next(lazy))
    if sys.version_info < (3, 14):
        loaded = pickle.loads(pickle.dumps(lazy))
        print(type(loaded), list(loaded), list(lazy))
""",
        {"typed": AWAY},
    ),
    "maps within": (
        """
def inner(x):
    return x * 2
def outer(x):
    return sum(map(inner, range(x)))
def outer_in_library(x):
    return sum(base.at_once(inner, range(x)))
print(base.at_once(outer, [3, 4, 5, 6]), base.at_once(outer_in_library, [1, 2, 2, 1]))
""",
        {"outer": AWAY, "outer_in_library": HOME},
    ),
    "None": ("print(base.lazily(None, [1, 2, 3]) if IS_2 else 0)", {}),
    "what cannot be mapped": (
        """
def one(x):
    return x
def two(x, y):
    return x
bad = [(base.at_once, one, 3), (base.at_once, 3, [1, 2, 3]), (base.of_pairs, two, [(1, 2), 3, (4, 5), (5, 6)]), (base.at_once, two, [1, 2, 3])]
for form, function, items in bad:
    try:
        print(list(form(function, items)))
    except TypeError as error:
        print(said(error))
""",
        {},
    ),
    "a map of the program's own": (
        """
builtins = sys.modules.get("builtins") or sys.modules["__builtin__"]
real = map
def mine(function, *several):
    print("mine")
    return real(function, *several)
def under_mine(x, y):
    return x + y
builtins.map = mine
try:
    print(list(base.of_several(under_mine, [1, 2, 3, 4], [1, 2, 3, 4])))
finally:
    builtins.map = real
""",
        {"under_mine": NOBODY},
    ),
}

#: To be run alone: what is said of classes in it counts for all of a program.
CHANGED_CLASS = """from __future__ import print_function
from deap import algorithms, base, creator
creator.create("Most", base.Fitness, weights=(1.0,))
creator.create("Individual", list, fitness=creator.Most)
SEEN = []
def count(individual):
    SEEN.append(1)
    return 7
creator.Individual.__len__ = count
def judged(individual):
    return len(individual),
tools = base.Toolbox()
tools.register("evaluate", judged)
people = [creator.Individual(range(k)) for k in range(2, 8)]
print(algorithms.evaluated(people, tools), len(SEEN), [each.fitness.values for each in people])
"""
