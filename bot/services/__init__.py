"""Use cases: async functions that take ports as arguments."""
