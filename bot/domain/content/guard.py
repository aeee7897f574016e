"""What people act on in danger: to change it takes two people and 15 minutes.

Numbers, addresses, crisis texts and legal sentences (security-reliability.md 3.5). Opening hours
and dates take two people but no waiting: a wrong hour must be mended within a minute.
"""

from bot.domain.content.items import Item, ItemKind, Value
from bot.domain.facts import Fact, Kind, Registry
from bot.domain.screens import Deck, Screen

_WITHOUT_WAIT = frozenset({Kind.HOURS, Kind.DATE})
_ADDRESSES = frozenset({Kind.PHONE, Kind.URL, Kind.EMAIL})


def is_guarded(item: Item, value: Value, deck: Deck, registry: Registry) -> bool:
    """Tell whether a change of an item waits; what is guarded before or after it is."""
    match item.kind:
        case ItemKind.FACT:
            old = [registry[item.key]] if item.key in registry else []
            facts = [*old, Fact.read(item.key, value)]
            return any(_fact_is(fact, registry) for fact in facts)
        case ItemKind.SCREEN:
            old_screens = [deck[item.key]] if item.key in deck else []
            screens = [*old_screens, Screen.read(item.key, value)]
            # A button leads somebody to help, or away from it.
            moved = screens[0].buttons != screens[-1].buttons
            return moved or any(_screen_is(screen, deck, registry) for screen in screens)
        case ItemKind.TEXT:
            return _context_is(item.context, deck, registry)
        case _:
            return False


def _fact_is(fact: Fact, registry: Registry) -> bool:
    if fact.kind is Kind.SENTENCE and _names_one(str(fact.value), registry):
        return True
    return fact.kind in _ADDRESSES or (fact.safety and fact.kind not in _WITHOUT_WAIT)


def _names_one(text: str, registry: Registry) -> bool:
    """Tell whether a text rests on what is guarded, through sentences as well."""
    return any(_fact_is(registry[key], registry) for key in registry.used_by(text))


def _screen_is(screen: Screen, deck: Deck, registry: Registry) -> bool:
    claims = deck.meta.get("system_claims")
    promises = isinstance(claims, list) and screen.id in claims
    texts = (*screen.sources(), *(button.label for button in screen.buttons))
    return promises or any(_names_one(text, registry) for text in texts)


def _context_is(context: str, deck: Deck, registry: Registry) -> bool:
    """Tell it of a translation: of a guarded screen or sentence, and of every button."""
    if context.startswith("fact:"):
        key = context.removeprefix("fact:")
        return key in registry and _fact_is(registry[key], registry)
    if context in deck:
        return _screen_is(deck[context], deck, registry)
    # One label may stand on many screens, those of danger among them.
    return context == "button"
