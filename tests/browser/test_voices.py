"""What the pages call the voices, in both languages."""

import pytest
from playwright.sync_api import expect

from pipeline.model_files.catalogue import catalogue
from tests.browser.conftest import visits

HIBARI = {
    "en-US": ["the teacher's own", "a woman (heart)", "a man (heart-low)"],
    "zh-CN": ["老师自己的嗓音", "女声（heart）", "男声（heart-low）"],
}
OTHERS = {
    "en-US": {
        "en_speaker_6": "English, speaker 6",
        "fr_speaker_0": "French, speaker 0",
        "zf_xiaobei": "a Chinese woman (xiaobei)",
        "zm_yunxi": "a Chinese man (yunxi)",
        "my-own": "my-own",
    },
    "zh-CN": {
        "en_speaker_6": "英语，6 号",
        "fr_speaker_0": "法语，0 号",
        "zf_xiaobei": "中文女声（xiaobei）",
        "zm_yunxi": "中文男声（yunxi）",
        "my-own": "my-own",
    },
}
NAME = """async (name) => { const { voiceName } = await import("/static/shared/options.js"); return voiceName(name) }"""


@pytest.fixture
def open_page(browser, cluster):
    """Opens pages of a server with the default models."""
    cluster.add_api("api1")
    cluster.start("api1")
    with visits(browser, cluster.url("api1")) as open_page:
        yield open_page


@pytest.mark.parametrize("locale", HIBARI)
@pytest.mark.parametrize(
    ("path", "place"), [("/", "#voice"), ("/batch", "#voice"), ("/homework", "#form [name=voice]")]
)
def test_wherever_a_voice_is_chosen_it_has_a_name_that_says_who_speaks(open_page, path, place, locale):
    page = open_page(path, locale=locale)
    if path == "/homework":
        page.click("#new")
    expect(page.locator(f"{place} option")).to_have_text(HIBARI[locale])
    values = [option.get_attribute("value") for option in page.locator(f"{place} option").all()]
    assert values == list(catalogue()["hibari-heart"].voices)


@pytest.mark.parametrize("locale", OTHERS)
def test_other_voices_are_called_by_language_and_sex_and_one_of_the_users_own_by_its_name(open_page, locale):
    page = open_page("/batch", locale=locale)
    assert {name: page.evaluate(NAME, name) for name in OTHERS[locale]} == OTHERS[locale]
    assert all(page.evaluate(NAME, name) != name for name in catalogue()["bark-voices"].voices)
