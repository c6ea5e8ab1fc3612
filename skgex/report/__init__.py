"""A report to review flagged rows in: one HTML file."""
