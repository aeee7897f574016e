"""What the command line can do; one module for each command that is more than a few lines."""
