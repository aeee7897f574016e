"""The forensic test: what can be found of a visitor on the disk, with every key there is."""
