"""What a file is, by its first bytes: its name and the type that its sender gave it are only words."""

import io
import re
import zipfile

UNKNOWN = "application/octet-stream"
HEAD_BYTES = 4096
# (place, bytes, type); from the formats' own definitions, as the WHATWG's MIME Sniffing Standard lists most of them
SIGNATURES: list[tuple[int, bytes, str]] = [
    (0, b"%PDF-", "application/pdf"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (8, b"WAVE", "audio/wav"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"OggS", "audio/ogg"),
    (0, b"#!AMR", "audio/amr"),
    (0, b"\x1a\x45\xdf\xa3", "video/webm"),
    (0, b"PK\x03\x04", "application/zip"),
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"{\\rtf", "application/rtf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"MZ", "application/vnd.microsoft.portable-executable"),
    (0, b"\x7fELF", "application/x-executable"),
    (0, b"age-encryption.org/v1", "application/age"),
]
OFFICE = {
    "word/": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xl/": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ppt/": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}
MARKUP = re.compile(
    rb"^\s*(?:<!--.*?-->\s*)?<(?:!doctype html|html|head|body|script|iframe|table|a |div|p>|h1)", re.I | re.S
)
EXTENSIONS = {
    "application/pdf": (".pdf",), "image/png": (".png",), "image/jpeg": (".jpg", ".jpeg"), "image/gif": (".gif",),
    "text/html": (".html", ".htm"), "image/svg+xml": (".svg",),
    "application/vnd.microsoft.portable-executable": (".exe", ".dll", ".scr"),
}  # fmt: skip


def type_of(data: bytes) -> str:
    """Return the media type of a file by its content; application/octet-stream when nothing is known of it."""
    head = data[:HEAD_BYTES]
    for place, signature, found in SIGNATURES:
        if head.startswith(signature, place) and (found not in ("image/webp", "audio/wav") or head.startswith(b"RIFF")):
            return _office(data) if found == "application/zip" else found
    if MARKUP.match(head.removeprefix(b"\xef\xbb\xbf")):
        return "text/html"
    if b"<svg" in head.lower():
        return "image/svg+xml"
    return "text/plain" if _is_text(head) else UNKNOWN


def says_another(name: str, content_type: str) -> bool:
    """Return whether a file's name ends as another kind of file does: invoice.pdf that is a program."""
    name = name.lower()
    ends = [kind for kind, endings in EXTENSIONS.items() if name.endswith(endings)]
    return bool(ends) and content_type not in ends


def _office(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return "application/zip"
    return next((found for start, found in OFFICE.items() if any(name.startswith(start) for name in names)), "application/zip")  # fmt: skip


def _is_text(head: bytes) -> bool:
    if any(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head):
        return False
    for cut in range(4):  # a letter may be cut off at the end of the head
        try:
            head[: len(head) - cut].decode("utf-8")
            return bool(head)
        except UnicodeDecodeError:
            continue
    return False
