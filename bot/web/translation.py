"""A visitor's line in the counsellor's language, by machine: read apart from the talk.

A page of its own, so that a slow server delays no talk; the script of the talk takes its part in.
Nothing of it is stored and nothing of the program rests on it.
"""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from bot.domain.errors import TranslatorUnavailableError
from bot.services.hotline import Talk
from bot.web.desk import Desk, floor_of
from bot.web.pages import pages_of


def translates(floor: Desk, talk: Talk, locale: str) -> bool:
    """Tell whether what the visitor writes is translated unasked for somebody who reads a locale.

    In a chat of that language it is a link only: most lines are in it, and some are not.
    """
    return floor.translator.ready and talk.card.locale != locale


async def show_translation(request: Request, talk: Talk, back: str) -> Response:
    """Show one line of the visitor with its translation, or that there is none now.

    404 for what is not a line of the visitor in this talk, and where nothing is translated.
    """
    floor, locale = floor_of(request), pages_of(request).locale(request)
    number = request.path_params["message"]
    line = next((s for s in talk.said if s.author == "visitor" and str(s.id) == number), None)
    if line is None or not floor.translator.ready:
        raise HTTPException(404)
    try:
        reads = talk.card.locale
        translated = await floor.translator.translate(line.text, reads, locale, detect=True)
    except TranslatorUnavailableError:
        translated = ""
    return pages_of(request).show(
        request, "translation.html", back=back, talk=talk, line=line, translated=translated
    )
