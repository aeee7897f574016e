"""The rules of Havn: pure, synchronous, standard library only."""
