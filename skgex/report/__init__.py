"""A report to review flagged rows in: one HTML file."""

from skgex.report._report import write_report

__all__ = ["write_report"]
