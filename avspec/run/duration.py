"""Spans of time as people read them."""


def duration(seconds: float) -> str:
    """Return `0.4 s`, `12 s`, `3 min 04 s` or `2 h 05 min`.

    >>> duration(184)
    '3 min 04 s'
    """
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = round(whole / 60)
    return f"{minutes // 60} h {minutes % 60:02d} min"


def clock(seconds: float) -> str:
    """Return `0:07`, `12:31` or `1:02:03`.

    >>> clock(751)
    '12:31'
    """
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def roughly(seconds: float) -> str:
    """Return a span to be waited for, no more exact than it can be: `10 s`, `50 s`, `4 min`, `1 h 20 min`.

    >>> roughly(233)
    '4 min'
    """
    if seconds < 55:
        return f"{max(5, round(seconds / 5) * 5)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{max(1, minutes)} min"
    minutes = round(minutes / 10) * 10
    return f"{minutes // 60} h {minutes % 60:02d} min"
