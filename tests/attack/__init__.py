"""Attacks that anyone can run: ``python -m tests.attack --help``."""
