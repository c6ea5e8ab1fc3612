"""The command ``skgex``."""
