"""A made-up firm's agents, and the words of their sessions.

A name in braces is a slot: it stands for one thing throughout a session, in title, question,
reply and subagents' tasks alike.
"""

from random import Random
from typing import NamedTuple


class Work(NamedTuple):
    """A kind of session: its title, what was asked, and what the agent says when it is done."""

    title: str
    question: str
    reply: str
    tags: tuple[str, ...]
    locale: str = "en-GB"


class Errand(NamedTuple):
    """What a subagent is sent for."""

    name: str
    title: str
    task: str
    reply: str


class Agent(NamedTuple):
    """One agent: how often, when (UTC) and how long it works, how much it reads, and at what.

    `asks` is what it waits for a person to decide; `at_weekends` is sessions a day then.
    """

    name: str
    a_day: int
    at_weekends: int
    hours: tuple[int, int]
    minutes: tuple[int, int]
    input_tokens: tuple[int, int]
    model: str
    source: str
    asks: str
    works: tuple[Work, ...]
    errands: tuple[Errand, ...] = ()


class Price(NamedTuple):
    """What a model costs, in US dollars for a million tokens."""

    input: float
    output: float
    cache_read: float


PRICES = {
    "small": Price(0.8, 4, 0.08),
    "middle": Price(3, 15, 0.3),
    "large": Price(5, 25, 0.5),
}

# fmt: off
_THINGS = {
    "customer": ("Kestrel Bakery", "Northlight Optics", "Harbour Cycles", "Lindqvist Timber",
                 "Oak & Ember", "Piccolo Toys", "Sandbar Hotels", "Meridian Clinics",
                 "Tallow Street Books", "Viggo Outdoor", "Juniper Farms", "Copperfield Tea"),
    "vendor": ("Brightway Freight", "Calder Packaging", "Ostrava Steel", "Delphi Cleaning",
               "Sonnet Software", "Ridgeline Energy", "Paloma Catering", "Hollis Insurance"),
    "person": ("Amara", "Jonas", "Mei", "Tomás", "Priya", "Olena", "Farid", "Ingrid"),
    "product": ("the handheld scanner", "the route planner", "the mobile app", "the label printer",
                "the customer portal", "the loyalty card"),
    "month": ("August", "September", "October"),
    "service": ("checkout-api", "label-service", "search-index", "auth-gateway", "parcel-tracker",
                "billing-worker"),
    "table": ("orders", "shipments", "customers", "payments", "stock_levels", "returns"),
    "column": ("postcode", "currency", "email", "weight_grams", "delivered_at", "tax_rate"),
    "market": ("same-day delivery in Iberia", "cold-chain parcels", "locker networks",
               "reusable packaging", "cargo bikes in cities", "cross-border returns"),
    "rival": ("Swiftline", "Parcelo", "Bluecrate", "Hermod"),
    "feature": ("bulk labels", "split shipments", "saved addresses", "delivery windows",
                "dark mode", "proof by photograph"),
    "tool": ("ledger", "ticket system", "warehouse", "metrics store", "document archive"),
}

FAULTS = (
    "the {tool} answered 503 for twenty minutes, and no more tries were left.",
    "the access to the {tool} expired yesterday; somebody has to sign in again.",
    "the file from {vendor} is a scan that no text could be read from.",
    "the answer grew longer than the model may write; ask for less at once.",
)
PAUSES = (
    "the budget of $5 for one run is used up; raise it to go on.",
    "{person} asked for a halt until the {tool} has been moved.",
    "quiet hours have begun; work goes on when somebody resumes it.",
)

_SUPPORT = (
    Work("Refund for order {order} of {customer}",
         "{customer} was charged twice for order {order}, {amount} EUR each time. Please check "
         "both payments and refund the second one if it is real.",
         "Both payments of {amount} EUR are real. The second one of order {order} is refunded; "
         "{customer} has been told that it takes three working days.", ("refund", "payments")),
    Work("Late parcel {order} for {customer}",
         "Parcel {order} for {customer} has not moved for {days} days. Where is it, and what do "
         "we tell them?",
         "Parcel {order} lies in the depot of {vendor} since the strike. A new one leaves "
         "tonight, and {customer} has a voucher.", ("delivery",)),
    Work("{customer} cannot sign in to {product}",
         "Since this morning nobody at {customer} can sign in to {product}; it says that the "
         "link has expired, even with a fresh one.",
         "Their mail scanner opened each link first. {customer} now signs in by code, and the "
         "ticket is closed.", ("login",)),
    Work("Angry review of {product} by {customer}",
         "{customer} left a one-star review of {product} and names {person}. Draft an answer "
         "that is friendly and does not promise money.",
         "A draft of 90 words is in the ticket: it thanks {customer}, names the fault in "
         "{product} and offers a call with {person}.", ("reviews", "tone")),
    Work("Doppelte Rechnung für {customer}",
         "{customer} hat die Rechnung {invoice} zweimal erhalten und fragt, welche gilt. "
         "Bitte prüfen und eine Antwort auf Deutsch vorschlagen.",
         "Nur die erste Rechnung {invoice} gilt; die zweite ist storniert. Der Antwortvorschlag "
         "für {customer} liegt im Ticket.", ("refund",), "de-DE"),
    Work("{customer}への配送が遅れている件",
         "{customer}様の荷物{order}が{days}日間動いていません。状況を調べて返信案を作ってください。",
         "荷物{order}は本日再発送しました。{customer}様への返信案をチケットに入れました。",
         ("delivery",), "ja-JP"),
    Work("Повернення коштів за замовлення {order}",
         "{customer} просить повернути {amount} EUR за замовлення {order}. Перевірте, чи товар "
         "уже на складі.",
         "Товар на складі, {amount} EUR за замовлення {order} повернено. Клієнта повідомлено.",
         ("refund",), "uk-UA"),
    Work("پیگیری مرسولهٔ {order}",
         "مشتری {customer} می‌پرسد مرسولهٔ {order} کجاست. لطفاً وضعیت را بررسی کنید.",
         "مرسولهٔ {order} امروز تحویل می‌شود و به {customer} خبر داده شد.", ("delivery",), "fa-IR"),
)
_INVOICES = (
    Work("Audit {month} invoices of {vendor}",
         "Compare every {month} invoice of {vendor} with its purchase order, and list those "
         "that differ by more than two per cent.",
         "{count} invoices of {vendor} compared. Two differ: {invoice} by {amount} EUR for "
         "pallets that were never ordered, and one by rounding.", ("audit", "finance")),
    Work("Overdue invoice {invoice} to {customer}",
         "Invoice {invoice} to {customer} is {days} days overdue. Has it been paid under another "
         "reference?",
         "It was paid under the reference of order {order}. Invoice {invoice} is settled, the "
         "reminder to {customer} stopped.", ("finance", "overdue")),
    Work("VAT check of {vendor}, {month}",
         "Are the VAT numbers and rates on the {month} invoices of {vendor} right? We file on "
         "the tenth.",
         "All numbers are valid. Invoice {invoice} of {vendor} uses the old rate; {amount} EUR "
         "have to be claimed back.", ("audit", "tax")),
)
_RELEASES = (
    Work("Release notes {version} of {product}",
         "Write release notes for {version} of {product} from the merged pull requests since "
         "the last tag. Customers read them: no ticket numbers.",
         "Notes for {version} are in the draft: {feature}, {count} mended faults, and one thing "
         "that customers have to change.", ("release", "docs")),
    Work("What breaks in {version} for {customer}?",
         "{customer} still uses the old API of {product}. Which changes of {version} will they "
         "notice, and by when must they act?",
         "One change: {feature} needs the new token. {customer} has until the end of the year; "
         "a mail to {person} is drafted.", ("release", "migration")),
    Work("Translate notes {version} to five languages",
         "Translate the notes of {version} to German, Spanish, Polish, Korean and Arabic, and "
         "keep the names of buttons as they are in {product}.",
         "Five translations of {version} are in the repository. {person} should read the Polish "
         "one: {feature} has no settled word yet.", ("release", "translation")),
)
_DATA = (
    Work("Nulls in {table}.{column}",
         "The nightly check found {count} nulls in {table}.{column}, none the day before. Find "
         "where they come from.",
         "An import from {vendor} left {column} blank since Tuesday. {count} rows of {table} "
         "are refilled from the source, and the check is green.", ("quality", "nightly")),
    Work("Duplicates in {table} after the import",
         "Since the last import {table} has {count} rows twice. Which of each pair is the right "
         "one, and how do we keep it?",
         "The later row of each pair is right. {count} older ones moved to quarantine; the "
         "import of {table} now refuses repeats.", ("quality",)),
    Work("Drift of {column} in {table}",
         "Is the distribution of {column} in {table} still what it was in {month}? The forecast "
         "looks odd.",
         "{column} moved in one region only, since {customer} opened a second site. Nothing is "
         "broken; the forecast needs new weights.", ("quality", "forecast")),
)
_ON_CALL = (
    Work("High latency in {service}",
         "Alert: p99 of {service} is above 2 s for ten minutes. Find the cause, and say whether "
         "to roll back {version}.",
         "A missing index on {table} since {version}. Rolled back at once; p99 of {service} is "
         "at 180 ms again, and {person} has the ticket.", ("incident", "sev2")),
    Work("{service} down in one zone",
         "Alert: {service} fails its health check in one zone. Customers see errors. What "
         "happened, who is hit?",
         "The zone lost its network for nine minutes. {count} requests to {service} failed, "
         "most of them of {customer}; no data was lost.", ("incident", "sev1")),
    Work("Disk nearly full on {service}",
         "Alert: the disk of {service} is 92 per cent full and grows. Make room without losing "
         "logs of the last week.",
         "Old logs of {service} moved to the archive: 48 per cent now. The rotation was off "
         "since {version}.", ("incident", "sev3")),
)
_RESEARCH = (
    Work("Market brief: {market}",
         "What should we know about {market} before the board meets? Two pages, sources named, "
         "and what {rival} does there.",
         "The brief is done, from {count} sources: {market} grows by a tenth a year, {rival} "
         "has a third of it, and margins are thin.", ("research", "board")),
    Work("What {rival} charges for {feature}",
         "Find out what {rival} charges for {feature}, from public sources only, and put it "
         "beside our own prices.",
         "{rival} sells {feature} from {amount} EUR a month, bundled with support. We are a "
         "fifth cheaper for small firms.", ("research", "pricing")),
    Work("Interviews about {feature}",
         "Read the {count} interviews about {feature} and tell what customers such as "
         "{customer} want that we do not offer.",
         "Three wishes came up again and again; {feature} for teams was first. {customer} would "
         "pay {amount} EUR a month.", ("research", "interviews")),
)
_CONTRACTS = (
    Work("Renewal terms of {vendor}",
         "The contract with {vendor} renews itself on the first. Which clauses changed against "
         "last year's, and what is the last day to leave?",
         "Two clauses changed: the notice is {days} days longer, and prices may rise by four "
         "per cent. {person} should answer {vendor} this week.", ("legal", "renewal")),
    Work("Data agreement with {customer}",
         "{customer} sent its own data processing agreement. Mark what we cannot sign, and why, "
         "for {person}.",
         "Four passages are marked: audits without notice, liability without a cap, and two "
         "about where {table} may be kept.", ("legal", "privacy")),
    Work("Revisión del contrato con {vendor}",
         "¿Qué cláusulas del contrato con {vendor} cambian respecto al año pasado? Resumen en "
         "español para {person}.",
         "Cambian dos cláusulas: el plazo de aviso y el precio. El resumen para {person} está "
         "en el archivo.", ("legal",), "es-ES"),
)

AGENTS = (
    Agent("support triage", 8, 3, (6, 18), (4, 25), (8_000, 60_000), "small", "chat",
          "shall I answer {customer} as drafted?", _SUPPORT),
    Agent("invoice audit", 4, 0, (7, 16), (8, 50), (30_000, 180_000), "middle", "schedule",
          "shall I block {invoice} until {person} has seen it?", _INVOICES),
    Agent("release notes", 2, 0, (9, 17), (10, 60), (40_000, 240_000), "middle", "api",
          "shall the notes of {version} name {feature}?", _RELEASES,
          (Errand("change reader", "Read the merged changes of {version}",
                  "Read every pull request merged for {version} and group them by what a "
                  "customer notices.",
                  "{count} pull requests in four groups; {feature} is the largest."),
           Errand("screenshot checker", "Check screenshots of {product} for {version}",
                  "Compare the screenshots in the manual with {version} of {product}.",
                  "Three screenshots of {product} are out of date."))),
    Agent("data quality", 4, 2, (3, 12), (3, 40), (20_000, 120_000), "small", "schedule",
          "may I change {count} rows of {table}?", _DATA),
    Agent("on-call", 2, 1, (0, 24), (6, 90), (50_000, 300_000), "large", "webhook",
          "may I restart {service} now?", _ON_CALL,
          (Errand("log reader", "Read the logs of {service}",
                  "Read the last hour's logs of {service} and name the first error.",
                  "The first error is a timeout towards {table}, two minutes before the alert."),
           Errand("timeline writer", "Timeline for {service}",
                  "Write down minute by minute what happened to {service}.",
                  "Eleven entries, from the first alert to the all-clear."))),
    Agent("research", 1, 0, (8, 16), (40, 200), (200_000, 900_000), "large", "chat",
          "which half shall I drop to fit {market} on two pages?", _RESEARCH,
          (Errand("source finder", "Sources on {market}",
                  "Find public sources on {market} of the last two years.",
                  "{count} sources found, nine of them worth reading."),
           Errand("fact checker", "Check the figures on {market}",
                  "Check each figure about {market} against its source.",
                  "All figures hold but one, which is marked."))),
    Agent("contracts", 2, 0, (8, 15), (10, 70), (60_000, 260_000), "middle", "chat",
          "does {person} accept a notice of {days} days from {vendor}?", _CONTRACTS),
)
# fmt: on


def slots(entropy: Random) -> dict[str, str]:
    """Return what every slot stands for in one session."""
    chosen = {name: entropy.choice(things) for name, things in _THINGS.items()}
    return chosen | {
        "order": str(entropy.randint(41_000, 49_999)),
        "invoice": f"RE-{entropy.randint(2_000, 9_999)}",
        "amount": f"{entropy.randint(900, 90_000) / 100:.2f}",
        "days": str(entropy.randint(3, 30)),
        "count": str(entropy.randint(12, 480)),
        "version": f"{entropy.randint(3, 5)}.{entropy.randint(0, 12)}.{entropy.randint(0, 4)}",
    }
