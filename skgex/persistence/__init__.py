"""Fitted estimators in files from which nothing is executed.

A file is written by the method ``save`` of an estimator.
"""

from skgex.persistence._load import load

__all__ = ["load"]
