"""What settings.ini says; loaded once by each process that computes."""

try:
    from configparser import ConfigParser
except ImportError:
    from ConfigParser import ConfigParser

correction = 1.0
dry_below = 0.0


def load(path):
    """Read the file and keep what it says in this module."""
    global correction, dry_below
    parser = ConfigParser()
    parser.read(path)
    correction = parser.getfloat("rain", "correction")
    dry_below = parser.getfloat("rain", "dry_below")
