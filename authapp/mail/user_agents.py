"""What a User-Agent header says of a browser, in words. The pages have the same rules in `user-agent.js`."""

from __future__ import annotations

import re

# The first that fits: others name themselves as more than one.
BROWSERS = {
    "Edge": r"Edg(e|A|iOS)?/",
    "Opera": r"OPR/",
    "Samsung Internet": r"SamsungBrowser/",
    "Firefox": r"Firefox/|FxiOS/",
    "Chrome": r"Chrom(e|ium)/|CriOS/",
    "Safari": r"Safari/",
}
SYSTEMS = {
    "Windows": r"Windows",
    "Android": r"Android",
    "iPhone": r"iPhone",
    "iPad": r"iPad",
    "macOS": r"Mac OS X",
    "ChromeOS": r"CrOS",
    "Linux": r"Linux",
}


def short_name(user_agent: str) -> str:
    """The browser and its system, for example `Chrome on Linux`; of another program its name, for example `curl`."""
    browser, system = _name_in(BROWSERS, user_agent), _name_in(SYSTEMS, user_agent)
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or re.split(r"[/ ]", user_agent)[0]


def _name_in(known: dict[str, str], user_agent: str) -> str | None:
    return next((name for name, pattern in known.items() if re.search(pattern, user_agent)), None)
