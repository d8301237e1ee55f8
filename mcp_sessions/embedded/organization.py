"""A made-up organization: four weeks of a firm's agents at work, the same ones every time.

What a newcomer sees in the demo, and what questions can be asked about; `seed` is the list for
loads and for odd values.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from mcp_sessions.embedded.phrases import canary, chance, due
from mcp_sessions.embedded.record import WAITING, session_id
from mcp_sessions.embedded.seed import bulk, moment, weight_of
from mcp_sessions.embedded.teams import AGENTS, FAULTS, PAUSES, PRICES, Agent, Errand, Work, slots

NOW = datetime(2026, 11, 20, 15, 30, tzinfo=UTC)
"""The moment that the organization is looked at: a Friday afternoon."""

_FIRST_DAY = datetime(2026, 10, 26, tzinfo=UTC)  # a Monday
_DAYS = 26
_SATURDAY = 5
_RECENT = timedelta(hours=30)  # what waits for people has not waited for long
_LATELY = timedelta(hours=3)
_YOUNG = timedelta(minutes=5)
_PREVIEW = 200  # characters of a message that the API shows
_SUBAGENT = {"idle": "completed", "active": "running", "started": "running"}


class Turn(NamedTuple):
    """How a session stands: its status and activity, when it ended or last moved, its words."""

    status: str
    activity: str
    updated: datetime
    reply: str | None


class Job(NamedTuple):
    """What one session is about: its agent, its moment, and what its slots stand for."""

    agent: Agent
    created: datetime
    words: dict[str, str]


def identity(kind: str, name: str) -> str:
    """Return the id of something that has a name here: `identity("agent", "on-call")`."""
    entropy = Random(f"{kind} {name}")  # noqa: S311 - the same id in every run
    founded = 1_767_600_000_000_000 + entropy.randrange(10**13)  # microseconds: early in 2026
    id_ = session_id(founded, entropy.getrandbits(12), entropy.getrandbits(62))
    return id_.replace("session_", f"{kind}_")


def organization_sessions() -> Iterator[dict[str, Any]]:
    """Yield some 600 sessions, the oldest first, alike in every run.

    They weigh what the seed's do, and every field that may hold a secret holds one.
    """
    entropy = Random(20261120)  # noqa: S311 - repeatable on purpose
    sessions = [session for job in _jobs(entropy) for session in _family(entropy, job)]
    sessions.sort(key=lambda session: str(session["id"]))
    for row, session in enumerate(sessions):
        weight = weight_of(row)
        heavy = weight in {"middling", "heavy"}
        more = bulk(entropy, row, session, weight) if heavy else {}
        yield session | more | _careless(entropy, row, session)


def _jobs(entropy: Random) -> Iterator[Job]:
    """Yield what people, schedules and alerts asked for, in each agent's working hours."""
    for day in (_FIRST_DAY + timedelta(days=number) for number in range(_DAYS)):
        for agent in AGENTS:
            usual = agent.a_day if day.weekday() < _SATURDAY else agent.at_weekends
            for _ in range(max(0, usual + entropy.randint(-1, 1)) if usual else 0):
                first, last = (hour * 3600 for hour in agent.hours)
                created = day + timedelta(
                    seconds=entropy.randrange(first, last), microseconds=entropy.randrange(10**6)
                )
                words = slots(entropy)
                if created < NOW:
                    yield Job(agent, created, words)


def _family(entropy: Random, job: Job) -> Iterator[dict[str, Any]]:
    """Yield a session and, where its agent has subagents, mostly theirs."""
    work = entropy.choice(job.agent.works)
    turn = _turn(entropy, job, entropy.randint(*job.agent.minutes), work.reply)
    parent = _session(entropy, job, work, turn)
    yield parent
    if job.agent.errands and chance(entropy, 60):
        for errand in job.agent.errands:
            yield _errand(entropy, job, errand, parent, turn.updated)


def _errand(
    entropy: Random, job: Job, errand: Errand, parent: dict[str, Any], end: datetime
) -> dict[str, Any]:
    """Return the session of a subagent, which begins and ends while its parent is at work."""
    span = (end - job.created) / timedelta(seconds=1)
    created = job.created + timedelta(seconds=span * entropy.uniform(0.02, 0.3))
    minutes = span / 60 * entropy.uniform(0.2, 0.6)
    sent = job._replace(created=created)
    if parent["status"] in _SUBAGENT:
        turn = _turn(entropy, sent, minutes, errand.reply, asks=False)
    else:
        turn = Turn("idle", "completed", created + timedelta(minutes=minutes), errand.reply)
    work = Work(errand.title, errand.task, errand.reply, ("subagent",))
    child = _session(entropy, sent, work, turn)
    failed = turn.activity == "failed"
    return child | {
        "source": "subagent",
        "parent_session_id": parent["id"],
        "subagent_name": errand.name,
        "subagent_status": "failed" if failed else _SUBAGENT[turn.status],
        "subagent_task": child["preview"],
    }


def _turn(entropy: Random, job: Job, minutes: float, reply: str, *, asks: bool = True) -> Turn:
    """Decide how a session stands; one that is not over at the moment of looking is at work."""
    end = job.created + timedelta(minutes=minutes)
    age = NOW - job.created
    if end > NOW or (age < _LATELY and chance(entropy, 30)):
        moved = NOW - age * entropy.uniform(0, 0.2)
        waits_for_its_turn = age < _YOUNG or chance(entropy, 25)
        return Turn("started" if waits_for_its_turn else "active", "running", moved, None)
    if chance(entropy, 4):
        return Turn("idle", "failed", end, f"Could not finish: {entropy.choice(FAULTS)}")
    if asks and chance(entropy, 2):
        return Turn("paused", "paused", end, f"Paused: {entropy.choice(PAUSES)}")
    if asks and chance(entropy, 25 if age < _RECENT else 1):
        return Turn(WAITING, "running", end, f"Waiting for you: {job.agent.asks}")
    return Turn("idle", "completed", end, reply)


def _session(entropy: Random, job: Job, work: Work, turn: Turn) -> dict[str, Any]:
    """Return one session with its words, its owner and what it cost."""
    created_us = round(job.created.timestamp() * 1_000_000)
    id_ = session_id(created_us, 0, entropy.getrandbits(62))
    session: dict[str, Any] = {
        "id": id_,
        "organization_id": identity("org", "firm"),
        "workspace_id": id_.replace("session_", "wsp_"),
        "harness_id": identity("harness", "standard"),
        "agent_id": identity("agent", job.agent.name),
        "model_id": identity("model", job.agent.model),
        "locale": work.locale,
        "source": job.agent.source,
        "status": turn.status,
        "activity": turn.activity,
        "tags": list(work.tags),
        "created_at": moment(created_us),
        "updated_at": _said(turn.updated),
        "preview": work.question.format_map(job.words)[:_PREVIEW],
        "is_pinned": chance(entropy, 3),
        "active_schedule_count": int(job.agent.source == "schedule" and chance(entropy, 10)),
        **_owner(job.words["person"]),
    }
    if not chance(entropy, 5):
        session["title"] = work.title.format_map(job.words)
    return session | _life(entropy, job, turn)


def _life(entropy: Random, job: Job, turn: Turn) -> dict[str, Any]:
    """Return what happened after the question: the reply, the end, tokens and cost.

    One session in twelve was looked at again after its end, which moves its update alone.
    """
    if turn.status == "started":
        return {}
    life: dict[str, Any] = {"started_at": _said(job.created + timedelta(seconds=1))}
    life["usage"] = _usage(entropy, job.agent)
    if turn.reply is not None:
        life["output_preview"] = turn.reply.format_map(job.words)[:_PREVIEW]
    if turn.status == "idle":
        life["finished_at"] = _said(turn.updated)
        again = turn.updated + timedelta(minutes=entropy.randint(30, 600))
        if chance(entropy, 8) and again < NOW:
            life["updated_at"] = _said(again)
    return life


def _usage(entropy: Random, agent: Agent) -> dict[str, Any]:
    """Return token counts and mostly a cost; one session in 50 went round in circles."""
    read = entropy.randint(*agent.input_tokens) * (5 if chance(entropy, 2) else 1)
    written = read // entropy.randint(6, 20)
    again = read * entropy.randint(1, 5)
    usage: dict[str, Any] = {
        "input_tokens": read,
        "output_tokens": written,
        "cache_read_tokens": again,
        "cache_creation_tokens": 0,
    }
    if chance(entropy, 10):
        return usage
    price = PRICES[agent.model]
    dollars = (read * price.input + written * price.output + again * price.cache_read) / 1e6
    return usage | {"estimated_cost_usd": round(dollars, 6)}


def _owner(name: str) -> dict[str, Any]:
    """Return who owns a session."""
    subject = str(UUID(int=0x5EED << 112 | 4 << 76 | 2 << 62 | sum(name.encode())))
    principal = identity("principal", name)
    summary = {"id": principal, "kind": "user", "subject_id": subject}
    return {
        "owner_principal_id": principal,
        "owner": summary,
        "effective_owner": summary,
        "resolved_owner_user_id": subject,
    }


def _careless(entropy: Random, row: int, session: dict[str, Any]) -> dict[str, Any]:
    """Return words with a credential that somebody pasted, for a few rows."""
    if due(row, every=97, at=11):
        key = f"sk-proj-{canary('QUESTION', row, entropy)}"
        return {"preview": f"Use {key} for this. {session['preview']}"[:_PREVIEW]}
    if due(row, every=151, at=140) and "title" in session:
        return {"title": f"{session['title']} (ghp_{canary('TITLE', row, entropy)})"}
    return {}


def _said(when: datetime) -> str:
    return moment(round(when.timestamp() * 1_000_000))
