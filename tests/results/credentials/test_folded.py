import pytest
from hypothesis import given
from hypothesis import strategies as st

from mcp_sessions.results.credentials.folded import fold
from mcp_sessions.results.credentials.mask import MASK, masked


@pytest.mark.parametrize(
    ("disguised", "seen"),
    [
        ("ｓｋ－ｐｒｏｊ", "sk-proj"),
        ("𝐬𝐤-𝚙𝓇𝔬𝕛", "sk-proj"),
        ("ⓢⓚ-🅿🆁🅾🅹", "sk-PROJ"),
        ("ѕк-рroј", "sk-proj"),
        ("s\u0301k\u0336-pro\u0308j", "sk-proj"),
        ("%73k%2Dproj", "sk-proj"),
        ("sk\u2011proj\uff1a", "sk-proj:"),
        ("contraseña", "contrasena"),
        ("100% of 50%", "100% of 50%"),
        ("%7G %ff", "%7G %ff"),
    ],
)
def test_what_looks_like_ascii_is_folded_to_it(disguised, seen):
    assert fold(disguised).text == seen


@given(st.text())
def test_every_part_of_a_folded_text_has_its_place_in_the_original(line):
    folded = fold(line)
    assert len(folded.text) == len(folded.lower)
    assert folded.span(0, len(folded.text))[1] == len(line)
    places = [folded.span(index, index + 1) for index in range(len(folded.text))]
    assert all(0 <= start <= end <= len(line) for start, end in places)
    assert places == sorted(places)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("𝗴𝗵𝗽_a1B2c3D4e5F6 … état «naïf» ½ ﬁn", f"{MASK} … état «naïf» ½ ﬁn"),
        ("Ключ ѕк-рroј-a1B2c3D4: нет", f"Ключ {MASK}: нет"),
        ("見積書 ｐａｓｓｗｏｒｄ：ｈｕｎｔｅｒ２２", f"見積書 ｐａｓｓｗｏｒｄ：{MASK}"),
        ("?key%3D%41KIA%49OSFODNN7EXAMPLE&x=1%20000", f"?key%3D{MASK}&x=1%20000"),
    ],
)
def test_what_is_shown_is_the_original_around_the_mask(text, shown):
    assert masked(text) == shown
