"""Damage: bytes and plain data that are nearly right, drawn from a random generator."""

import json
import struct
import zlib

INTEGERS = [0, 1, 2, 7, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**31 - 1, 2**31, 2**32 - 1, 2**63]
VALUES = [
    *INTEGERS,
    *(-1, 2**53, 10**400, 0.5, 1e-300, 1e300, None, True, "", "x" * 3000, [], {}, [[]]),
    "\x1b[2J\u202e\ud800",
]


def damaged(data, rng, header=4096):
    """Bytes with one to sixteen changes; half of them near the beginning, where formats say most.

    Only lengths of whole numbers change often: bytes that are moved break everything at once.
    """
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 4, 16])):
        if not data:
            return b"\0"
        place = rng.randrange(min(len(data), header) if rng.random() < 0.5 else len(data))
        _change(data, place, rng)
    return bytes(data)


def _change(data, place, rng):
    """One change at a place."""
    how = rng.randrange(10)
    if how < 4:
        data[place] ^= 1 << rng.randrange(8)
    elif how < 6:
        data[place] = rng.choice([0, 1, 127, 128, 255])
    elif how < 8:
        size = rng.choice([2, 4, 8])
        value = rng.choice(INTEGERS) % 256**size
        data[place : place + size] = value.to_bytes(size, rng.choice(["little", "big"]))
    elif how == 8:
        length = rng.randrange(1, 64)
        piece = data[place : place + length]
        data[place:place] = piece if rng.random() < 0.5 else rng.randbytes(length)
    elif rng.random() < 0.2:
        del data[place:]
    else:
        del data[place : place + rng.randrange(1, 64)]


def damaged_json(data, rng):
    """JSON text whose content was changed in one to four places, or whose bytes were."""
    if rng.random() < 0.2:
        return damaged(data, rng)
    content = json.loads(data)
    for _ in range(rng.choice([1, 1, 2, 4])):
        content = _changed(content, rng)
    return json.dumps(content).encode()


def _changed(content, rng):
    """Plain data with one change somewhere below it."""
    if not isinstance(content, dict | list) or not content or rng.random() < 0.15:
        return rng.choice(VALUES)
    return (_changed_object if isinstance(content, dict) else _changed_array)(content, rng)


def _changed_object(content, rng):
    """An object with a field more, less or other."""
    how, key = rng.random(), rng.choice(list(content))
    if how < 0.08:
        return {**content, rng.choice(["extra", "\x1b[2J", ""]): rng.choice(VALUES)}
    if how < 0.16:
        return {name: value for name, value in content.items() if name != key}
    return {**content, key: _changed(content[key], rng)}


def _changed_array(content, rng):
    """An array with an item less, other, or again."""
    how, place = rng.random(), rng.randrange(len(content))
    if how < 0.1:
        return content[:place] + content[place + 1 :]
    if how < 0.2:
        return content + [content[place]] * rng.choice([1, 1, 100])
    return [*content[:place], _changed(content[place], rng), *content[place + 1 :]]


def damaged_png(data, rng):
    """A PNG with one chunk damaged and its checksum right again."""
    chunks, place = [], 8
    while place < len(data):
        (size,) = struct.unpack_from(">I", data, place)
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + size]))
        place += 12 + size
    number = rng.randrange(len(chunks))
    kind, body = chunks[number]
    if kind == b"IDAT" and rng.random() < 0.7:
        body = zlib.compress(damaged(zlib.decompress(body), rng))
    else:
        body = damaged(body, rng)
    chunks[number] = (kind, body)
    if rng.random() < 0.2:
        rng.shuffle(chunks)
    parts = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    return data[:8] + b"".join(parts)
