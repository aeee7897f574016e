"""Havn: anonymous information for people in difficulty in Denmark, and a queue to a person."""
