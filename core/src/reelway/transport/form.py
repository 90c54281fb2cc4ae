"""Forms with files, as they travel: ``multipart/form-data`` (RFC 7578)."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import Final

from reelway.model.http import FilePart, Multipart

ESCAPES: Final = {code: f"%{code:02X}" for code in (*range(0x20), ord('"'), 0x7F)}
"""What would end a name too early, line breaks above all, and how it is written (WHATWG HTML, 4.10.21.8)."""


def encode_form(form: Multipart) -> tuple[str, bytes]:
    """The content type of a form, with a boundary that nobody can guess, and its bytes."""
    boundary = secrets.token_hex(16)
    return f"multipart/form-data; boundary={boundary}", b"".join(_pieces(form, boundary))


def _pieces(form: Multipart, boundary: str) -> Iterator[bytes]:
    for name, value in form.fields:
        yield from (_head(boundary, name), value.encode(), b"\r\n")
    for part in form.files:
        yield from (_head(boundary, part.field, part), part.content, b"\r\n")
    yield f"--{boundary}--\r\n".encode()


def _head(boundary: str, name: str, part: FilePart | None = None) -> bytes:
    # Fields travel as parts without a file name, which makes the form multipart even where it has no file.
    lines = f'--{boundary}\r\nContent-Disposition: form-data; name="{name.translate(ESCAPES)}"'
    if part is not None:
        kind = part.content_type.translate(ESCAPES)
        lines += f'; filename="{part.filename.translate(ESCAPES)}"\r\nContent-Type: {kind}'
    return f"{lines}\r\n\r\n".encode()
