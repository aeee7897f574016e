"""One technology each; all of them know ports and the domain, never one another."""
