"""Detectors for tables as they are: text, dates, categories and gaps."""
