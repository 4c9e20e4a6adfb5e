"""What a sound file is: told by its bytes alone, in one pass and in bounded memory, without decoding it.

Only the beginning, the end and the length are looked at. The libraries that read sounds want a plain file that they can
seek in, and read the titles and pictures of music, which no recording should have; duration and channels stand in a few
bytes of each header. Raw GSM has no header: it is believed of a file that is called so, whose length is whole frames of
33 bytes, each of which begins with the mark 0xD (ETSI EN 300 961; Asterisk writes it).
"""

import dataclasses
import hashlib
import re
import struct
from collections.abc import Callable
from decimal import Decimal
from typing import BinaryIO

PIECE_BYTES = 256 * 1024
HEAD_BYTES = TAIL_BYTES = 64 * 1024
MAX_SECONDS = 7 * 24 * 3600  # no recording is longer; a header that says more is wrong
MAX_CHANNELS = 32
GSM_FRAME_BYTES, GSM_FRAME_S = 33, Decimal("0.02")
GSM_IN_WAV = "audio/vnd.wave;codec=31"  # RFC 2361
ENDINGS = {  # every type that a recording can have, and how its file is called
    "audio/wav": "wav", GSM_IN_WAV: "wav", "audio/gsm": "gsm", "audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/flac": "flac",
    "audio/basic": "au", "audio/mp4": "m4a", "audio/amr": "amr", "audio/amr-wb": "awb",
}  # fmt: skip
PLAYED_BY_BROWSERS = {"audio/wav", "audio/mpeg", "audio/ogg", "audio/flac", "audio/mp4"}


class NoSound(ValueError):
    """The file is no sound that is kept here; ``code`` and the message say why, never what is in it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclasses.dataclass(frozen=True, slots=True)
class Sound:
    """What is known of a sound: its type from ENDINGS, its bytes, and what its header says."""

    content_type: str
    size: int
    sha256: str
    duration_s: Decimal | None = None
    channels: int | None = None


@dataclasses.dataclass(slots=True)
class Ends:
    """The beginning and the end of a file, and how long it is. ``body`` begins behind a tag in front of the sound."""

    head: bytes
    body: bytes
    body_at: int
    tail: bytes
    size: int


Said = tuple[str, Decimal | None, int | None]  # type, seconds, channels


def inspect(file: BinaryIO, *, most_bytes: int, is_called_gsm: bool = False) -> Sound:
    """Read a file once, from where it stands to its end, and say what sound it is. Raises NoSound."""
    digest, ends = hashlib.sha256(), Ends(b"", b"", 0, b"", 0)
    while piece := file.read(PIECE_BYTES):
        if ends.size + len(piece) > most_bytes:
            raise NoSound("too_large", f"The file is larger than {most_bytes // 1024**2} MB.")
        digest.update(piece)
        if len(ends.head) < HEAD_BYTES:
            ends.head += piece[: HEAD_BYTES - len(ends.head)]
            ends.body_at = _behind_id3(ends.head)
        begin, until = ends.body_at - ends.size, ends.body_at + HEAD_BYTES - ends.size
        ends.body += piece[max(0, begin + len(ends.body)) : max(0, until)]
        ends.tail = (ends.tail + piece)[-TAIL_BYTES:]
        ends.size += len(piece)
    if not ends.size:
        raise NoSound("empty", "The file is empty.")
    content_type, seconds, channels = _told(ends, is_called_gsm)
    return Sound(content_type, ends.size, digest.hexdigest(), _plausible(seconds), _count(channels))


def title_of(content_type: str) -> str:
    """Return what people call a type: WAV, MP3."""
    return "GSM in WAV" if content_type == GSM_IN_WAV else ENDINGS.get(content_type, "").upper()


def is_played(content_type: str) -> bool:
    """Return whether browsers play this type; the others are only handed over as a file."""
    return content_type in PLAYED_BY_BROWSERS


def _told(ends: Ends, is_called_gsm: bool) -> Said:
    try:
        for is_one, read in READERS:
            if is_one(ends):
                return read(ends)
    except (struct.error, IndexError, ZeroDivisionError) as error:
        raise NoSound("damaged", "The header of the sound is damaged or cut off.") from error
    if is_called_gsm and _is_gsm(ends):
        return "audio/gsm", ends.size // GSM_FRAME_BYTES * GSM_FRAME_S, 1
    for pattern, code, what in OTHERS:
        if pattern.match(ends.head):
            raise NoSound(code, f"The file is {what}, not a sound.")
    if _is_text(ends.head):
        raise NoSound("text", "The file is a text, not a sound.")
    raise NoSound("unknown", "The file is no sound of a kind that is kept here.")


OTHERS = [
    (re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|body|script|svg|\?xml)", re.IGNORECASE), "html", "a web page"),
    (re.compile(rb"PK(?:\x03\x04|\x05\x06)"), "zip", "an archive"),
    (re.compile(rb"\x1f\x8b|7z\xbc\xaf|Rar!|BZh|\xfd7zXZ"), "zip", "an archive"),
    (re.compile(rb"MZ|\x7fELF|#!/|\xca\xfe\xba\xbe|\xcf\xfa\xed\xfe"), "program", "a program"),
    (re.compile(rb"%PDF-|\x89PNG|\xff\xd8\xff|GIF8"), "picture", "a document or a picture"),
]  # fmt: skip


def _is_text(head: bytes) -> bool:
    return not re.search(rb"[\x00-\x08\x0e-\x1f\x7f]", head)


def _is_gsm(ends: Ends) -> bool:
    marks = ends.head[::GSM_FRAME_BYTES]
    return ends.size % GSM_FRAME_BYTES == 0 and all(mark >> 4 == 0xD for mark in marks)


WAV_CODECS = {
    1: "audio/wav",
    3: "audio/wav",
    6: "audio/wav",
    7: "audio/wav",
    0x31: GSM_IN_WAV,
}  # PCM, float, A-law, µ-law
EXTENSIBLE = 0xFFFE


def _wav(ends: Ends) -> Said:
    head, at, layout = ends.head, 12, None
    while at + 8 <= len(head):
        name, length = head[at : at + 4], struct.unpack_from("<I", head, at + 4)[0]
        if name == b"fmt ":
            codec, channels, _rate, bytes_s = struct.unpack_from("<HHII", head, at + 8)
            if codec == EXTENSIBLE:
                codec = struct.unpack_from("<H", head, at + 32)[0]
            layout = codec, channels, bytes_s
        elif name == b"data":
            if layout is None:
                break
            there = ends.size - at - 8
            sound = min(length, there) if length else there  # a recorder that died left no length, or the largest
            return _wav_of(*layout, sound)
        at += 8 + length + length % 2
    if layout is None:
        raise NoSound("damaged", "The header of the sound is damaged or cut off.")
    return _wav_of(*layout, None)


def _wav_of(codec: int, channels: int, bytes_s: int, sound: int | None) -> Said:
    if codec not in WAV_CODECS:
        raise NoSound("codec", "The sound is written in a way that is not read here.")
    if sound == 0:
        raise NoSound("empty", "The file has a header and no sound.")
    return WAV_CODECS[codec], Decimal(sound) / bytes_s if sound and bytes_s else None, channels


OPUS_RATE = 48_000  # RFC 7845: whatever the sound was recorded at
NO_GRANULE = 2**64 - 1


def _ogg(ends: Ends) -> Said:
    packet = ends.head[27 + ends.head[26] :]
    if packet.startswith(b"\x01vorbis"):
        channels, rate, skipped = packet[11], struct.unpack_from("<I", packet, 12)[0], 0
    elif packet.startswith(b"OpusHead"):
        channels, rate, skipped = packet[9], OPUS_RATE, struct.unpack_from("<H", packet, 10)[0]
    elif packet.startswith(b"\x7fFLAC"):
        channels, rate, skipped = *_streaminfo(packet[17:])[:2], 0
    else:
        raise NoSound("codec", "The sound is written in a way that is not read here.")
    place = len(ends.tail)
    while (place := ends.tail.rfind(b"OggS", 0, place)) >= 0:
        if place + 14 <= len(ends.tail):
            samples = struct.unpack_from("<Q", ends.tail, place + 6)[0]
            if samples != NO_GRANULE:
                return "audio/ogg", Decimal(max(0, samples - skipped)) / rate, channels
    return "audio/ogg", None, channels


def _streaminfo(block: bytes) -> tuple[int, int, int]:
    """Return channels, rate and samples of a FLAC header that begins behind its “fLaC” and the four bytes of its block."""
    packed = int.from_bytes(block[10:18], "big")
    if len(block) < 18 or not packed >> 44:
        raise IndexError("cut off")
    return (packed >> 41 & 7) + 1, packed >> 44, packed & (1 << 36) - 1


def _flac(ends: Ends) -> Said:
    channels, rate, samples = _streaminfo(ends.head[8:])
    return "audio/flac", Decimal(samples) / rate if samples else None, channels


AU_SAMPLE_BYTES = {1: 1, 2: 1, 3: 2, 4: 3, 5: 4, 6: 4, 7: 8, 27: 1}  # µ-law, PCM of 8 to 32 bits, floats, A-law


def _au(ends: Ends) -> Said:
    begins, length, encoding, rate, channels = struct.unpack_from(">5I", ends.head, 4)
    if encoding not in AU_SAMPLE_BYTES:
        raise NoSound("codec", "The sound is written in a way that is not read here.")
    sound = min(length, ends.size - begins)
    if sound <= 0:
        raise NoSound("empty", "The file has a header and no sound.")
    return "audio/basic", Decimal(sound) / (AU_SAMPLE_BYTES[encoding] * channels * rate), channels


# ISO/IEC 11172-3 and 13818-3: kbit/s by (is it version 1, layer), the index being four bits of the frame's header
BIT_RATES = {
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
SAMPLE_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}  # by version bits


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """The header of one frame of MPEG audio."""

    kind: tuple[int, int]  # version and layer, which stay the same in a file
    bit_rate: int
    rate: int
    channels: int
    samples: int
    size: int


def _frame(data: bytes, at: int) -> Frame | None:
    if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] & 0xE0 != 0xE0:
        return None
    version, layer = data[at + 1] >> 3 & 3, 4 - (data[at + 1] >> 1 & 3)
    is_first, bits, rates = version == 3, data[at + 2] >> 4, data[at + 2] >> 2 & 3
    if version == 1 or layer not in (2, 3) or bits in (0, 15) or rates == 3:
        return None
    bit_rate, rate = BIT_RATES[is_first, layer][bits] * 1000, SAMPLE_RATES[version][rates]
    samples = 1152 if is_first or layer == 2 else 576
    size = samples // 8 * bit_rate // rate + (data[at + 2] >> 1 & 1)
    return Frame((version, layer), bit_rate, rate, 1 if data[at + 3] >> 6 == 3 else 2, samples, size)


def _is_mpeg(ends: Ends) -> bool:
    """Return whether a frame begins here and another of its kind where it ends: two bytes alone are chance."""
    first = _frame(ends.body, 0)
    if first is None:
        return False
    second = _frame(ends.body, first.size)
    return first.size == ends.size - ends.body_at or (second is not None and second.kind == first.kind)


def _mpeg(ends: Ends) -> Said:
    first = _frame(ends.body, 0)
    assert first is not None
    begins = ends.body[: first.size]
    for mark in (b"Xing", b"Info"):  # in a frame of silence: how many there are, where the bit rate changes
        place = begins.find(mark)
        if place >= 0 and begins[place + 7] & 1:
            frames = struct.unpack_from(">I", begins, place + 8)[0]
            return "audio/mpeg", Decimal(frames * first.samples) / first.rate, first.channels
    sound = ends.size - ends.body_at - (128 if ends.tail[-128:].startswith(b"TAG") else 0)
    return "audio/mpeg", Decimal(sound * 8) / first.bit_rate, first.channels


def _behind_id3(head: bytes) -> int:
    """Return where the sound begins behind an ID3 tag, or 0 without one."""
    if not re.match(rb"ID3[\x02-\x04][^\xff].[\x00-\x7f]{4}", head, re.DOTALL):
        return 0
    length = 0
    for byte in head[6:10]:
        length = length << 7 | byte
    return 10 + length + (10 if head[5] & 0x10 else 0)


def _is_mp4(ends: Ends) -> bool:
    if ends.head[4:8] != b"ftyp":
        return False
    boxes = ends.head + ends.tail
    return ends.head[8:11] == b"M4A" or (b"soun" in boxes and b"vide" not in boxes)


def _mp4(ends: Ends) -> Said:
    for part in (ends.head, ends.tail):
        place = part.find(b"mvhd")
        if place >= 0:
            scale, length = struct.unpack_from(
                ">IQ" if part[place + 4] else ">II", part, place + (24 if part[place + 4] else 16)
            )
            return "audio/mp4", Decimal(length) / scale, None
    return "audio/mp4", None, None


READERS: list[tuple[Callable[[Ends], bool], Callable[[Ends], Said]]] = [
    (lambda ends: ends.head[:4] == b"RIFF" and ends.head[8:12] == b"WAVE", _wav),
    (lambda ends: ends.head[:5] == b"OggS\x00", _ogg),
    (lambda ends: ends.head[:4] == b"fLaC", _flac),
    (lambda ends: ends.head[:4] == b".snd", _au),
    (lambda ends: ends.head[:6] == b"#!AMR\n", lambda ends: ("audio/amr", None, 1)),
    (lambda ends: ends.head[:9] == b"#!AMR-WB\n", lambda ends: ("audio/amr-wb", None, 1)),
    (_is_mp4, _mp4),
    (_is_mpeg, _mpeg),
]


def _plausible(seconds: Decimal | None) -> Decimal | None:
    return round(seconds, 3) if seconds is not None and 0 <= seconds <= MAX_SECONDS else None


def _count(channels: int | None) -> int | None:
    return channels if channels and channels <= MAX_CHANNELS else None
