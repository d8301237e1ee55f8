"""Every fault of the README's table, met by a real server."""

import ssl
from concurrent.futures import ThreadPoolExecutor

import pytest
import trustme

from support.docs import write_table
from support.fault_catalogue import FAULTS, KEY, Page, answers
from support.fault_runs import GUARD, Certificates, batches, meet, meets, rest_after, table
from support.raw_upstream import upstream

MOST_MIB = 64
AT_ONCE = 3  # servers
RECORDED_AT_ONCE = 2  # of figures that are published each has a core


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    known, unknown = trustme.CA(), trustme.CA()
    file = tmp_path_factory.mktemp("authority") / "authority.pem"
    known.cert_pem.write_to_path(str(file))
    return Certificates(_context(known), _context(unknown), str(file))


def _context(authority):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture(scope="module")
def elsewhere():
    with upstream() as other:
        yield other


@pytest.fixture(scope="module")
def runs(request, elsewhere, certificates, refreshes):
    """Meet the faults that are to be tested, a few servers at once."""
    asked = {
        item.callspec.params.get("fault")
        for item in request.session.items
        if hasattr(item, "callspec")
    }
    with ThreadPoolExecutor(RECORDED_AT_ONCE if refreshes else AT_ONCE) as pool:
        met = {}
        for batch in batches([fault for fault in FAULTS if fault in asked]):
            running = pool.submit(meet, batch, elsewhere.url, certificates)
            met |= {fault.title: (running, place) for place, fault in enumerate(batch)}
        yield met
        pool.shutdown(cancel_futures=True)
    if refreshes and len(met) == len(FAULTS):
        write_table("fault", table({title: result_of(*run) for title, run in met.items()}))


def result_of(running, place):
    return running.result()[place]


@pytest.fixture
def run(runs, fault):
    return result_of(*runs[fault.title])


LEADING_ON = [fault for fault in FAULTS if isinstance(fault.answer, Page) and fault.answer.goes_on]
every_fault = pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.title)


@every_fault
def test_a_fault_is_answered_as_the_table_says(fault, run):
    assert meets(run, fault.answer), run.text


@pytest.mark.parametrize("fault", LEADING_ON, ids=lambda fault: fault.title)
def test_a_page_under_a_fault_is_followed_by_the_rest_of_the_list(run):
    assert run.rest == rest_after(run.ids)


@every_fault
def test_a_fault_is_answered_in_time(fault, run):
    assert run.seconds <= fault.deadline + GUARD


@every_fault
def test_a_fault_costs_so_many_requests_and_no_more(fault, run):
    assert fault.least <= len(run.requests) <= fault.most


@every_fault
def test_a_fault_costs_little_memory(run):
    if run.rise is None:
        pytest.skip("this system does not tell a process's peak")
    assert run.rise <= MOST_MIB


@every_fault
def test_under_a_fault_the_key_goes_to_the_api_and_nowhere_else(run, elsewhere):
    assert KEY not in run.whole + run.stderr
    assert "CANARY" not in run.whole + run.stderr
    assert elsewhere.requests == []


@every_fault
def test_a_server_is_none_the_worse_for_a_fault(run):
    assert run.recovered
    assert "Traceback" not in run.stderr
    assert 'File "' not in run.stderr


def test_each_row_of_the_table_has_one_answer():
    names = [name for name, _ in answers()]
    assert len(names) == len(set(names))
    assert len({fault.title for fault in FAULTS}) == len(FAULTS)
