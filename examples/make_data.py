"""Writes iris.csv beside this file, from scikit-learn (extra `ml`); the examples need only the CSV."""

from pathlib import Path

import numpy as np
from sklearn.datasets import load_iris

iris = load_iris()
table = np.column_stack([iris.data, iris.target])
header = "sepal_length,sepal_width,petal_length,petal_width,species"
np.savetxt(
    Path(__file__).with_name("iris.csv"), table, fmt=["%.1f"] * 4 + ["%d"], delimiter=",", header=header, comments=""
)
