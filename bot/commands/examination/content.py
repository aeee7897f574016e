"""Whether texts and facts can be published, and whether what is served was signed."""

import stat
from collections.abc import Iterator

from bot.adapters.signing import LastGoodFile, Verifier
from bot.commands.examination.finding import Finding, Mark
from bot.domain.errors import BundleError
from bot.settings import Settings

AREA = "Texts and facts"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at the signer's keys and at the last good bundle. Nothing is made."""
    yield _signer(settings)
    yield _last_good(settings)


def _signer(settings: Settings) -> Finding:
    what, private = "Signer", settings.signing_key_file
    public = settings.content_folder / "signer.pub"
    if not public.exists():
        says = "its keys are made when Havn first runs"
        do = "" if settings.signer == "auto" else "start havn-signer.service, or set HAVN_SIGNER"
        return Finding(AREA, what, Mark.FINE if not do else Mark.LOOK, says, do)
    if settings.signer == "off":
        return Finding(AREA, what, Mark.FINE, "a service of its own holds the private key")
    try:
        mode = private.stat().st_mode
    except OSError:
        do = "restore the key, or remove both keys: what was published then counts as never signed"
        return Finding(AREA, what, Mark.STOP, "the private key is missing", do)
    if mode & _OTHERS:
        return Finding(
            AREA, what, Mark.STOP, "others can read the private key", f"chmod 600 {private}"
        )
    do = "run havn-signer.service and set HAVN_SIGNER=off: docs/operator.md"
    return Finding(AREA, what, Mark.LOOK, "the private key is within reach of the console", do)


def _last_good(settings: Settings) -> Finding:
    what, folder = "Published", settings.content_folder
    kept = LastGoodFile(folder / "last-good.json").read()
    if kept is None:
        return Finding(AREA, what, Mark.FINE, "nothing yet: what came with the program is served")
    try:
        Verifier(folder / "signer.pub").verify(kept)
    except BundleError:
        do = "what came with the program is served: see “A forged bundle” in docs/operator.md"
        return Finding(AREA, what, Mark.LOOK, "the last good bundle is not signed by our key", do)
    return Finding(AREA, what, Mark.FINE, f"bundle {kept.number}, signed")
