"""Storms: what goes wrong with messages, talks, records and figures, thousands of times over."""
