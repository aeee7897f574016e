"""``havn bench``: measures Havn against the figures it promises, and says what it measured on."""
