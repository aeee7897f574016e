"""What a browser of ours would never send."""

import httpx
import pytest

from bot.adapters.webchat.chat import FRAGMENT
from bot.adapters.webchat.form import TEXT_CHARACTERS, clean
from bot.domain.messages import Text
from tests.unit.adapters.webchat.conftest import Visitor

FORM = {"content-type": "application/x-www-form-urlencoded"}


async def test_large_body_gets_the_numbers(visitor: Visitor) -> None:
    await visitor.begin()
    response = await visitor.send(text="a" * 100_000)
    assert response.status_code == 413
    assert 'href="tel:+4570202550"' in response.text
    assert "too much for one message" in response.text
    assert "aaaaaaaaaa" not in response.text
    assert len(visitor.door.seen) == 1


async def test_large_body_without_length_is_refused_as_it_comes(visitor: Visitor) -> None:
    await visitor.begin()

    async def endless() -> object:
        for _ in range(100):
            yield b"text=" + b"a" * 1000

    response = await visitor.client.post("/", content=endless(), headers=FORM)  # type: ignore[arg-type]
    assert response.status_code == 413


async def test_long_text_is_cut_and_said_to_be(visitor: Visitor) -> None:
    await visitor.begin()
    response = await visitor.send(text="a" * (TEXT_CHARACTERS + 5))
    assert visitor.door.seen[-1].event == Text("a" * TEXT_CHARACTERS)
    assert "I read only the first part" in response.text


async def test_longest_text_of_any_script_fits_the_page_s_form(visitor: Visitor) -> None:
    await visitor.begin()
    words = "ก" * TEXT_CHARACTERS
    files = {name: (None, value) for name, value in {**visitor.fields, "text": words}.items()}
    response = await visitor.client.post("/", files=files)
    assert response.status_code == 200
    assert visitor.door.seen[-1].event == Text(words)


@pytest.mark.parametrize(
    ("raw", "kept"),
    [
        ("a\0b", "ab"),
        ("a\ud800b", "ab"),
        ("\x1b[31mred\x07", "[31mred"),
        ("one\r\ntwo\tthree", "one\ntwo\tthree"),
        ("\u202eevil", "evil"),
        ("नमस्ते 👩\u200d👧", "नमस्ते 👩\u200d👧"),
        ("  spaced  ", "spaced"),
    ],
)
def test_clean_keeps_what_a_person_meant(raw: str, kept: str) -> None:
    assert clean(raw) == kept


@pytest.mark.parametrize("body", [b"%00%ED%A0%80hi", b"%FF%FEhi", "hi\u0000".encode()])
async def test_odd_bytes_arrive_as_clean_text(visitor: Visitor, body: bytes) -> None:
    await visitor.begin()
    fields = httpx.QueryParams(visitor.fields)
    response = await visitor.client.post(
        "/", content=f"{fields}&text=".encode() + body, headers=FORM
    )
    assert response.status_code == 200
    event = visitor.door.seen[-1].event
    assert isinstance(event, Text)
    assert event.text.endswith("hi")
    assert "\0" not in event.text
    event.text.encode()


async def test_text_that_looks_like_a_command_is_text(visitor: Visitor) -> None:
    await visitor.begin()
    await visitor.send(text="/talk_to_human{}")
    assert visitor.door.seen[-1].event == Text("/talk_to_human{}")


@pytest.mark.parametrize(
    "change",
    [
        {"token": ""},
        {"token": "short"},
        {"token": "a" * 44},
        {"token": "../../../../../etc/passwd"},
        {"nonce": ""},
        {"nonce": "<script>"},
    ],
)
async def test_form_without_its_secrets_begins_nothing(
    visitor: Visitor, change: dict[str, str]
) -> None:
    await visitor.begin()
    visitor.fields |= change
    response = await visitor.send(text="hello")
    assert response.status_code == 400
    assert "This chat is closed." in response.text
    assert len(visitor.door.seen) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"last": "-1"},
        {"last": "9" * 19},
        {"last": "9" * 400},
        {"last": "1e9"},
        {"at": "99999999999999"},
        {"at": "soon"},
        {"lang": "xx"},
        {"lang": "'; drop"},
        {"lang": "../../x"},
        {"chosen": "yes"},
        {"pick": "klingon"},
        {"watch": "maybe"},
    ],
)
async def test_odd_fields_do_no_harm(visitor: Visitor, change: dict[str, str]) -> None:
    await visitor.begin()
    response = await visitor.send(text="hello", **change)
    assert response.status_code == 200
    assert visitor.door.seen[-1].event == Text("hello")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'{"text": "hello"}', "application/json"),
        (b"hello", "text/plain"),
        (b"", ""),
        (b"--x\r\nbroken", "multipart/form-data"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
        (b"\x00" * 500, "application/x-www-form-urlencoded"),
        (b"&" * 1000, "application/x-www-form-urlencoded"),
        (b"&".join(b"a=1" for _ in range(500)), "application/x-www-form-urlencoded"),
    ],
)
async def test_body_that_is_no_form_is_answered_kindly(
    visitor: Visitor, content: bytes, kind: str
) -> None:
    response = await visitor.client.post("/", content=content, headers={"content-type": kind})
    assert response.status_code == 400
    assert "You can start a new chat." in response.text


@pytest.mark.parametrize("charset", ["unicode_escape", "zlib", "utf-16", "nonsense", "hex"])
async def test_charset_of_the_sender_breaks_nothing(visitor: Visitor, charset: str) -> None:
    await visitor.begin()
    body = b"".join(
        f'--x\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n'.encode()
        for k, v in {**visitor.fields, "text": "\\ud800hi"}.items()
    )
    kind = f"multipart/form-data; boundary=x; charset={charset}"
    response = await visitor.client.post(
        "/", content=body + b"--x--\r\n", headers={"content-type": kind}
    )
    assert response.status_code in (200, 400)


async def test_file_is_refused_unread(visitor: Visitor) -> None:
    await visitor.begin()
    response = await visitor.client.post(
        "/", data=visitor.fields, files={"text": ("photo.jpg", b"\xff\xd8", "image/jpeg")}
    )
    assert response.status_code == 400
    assert len(visitor.door.seen) == 1


@pytest.mark.parametrize(
    "payload",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</textarea><script>alert(1)</script>",
        "{{7*7}}",
        "javascript:alert(1)",
        "'-alert(1)-'",
    ],
)
async def test_words_stay_words(visitor: Visitor, payload: str) -> None:
    await visitor.begin()
    page = (await visitor.send(text=payload)).text
    assert "<script>alert" not in page
    assert "<img" not in page
    assert ">49<" not in page
    visitor.door.broken = RuntimeError()
    assert "<script>alert" not in (await visitor.send(text=payload)).text


@pytest.mark.parametrize("site", ["cross-site", "same-site", "weird"])
@pytest.mark.parametrize("path", ["/", "/exit"])
async def test_form_of_another_site_is_refused(visitor: Visitor, site: str, path: str) -> None:
    await visitor.begin()
    response = await visitor.client.post(
        path, data={**visitor.fields, "text": "hello"}, headers={"sec-fetch-site": site}
    )
    assert response.status_code == 403
    assert len(visitor.door.seen) == 1
    assert visitor.door.left == []


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("https://chat.example.evil.example", 403),
        ("https://chat.example", 200),
        ("null", 200),
    ],
)
async def test_old_browsers_are_judged_by_origin(
    visitor: Visitor, origin: str, status: int
) -> None:
    await visitor.begin()
    response = await visitor.send(headers={"origin": origin}, text="hello")
    assert response.status_code == status


async def test_fragment_of_an_error_can_be_shown_by_the_script(visitor: Visitor) -> None:
    response = await visitor.client.post("/", data={"text": "hello"}, headers={"accept": FRAGMENT})
    assert response.status_code == 400
    assert '<form id="answers"' in response.text
    assert "data-clear" in response.text
