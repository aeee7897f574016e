"""The words of return codes: the 2,048 English ones of BIP 39, no two alike in four letters."""

from collections.abc import Sequence


def read_code_words() -> Sequence[str]:
    """Return the list, as the package ``mnemonic`` brings it."""
    from mnemonic import Mnemonic  # noqa: PLC0415 -- only where codes are on

    return tuple(Mnemonic("english").wordlist)
