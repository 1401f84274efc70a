#!/usr/bin/env python3
"""Which settings read handwritten digits best? A grid search of scikit-learn, and a closer look with joblib. For Python 3.

    python3 digits.py

Requires: scikit-learn (which brings numpy and joblib), see ../requirements.txt
"""

import numpy as np
from joblib import Parallel, delayed
from sklearn.datasets import load_digits
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

GRID = {"svc__C": [0.1, 1, 10], "svc__gamma": [0.001, 0.01, 0.1]}


def count_misread(model, images, label, step):
    """How many images of one digit a model misreads when they are moved to the right."""
    moved = np.roll(images.reshape(-1, 8, 8), step, axis=2).reshape(images.shape)
    return int(np.sum(model.predict(moved) != label))


def main():
    images, labels = load_digits(return_X_y=True)
    images, labels = images[:450], labels[:450]
    seen, unseen, seen_labels, unseen_labels = train_test_split(images, labels, test_size=0.3, random_state=7)

    search = GridSearchCV(make_pipeline(StandardScaler(), SVC()), GRID, cv=3, n_jobs=-1)
    search.fit(seen, seen_labels)
    for settings, score in zip(search.cv_results_["params"], search.cv_results_["mean_test_score"]):
        print("C %-4g gamma %-5g reads %.1f %%" % (settings["svc__C"], settings["svc__gamma"], 100 * score))
    print("best: C %(svc__C)g, gamma %(svc__gamma)g" % search.best_params_)

    for step in (0, 1, 2):
        misread = Parallel(n_jobs=-1)(
            delayed(count_misread)(search.best_estimator_, unseen[unseen_labels == digit], digit, step) for digit in range(10)
        )
        print("moved by %d: %d of %d unseen digits are misread" % (step, sum(misread), len(unseen)))


if __name__ == "__main__":
    main()
