"""What one process serves: the shipped files with the newest good bundle on top.

A bundle is taken only when the signer signed it and its number is above that of the last good one,
which lies in a file outside the database. So neither a database that was tampered with nor one that
was brought back from a backup makes a channel say something that was not approved last.
"""

from bot.content_ports import BundleVerifier, LastGood, Signed
from bot.domain.content import NOTHING, Bundle, Item, Value
from bot.domain.errors import BundleError, ContentError
from bot.logs import error_class, logger
from bot.services.content.assembly import Served, Shipped
from bot.services.reply import Renderer

log = logger(__name__)


class Library:
    """Keeps a renderer at the newest good bundle."""

    def __init__(
        self, shipped: Shipped, renderer: Renderer, verifier: BundleVerifier, last: LastGood
    ) -> None:
        self.shipped = shipped
        self.bundle = NOTHING
        self.served: Served = shipped.under(NOTHING)
        self._renderer = renderer
        self._verifier = verifier
        self._last = last

    def open(self) -> None:
        """Take the last good bundle from its file; a damaged or forged file counts as none."""
        kept = self._last.read()
        if kept is None:
            return
        try:
            self._serve(self.read(kept))
        except ContentError:
            log.error("bundle_refused", number=kept.number)

    def read(self, signed: Signed) -> Bundle:
        """Verify and read a bundle; BundleError when it is not signed or not what it claims."""
        self._verifier.verify(signed)
        bundle = Bundle.read(signed.body)
        if bundle.number != signed.number:
            raise BundleError("it stands under another number than its own")
        return bundle

    def take(self, signed: Signed) -> Bundle:
        """Serve a newer bundle from now on, and keep it.

        BundleError or ContentError when it is not signed, not newer or cannot be shown; then what
        was served before goes on.
        """
        bundle = self.read(signed)
        if bundle.number <= self.bundle.number:
            raise BundleError("it is not newer than the one in force")
        self._serve(bundle)
        try:
            self._last.write(signed)
        except OSError as error:
            # What is published goes on; a start before the disk is mended asks the database.
            log.error("bundle_not_kept", number=bundle.number, error=error_class(error))
        return bundle

    def shipped_value(self, item: Item) -> Value | None:
        """Return the value of an item that came with the program, None for none."""
        return self.shipped.under(NOTHING).value(item)

    def _serve(self, bundle: Bundle) -> None:
        fitting = self.shipped.fitting(bundle)
        served = self.shipped.under(fitting)
        if left_out := len(bundle.values) - len(fitting.values):
            log.warning("bundle_fits_in_part", number=bundle.number, count=left_out)
        self.bundle, self.served = bundle, served
        self._renderer.serve(served.deck, served.texts, served.values)
