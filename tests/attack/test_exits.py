"""One exit of each kind in each browser: ``python -m tests.attack exit`` has more."""

import pytest

from tests.attack.exits import BROWSERS, carry_out, missing


@pytest.mark.parametrize("name", BROWSERS)
def test_nobody_sees_the_chat_after_leaving(name: str) -> None:
    if how := missing(name):
        pytest.skip(f"{name} is not here: {how}")
    assert carry_out(1, [name])["missed"] == []
