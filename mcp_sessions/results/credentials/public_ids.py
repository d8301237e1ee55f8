"""Long mixtures of letters and digits that are no secrets: ids, hashes, addresses, links."""

import re
from typing import Final

PREFIXES: Final = frozenset(
    (  # noqa: SIM905 - 130 quoted words would be harder to read
        "acct act agent ai app art asst badge batch bal build by call card cart ch chatcmpl chat ci"
        " cmpl cn commit conv convo cs cus customer dep deployment dim disp doc dp dpl ds dsp env"
        " event evt exec exp export fc feat feedback file fr ft ftjob gen ger harness hook iad id"
        " il ilar img in inv invoice issue item job link log mandate mbur mcp mem memory message"
        " model modelcall modr msg msgbatch mtr node notif obj ord order org organization page part"
        " party pay payment pi pk plan plink pm po price prj prod product project promo prompt py q"
        " query qt quote rcpt re ref req request resp response rs rtn run sched schedule sess"
        " session set seti setup shr si sku snap source space span src srvtoolu step store sub"
        " subscription svc sync task team tenant test thread ticket tok toolu tool topic tr trace"
        " tsk txn txr upload us usage user usr vec vs vset wa wf wh we workflow ws wsp"
    ).split()
)
"""What ids begin with that issuers show in links and logs."""

# What such a thing is called where it is mentioned.
_CALLED = re.compile(
    r"wallet|address|adresse|direccion|endereco|indirizzo|mint|contract|solana|bitcoin|\bbtc\b"
    r"|tron|ipfs|\bcid\b|\btx|transaction|validator|pub(?:lic )?key|fingerprint|peer ?id|ethereum"
    r"|checksum|integrity|digest|etag|build id|nonce",
    re.IGNORECASE,
)
_NAMED_JUST_BEFORE = re.compile(
    r"(?:sha(?:1|224|256|384|512)|md5|ssh-[a-z0-9@.-]{2,40}|ecdsa-[a-z0-9-]{2,40}|age1|ipfs|h1)"
    r"[-:= /]$",
    re.IGNORECASE,
)
_SHAPE = re.compile(
    r"sha(?:1|256|384|512)-.*|Qm[1-9A-HJ-NP-Za-km-z]{44}|0x[0-9a-fA-F]+|AAAA[BCE][A-Za-z0-9+/=]+"
    r"|T[1-9A-HJ-NP-Za-km-z]{33}|[13][1-9A-HJ-NP-Za-km-z]{25,34}|[1-9A-HJ-NP-Za-km-z]{43,44}"
    r"|(?:12D3KooW|16Uiu2HA)\w+|(?:[xyzt]pub|npub|nevent|note)1?\w+"
)
_BASE58 = re.compile(r"[1-9A-HJ-NP-Za-km-z]{25,90}")
_LINK = re.compile(r"://|(?<![a-z0-9-])[a-z0-9-]{1,63}\.[a-z]{2,10}/")
_BEFORE = 60  # characters in which it is said what something is
_AFTER = 40


def link_start(text: str, start: int, end: int) -> int:
    """Return where the path of a link in a word begins, or the word's end if it has none.

    What follows names a document: what a link keeps secret is looked for by its place.
    """
    link = _LINK.search(text, start, end)
    return link.end() if link else end + 1


def is_public(text: str, start: int, end: int) -> bool:
    """Tell whether a mixture is public by its shape, its alphabet, or what is said beside it."""
    token = text[start:end]
    if _SHAPE.fullmatch(token) or _NAMED_JUST_BEFORE.search(text[max(0, start - _BEFORE) : start]):
        return True
    said = f"{text[max(0, start - _BEFORE) : start]} {text[end : end + _AFTER]}"
    return _BASE58.fullmatch(token) is not None and _CALLED.search(said) is not None
