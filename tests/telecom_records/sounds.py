"""Small sounds of each kind, made here: headers with a little of what follows them."""

import io
import math
import struct
import wave


def wav(seconds: float = 1, *, codec: int = 1, channels: int = 1, rate: int = 8000, level: int = 6000) -> bytes:
    """Return a hum as WAV; ``level`` makes one differ from another. Of other codecs only the header is true."""
    target = io.BytesIO()
    with wave.open(target, "wb") as sound:
        sound.setnchannels(channels)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        one = [int(level * math.sin(2 * math.pi * 440 * place / rate)) for place in range(rate // 10)]
        tenth = b"".join(struct.pack("<h", sample) * channels for sample in one)
        sound.writeframes(tenth * round(seconds * 10))
    data = target.getvalue()
    if codec == 1:
        return data
    bytes_s = 1625 if codec == 0x31 else rate * channels
    sound_bytes = b"\x55" * int(bytes_s * seconds)
    layout = struct.pack("<HHIIHH", codec, channels, rate, bytes_s, 1, 8)
    body = (
        b"WAVEfmt "
        + struct.pack("<I", len(layout))
        + layout
        + b"data"
        + struct.pack("<I", len(sound_bytes))
        + sound_bytes
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def gsm(frames: int = 50) -> bytes:
    return (b"\xd0" + b"\x12" * 32) * frames


def mp3(frames: int = 40, *, tag: bytes = b"") -> bytes:
    """Return silence: frames of version 1, layer 3, 128 kbit/s, 44.1 kHz, joint stereo, 417 bytes each."""
    return tag + (b"\xff\xfb\x90\x64" + b"\x00" * 413) * frames


def id3(size: int) -> bytes:
    return b"ID3\x03\x00\x00" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + b"\x00" * size


def _page(packet: bytes, granule: int, kind: int) -> bytes:
    return b"OggS\x00" + bytes([kind]) + struct.pack("<QIII", granule, 1, 0, 0) + bytes([1, len(packet)]) + packet


def opus(seconds: int = 2) -> bytes:
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, 1, 312, 48000, 0, 0)
    return _page(head, 0, 2) + _page(b"\x00" * 40, seconds * 48000 + 312, 4)


def vorbis(seconds: int = 3) -> bytes:
    head = b"\x01vorbis" + struct.pack("<IBIiiiBB", 0, 2, 44100, 0, 0, 0, 0xB8, 1)
    return _page(head, 0, 2) + _page(b"\x00" * 40, seconds * 44100, 4)


def flac(seconds: int = 4) -> bytes:
    packed = (8000 << 44) | (0 << 41) | (15 << 36) | seconds * 8000
    return b"fLaC\x80\x00\x00\x22" + b"\x00" * 10 + packed.to_bytes(8, "big") + b"\x00" * 40


def au(seconds: int = 1) -> bytes:
    return b".snd" + struct.pack(">5I", 24, 8000 * seconds, 1, 8000, 1) + b"\x7f" * 8000 * seconds


def m4a(seconds: int = 5) -> bytes:
    mvhd = b"mvhd" + struct.pack(">IIIII", 0, 0, 0, 1000, seconds * 1000)
    return b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00M4A isom" + struct.pack(">I", len(mvhd) + 4) + mvhd + b"\x00" * 50


def amr() -> bytes:
    return b"#!AMR\n" + b"\x3c" * 64
