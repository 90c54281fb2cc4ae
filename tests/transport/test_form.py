"""A form reads back as it was meant, whatever stands in its names and values."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser

from hypothesis import given
from hypothesis import strategies as st

from reelway.model.http import FilePart, Multipart
from reelway.transport.form import encode_form

NAMES = st.text(st.characters(codec="utf-8"), max_size=20)
FIELDS = st.lists(st.tuples(NAMES, st.text(st.characters(codec="utf-8"), max_size=50))).map(tuple)
FILES = st.lists(
    st.builds(FilePart, field=NAMES, filename=NAMES, content_type=st.just("image/png"), content=st.binary())
).map(tuple)


def parts_of(kind: str, form: bytes) -> list[tuple[bytes, bytes]]:
    """The head and the content of each part, by the boundary alone."""
    boundary = kind.removeprefix("multipart/form-data; boundary=").encode()
    start, *parts, end = (b"\r\n" + form).split(b"\r\n--" + boundary)
    assert (start, end) == (b"", b"--\r\n")
    heads = [part.removeprefix(b"\r\n").partition(b"\r\n\r\n") for part in parts]
    return [(head, content) for head, _, content in heads]


def read(head: bytes) -> Message:
    return BytesParser().parsebytes(head + b"\r\n\r\n", headersonly=True)


@given(fields=FIELDS, files=FILES)
def test_values_and_files_arrive_byte_for_byte_and_in_order(
    fields: tuple[tuple[str, str], ...], files: tuple[FilePart, ...]
) -> None:
    parts = parts_of(*encode_form(Multipart(fields=fields, files=files)))
    sent = [*(value.encode() for _, value in fields), *(part.content for part in files)]
    assert [content for _, content in parts] == sent
    assert [b"filename=" in head.partition(b"name=")[2] for head, _ in parts[: len(fields)]] == [
        "filename=" in name for name, _ in fields
    ]


@given(field=NAMES, filename=NAMES, kind=NAMES)
def test_no_name_breaks_out_of_its_place(field: str, filename: str, kind: str) -> None:
    part = FilePart(field=field, filename=filename, content_type=kind, content=b"x")
    [(head, content)] = parts_of(*encode_form(Multipart(files=(part,))))
    lines = head.split(b"\r\n")
    assert [line.partition(b":")[0] for line in lines] == [b"Content-Disposition", b"Content-Type"]
    assert lines[0].count(b'"') == 4
    assert content == b"x"


def test_what_is_plain_is_written_plainly() -> None:
    files = (FilePart(field="image", filename='a"b\n.png', content_type="image/png", content=b"\x89PNG"),)
    [(field, model), (file, image)] = parts_of(*encode_form(Multipart(fields=(("model", "m"),), files=files)))
    assert (field, model) == (b'Content-Disposition: form-data; name="model"', b"m")
    assert read(file)["content-disposition"] == 'form-data; name="image"; filename="a%22b%0A.png"'
    assert (read(file).get_content_type(), image) == ("image/png", b"\x89PNG")


def test_every_form_has_a_boundary_of_its_own() -> None:
    assert encode_form(Multipart())[0] != encode_form(Multipart())[0]
