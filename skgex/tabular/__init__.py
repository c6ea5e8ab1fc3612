"""Detectors for tables as they are: text, dates, categories and gaps."""

from skgex.tabular._tabular_detector import tabular_detector

__all__ = ["tabular_detector"]
