"""Programs that evaluate by a toolbox of deap's, to be run: what each shows plainly it must show divided.

{what: (statements behind `BEGINNING`, what becomes of its portions, one of the words below)}. The library is in `mapping/site-packages`.
"""

BEGINNING = """from __future__ import print_function
import copy
from deap import base, creator

creator.create("Most", base.Fitness, weights=(1.0, -2.0))
creator.create("Individual", list, fitness=creator.Most, born=3)

def cost(individual, *more, **named):
    return sum(individual) + sum(more) + sum(named.get("scale", ())), len(individual) * individual.born

def people(count=8):
    return [creator.Individual(range(k, 2 * k)) for k in range(2, 2 + count)]

def shown(several):
    print([(list(each), each.fitness.valid and each.fitness.values) for each in several])

toolbox = base.Toolbox()
"""

#: Computed elsewhere; the beginning of it; in place, for a reason that the values show; in place, for one that the source shows.
AWAY, BOTH, HOME, NOBODY = "away", "both", "home", "nobody"

PROGRAMS = {
    "a loop over individuals": (
        """
toolbox.register("evaluate", cost)
several = people()
for each in several:
    each.fitness.values = toolbox.evaluate(each)
shown(several)
""",
        AWAY,
    ),
    "within a function": (
        """
toolbox.register("evaluate", cost)
def main():
    several = people()
    for each in several:
        each.fitness.values = toolbox.evaluate(each)
    return several
shown(main())
""",
        AWAY,
    ),
    "a map": ("toolbox.register('evaluate', cost)\nprint(list(map(toolbox.evaluate, people())))", AWAY),
    "its own map, consumed one by one": (
        """
toolbox.register("evaluate", cost)
several = people()
for each, values in zip(several, toolbox.map(toolbox.evaluate, several)):
    each.fitness.values = values
shown(several)
""",
        AWAY,
    ),
    "its own map, of what a library counts": (
        """
from deap import benchmarks
toolbox.register("evaluate", benchmarks.sphere)
fitnesses = toolbox.map(toolbox.evaluate, people())
print(list(fitnesses))
""",
        AWAY,
    ),
    "another map": (
        """
calls = []
def mapping(function, several):
    calls.append(function)
    return [function(each) for each in several]
toolbox.register("map", mapping)
toolbox.register("evaluate", cost)
print(list(toolbox.map(toolbox.evaluate, people())), len(calls))
""",
        HOME,
    ),
    "a comprehension, with arguments": (
        """
points = [1, 2]
def weighed(factor, individual, scale):
    return factor * sum(individual) + sum(scale)
toolbox.register("evaluate", weighed, 3, scale=points)
print([toolbox.evaluate(each) for each in people()])
""",
        AWAY,
    ),
    "a list among the arguments": (
        """
def near(points, individual):
    return sum(points) + sum(individual)
toolbox.register("evaluate", near, [1, 2.5])
print([toolbox.evaluate(each) for each in people()])
""",
        AWAY,
    ),
    "a lambda": ("toolbox.register('evaluate', lambda each: sum(each))\nprint([toolbox.evaluate(each) for each in people()])", AWAY),
    "a default value": (
        """
def near(individual, points=[1, 2.5]):
    return sum(points) + sum(individual)
toolbox.register("evaluate", near)
print([toolbox.evaluate(each) for each in people()])
""",
        AWAY,
    ),
    "a closure": (
        """
def nearness(points):
    def near(individual):
        return sum(points) + sum(individual)
    return near
toolbox.register("evaluate", nearness([1, 2.5]))
print([toolbox.evaluate(each) for each in people()])
""",
        NOBODY,
    ),
    "clones": (
        """
several = people()
several[3].fitness.values = (1.0, 2.0)
clones = [toolbox.clone(each) for each in several]
shown(clones)
print([clone is each for clone, each in zip(clones, several)], clones[3].fitness is several[3].fitness, clones == several)
""",
        AWAY,
    ),
    "a clone of what no item is": (
        """
best = people(1)[0]
def near(x):
    clone = copy.deepcopy(best)
    clone.append(sum(range(x)))
    return clone
several = [near(x) for x in range(6)]
print([type(each) is creator.Individual for each in several], [list(each) for each in several])
""",
        BOTH,
    ),
    "one of two": (
        """
import sys
def other(individual):
    return sum(individual) + 1
toolbox.register("evaluate", other if len(sys.argv) > 3 else cost)
toolbox.register("evaluate", cost if len(sys.argv) > 3 else other)
print([toolbox.evaluate(each) for each in people()])
""",
        AWAY,
    ),
    "the same individual twice, of which the rest of a turn changes what the next one reads": (
        """
def again(individual):
    return sum(individual) + sum(individual.fitness.values), 1.0
toolbox.register("evaluate", again)
one, other = people(2)
one.fitness.values = other.fitness.values = 0.0, 0.0
several = [one, one, other, one, other, one, one]
for each in several:
    each.fitness.values = toolbox.evaluate(each)
    each.append(3)
shown(several)
""",
        BOTH,
    ),
    "it changes its individual": (
        """
def learning(individual):
    individual.sort(key=lambda x: -x)
    return sum(individual), 1.0
toolbox.register("evaluate", learning)
several = people()
for each in several:
    each.fitness.values = toolbox.evaluate(each)
shown(several)
""",
        NOBODY,
    ),
    "it counts": (
        """
calls = []
def counting(individual):
    calls.append(len(individual))
    return sum(individual)
toolbox.register("evaluate", counting)
print([toolbox.evaluate(each) for each in people()], calls)
""",
        NOBODY,
    ),
    "it changes what was registered with it": (
        """
def keeping(seen, individual):
    seen.append(len(individual))
    return sum(individual) + len(seen)
toolbox.register("evaluate", keeping, [])
print([toolbox.evaluate(each) for each in people()], toolbox.evaluate.args)
""",
        NOBODY,
    ),
    "it gives what was registered with it": (
        """
def giving(seen, individual):
    return seen if sum(individual) else None
seen = [1]
toolbox.register("evaluate", giving, seen)
print([each is seen for each in [toolbox.evaluate(each) for each in people()]])
""",
        BOTH,
    ),
    "what was registered with it is no data": (
        """
def through(numbers, individual):
    return next(numbers) + sum(individual)
toolbox.register("evaluate", through, iter(range(20)))
print([toolbox.evaluate(each) for each in people()])
""",
        NOBODY,
    ),
    "decorated": (
        """
calls = []
def noticing(function):
    def inner(*given):
        calls.append(1)
        return function(*given)
    return inner
toolbox.register("evaluate", cost)
toolbox.decorate("evaluate", noticing)
print([toolbox.evaluate(each) for each in people()], calls)
""",
        NOBODY,
    ),
    "registered again under a name that does not show": (
        """
calls = []
def counting(individual):
    calls.append(len(individual))
    return sum(individual)
toolbox.register("evaluate", cost)
toolbox.register("".join(["eval", "uate"]), counting)
print([toolbox.evaluate(each) for each in people()], calls)
""",
        HOME,
    ),
    "more registered with it than shows": (
        """
toolbox.register("evaluate", cost)
toolbox.register("".join(["eval", "uate"]), cost, scale=(5,))
print([toolbox.evaluate(each) for each in people()])
""",
        HOME,
    ),
    "set by hand": (
        """
calls = []
toolbox.register("evaluate", cost)
toolbox.evaluate = lambda individual: calls.append(1) or len(calls)
print([toolbox.evaluate(each) for each in people()], calls)
""",
        HOME,
    ),
    "another toolbox under the same name": (
        """
class Counting(object):
    count = 0
    def register(self, name, function):
        setattr(self, name, self.counted)
    def counted(self, individual):
        self.count += 1
        return self.count
toolbox.register("evaluate", cost)
if len(people()) > 3:
    globals()["toolbox"] = Counting()
    toolbox.register("evaluate", cost)
print([toolbox.evaluate(each) for each in people()])
""",
        HOME,
    ),
    "a method of an object": (
        """
class Model(object):
    def __init__(self):
        self.calls = 0
    def cost(self, individual):
        self.calls += 1
        return self.calls + sum(individual)
toolbox.register("evaluate", Model().cost)
print([toolbox.evaluate(each) for each in people()])
""",
        NOBODY,
    ),
    "a clone that was registered": (
        """
def without(individual):
    return sum(individual)
toolbox.register("clone", without)
print([toolbox.clone(each) for each in people()])
""",
        AWAY,
    ),
    "it raises": (
        """
def failing(individual):
    if len(individual) == 6:
        raise ValueError(individual)
    return sum(individual), 1.0
toolbox.register("evaluate", failing)
several = people()
try:
    for each in several:
        each.fitness.values = toolbox.evaluate(each)
except ValueError as error:
    print("caught", list(error.args[0]), error.args[0] is each)
shown(several)
""",
        AWAY,
    ),
}
