"""Programs that work with scipy and scikit-learn, with everything that is proved sent away, item by item: each shows what it shows plainly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pythons import UserPython
from tests.runner.beginning import Preloaded
from tests.runner.nasty import same
from tests.runner.playing import Lab
from tests.science import science_python

# Each item of each is a process that imports the libraries.
pytestmark = pytest.mark.slow

LIBRARIES = """numpy scipy.integrate scipy.ndimage scipy.optimize scipy.stats sklearn.datasets sklearn.ensemble sklearn.linear_model
sklearn.metrics sklearn.model_selection sklearn.neighbors sklearn.pipeline sklearn.svm""".split()
BEGINNING = """from __future__ import print_function
import numpy as np
from scipy import integrate, ndimage, optimize, stats
from sklearn.base import clone
from sklearn.datasets import load_iris, make_blobs
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import KFold, cross_val_score, train_test_split
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

X, y = load_iris(return_X_y=True)
"""

#: {what: (statements, whether its loop is divided)}
PROGRAMS = {
    "integrals": ("def area(a):\n    return integrate.quad(lambda t: np.exp(-a * t), 0, 1)[0]\nprint([area(a) for a in [1.0, 2.0, 3.0, 4.0]])", True),
    "an equation that moves": (
        "def speed(y, t, k):\n    return [y[1], -k * y[0]]\nfor k in (1.0, 2.0, 3.0):\n    print(integrate.odeint(speed, [1.0, 0.0], [0, 1, 2], args=(k,))[-1])",
        True,
    ),
    "minima": (
        "def cost(p, k):\n    return (p[0] - k) ** 2 + abs(p[1])\nbest = []\nfor k in range(4):\n    r = optimize.minimize(cost, [0.5, 0.5], args=(k,), method='Nelder-Mead')\n    best.append((r.x.tolist(), r.nit))\nprint(best)",
        True,
    ),
    "a solver that prints": ("print([optimize.fmin(lambda p: (p[0] - k) ** 2, [9.0]).tolist() for k in (1, 2, 3)])", True),
    "statistics": ("print([(stats.norm(k, 2).cdf(1.5), stats.ttest_ind(X[:, 0], X[:, k])[1]) for k in (1, 2, 3)])", True),
    "joined by an index": ("def joined(n):\n    return np.c_[np.arange(n), np.ones(n)].tolist(), np.r_[0:n, 7].tolist(), np.mgrid[0:2, 0:n].shape\nprint([joined(n) for n in range(1, 6)])", True),
    "objects joined by an index": ("class P(object):\n    seen = []\n    def __array__(self, *a, **k):\n        P.seen.append(1)\n        return np.ones(2)\nps = [P(), P(), P(), P()]\nprint([np.r_[p, p].tolist() for p in ps], P.seen)", False),
    "an index that the program has made": ("class C(object):\n    n = 0\n    def __getitem__(self, x):\n        C.n += 1\n        return C.n\nnp.c_ = C()\nprint([np.c_[x, x] for x in range(4)], C.n)", False),
    "draws that are shared": ("np.random.seed(3)\nprint([stats.norm.rvs() for k in range(4)])", False),
    "filters": ("print([ndimage.gaussian_filter(X, s).sum() for s in (1, 2, 3)])", True),
    "settings of an estimator": (
        "scores = []\nfor c in (0.1, 1.0, 10.0):\n    model = SVC(C=c, random_state=0)\n    model.fit(X, y)\n    scores.append((c, model.score(X, y), model.n_support_.tolist()))\nprint(scores)",
        True,
    ),
    "folds": (
        "def score(a):\n    found = []\n    for train, test in KFold(3, shuffle=True, random_state=1).split(X):\n        model = Ridge(alpha=a).fit(X[train], y[train])\n        found.append(round(model.score(X[test], y[test]), 9))\n    return found\nprint([score(a) for a in (0.1, 1.0, 10.0)])",
        True,
    ),
    "estimators in a row": ("print([cross_val_score(make_pipeline(StandardScaler(), SVC(C=c, random_state=0)), X, y, cv=3).tolist() for c in (0.1, 1, 10)])", True),
    "estimators as items": (
        "models = [('near', KNeighborsClassifier(3)), ('far', KNeighborsClassifier(30)), ('line', SVC(kernel='linear', random_state=0))]\nfor name, model in models:\n    print(name, model.__class__.__name__, cross_val_score(model, X, y, cv=3).mean())",
        True,
    ),
    "estimators as items that learn": (
        "models = [KNeighborsClassifier(3), SVC(kernel='linear')]\nfor model in models:\n    model.fit(X, y)\nprint([model.score(X, y) for model in models])",
        False,
    ),
    "estimators as items, of which the program has a class with such a method": (
        "class Quick(object):\n    def set_params(self, n_neighbors):\n        return [n_neighbors]\nmodels = [KNeighborsClassifier(3), KNeighborsClassifier(5), KNeighborsClassifier(7), KNeighborsClassifier(9)]\nfor model in models:\n    print(len(repr(model.set_params(n_neighbors=1))) > 9)\nprint([model.n_neighbors for model in models])",
        False,
    ),
    "copies of an estimator": (
        "model = SVC(random_state=0)\nfound = []\nfor c in (0.1, 1.0, 10.0):\n    one = clone(model).set_params(C=c)\n    found.append(one.fit(X, y).score(X, y))\nprint(found, model.C)",
        True,
    ),
    "an estimator that has learned": ("model = SVC().fit(X, y)\nprint([cross_val_score(model, X, y, cv=k).mean() for k in (2, 3, 4)])", False),
    "an estimator that draws for its library in C": ("np.random.seed(1)\nprint([SVC(C=c).fit(X, y).score(X, y) for c in (0.1, 1.0, 10.0)], np.random.rand())", False),
    "one that draws with some arguments only": (
        "np.random.seed(1)\nprint([LogisticRegression(C=c, solver='liblinear').fit(X, y).score(X, y) for c in (0.1, 1.0, 10.0, 100.0)], np.random.rand())",
        False,
    ),
    "one that draws, brought along": (
        "np.random.seed(1)\nmodel = SVC()\nprint([cross_val_score(model, X, y, cv=k).mean() for k in (2, 3, 4, 5)], np.random.rand())",
        False,
    ),
    "a forest with a seed": ("print([RandomForestClassifier(n, random_state=n).fit(X, y).score(X, y) for n in (2, 3, 4)])", True),
    "a forest without": ("np.random.seed(1)\nprint([RandomForestClassifier(n).fit(X[::2], y[::2]).score(X, y) for n in (2, 3, 4)], np.random.rand())", False),
    "a seed that is none": ("np.random.seed(1)\nS = None\nprint([RandomForestClassifier(n, random_state=S).fit(X[::2], y[::2]).score(X, y) for n in (2, 3, 4)], np.random.rand())", False),
    "a seed that is shared": ("R = np.random.RandomState(1)\nprint([RandomForestClassifier(n, random_state=R).fit(X[::2], y[::2]).score(X, y) for n in (2, 3, 4)], R.rand())", False),
    "one that warns": ("print([LogisticRegression(max_iter=n).fit(X, y).score(X, y) for n in (1, 2, 3, 300)])", True),
    "one that fails": ("for k in (3, 2, 1, 0):\n    print(k, cross_val_score(KNeighborsClassifier(k), X, y, error_score='raise').mean())", True),
    "a split with a seed": (
        "found = []\nfor seed in range(4):\n    a, b, c, d = train_test_split(X, y, random_state=seed)\n    found.append(accuracy_score(d, SVC(random_state=0).fit(a, c).predict(b)))\nprint(found)",
        True,
    ),
    "a split without": ("np.random.seed(1)\nfor k in range(4):\n    a, b, c, d = train_test_split(X, y)\n    print(SVC().fit(a, c).score(b, d))", False),
    "points that are made": ("for n in (2, 3, 4):\n    points, colours = make_blobs(n_samples=40, centers=n, random_state=0)\n    print(n, KNeighborsClassifier().fit(points, colours).score(points, colours))", True),
}


@pytest.fixture(scope="module")
def python() -> UserPython:
    return science_python(os.environ)


@pytest.fixture(scope="module")
def stables(kit: Path, python: UserPython) -> Iterator[dict[UserPython, Preloaded]]:
    stable = Preloaded(python.path, kit, Lab(python, kit, kit).surroundings, LIBRARIES)
    yield {python: stable}
    stable.close()


@pytest.mark.parametrize("what", PROGRAMS)
def test_a_program_of_science_shows_what_it_shows_plainly(
    what: str, python: UserPython, kit: Path, tmp_path: Path, stables: dict[UserPython, Preloaded]
) -> None:
    statements, is_divided = PROGRAMS[what]
    found = same(python, kit, tmp_path, stables, BEGINNING + statements + "\n")
    assert any(portion.place == "lab" for portion in found.portions) == is_divided, [portion.reason for portion in found.portions]
