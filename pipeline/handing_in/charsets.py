"""Text whose bytes do not say how they are encoded: what tells Chinese Windows from the others."""

import re

# A character of GB2312, in both of its bytes. What has none is hardly Chinese: GB18030 takes pairs such as the "ël" of
# a Western "Noël" for rare characters, but whoever writes Chinese uses a common one sooner or later.
COMMON = re.compile(rb"[\xb0-\xf7][\xa1-\xfe]")


def is_gb18030(data: bytes) -> bool:
    """Whether `data`, which is no UTF-8, is what Chinese Windows writes."""
    return bool(COMMON.search(data)) and decodes(data, "gb18030")


def decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
