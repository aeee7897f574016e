"""Languages that Havn does not speak, read by the trained unit and answered by a whole Havn."""

from pathlib import Path

import pytest

from bot.adapters.nlu import SocketDialogue
from tests.support.app import Visitor, running, screens

_FOREIGN = {
    "nl": "ik heb hulp nodig, mijn baas betaalt mij niet",
    "hu": "segítségre van szükségem a főnököm nem fizet",
    "uz": "men yordam kerak xo'jayin pul bermayapti",
    "sq": "shefi nuk me paguan ju lutem me ndihmoni",
    "so": "waan u baahanahay caawimaad",
    "lt": "šefas man nemoka algos padėkite",
    "fa": "کارفرما به من حقوق نمی دهد کمک کنید",
    "ne": "मेरो मालिकले मलाई पैसा दिँदैन",
    "zh": "我的老板不给我钱",
    "my": "မြန်မာ စကား ပြောတတ်လား",
    "el": "πρέπει να με βοηθήσετε",
}


@pytest.mark.nlu
@pytest.mark.parametrize("language", sorted(_FOREIGN))
async def test_who_writes_in_another_language_is_told_so_with_a_number(
    language: str, nlu_socket: Path, tmp_path: Path
) -> None:
    unit = SocketDialogue(nlu_socket, deadline=5.0)
    async with running(tmp_path, dialogue=unit) as app:
        visitor = Visitor(app)
        await visitor.starts()
        assert "utter_language_missing" in screens(await visitor.says(_FOREIGN[language]))
    await unit.close()
