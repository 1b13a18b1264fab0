"""The corpus of learners' sentences is whole and well-formed, and its sentences are compared as they should be."""

from collections import Counter

import pytest

from benchmarks.teaching.corpus import (
    FOLDER,
    HALVES,
    KINDS,
    LEVELS,
    CorpusError,
    Half,
    Mistake,
    count_differences,
    forms,
    is_same,
    read_half,
)

AT_LEAST = {
    "fitting": {"mistakes": 500, "tricky": 250, "plain": 150, "hard": 50},
    "judging": {"mistakes": 250, "tricky": 150, "plain": 150, "hard": 50},
}
AT_LEAST_OF_A_KIND = {"fitting": 10, "judging": 7}
WORDS = range(1, 26)  # of a sentence
NAMES = [name for name in HALVES if (FOLDER / name).is_dir()]
FILES = {
    "mistakes.txt": "# columns\nA1\tplural\tTwo dog.\tTwo dogs.\n",
    "right_tricky.txt": "Ten minutes is enough.\n",
    "right_plain.txt": "I am here.\n",
    "hard.txt": "right\tA big tree.\nwrong\tA apple.\tAn apple. | The apple.\n",
}


def make_half(folder, **changes):
    (folder / "fitting").mkdir()
    for name, text in FILES.items():
        (folder / "fitting" / name).write_text(changes.get(name.removesuffix(".txt"), text), encoding="utf-8")


def all_mistakes(half: Half) -> tuple[Mistake, ...]:
    return half.mistakes + half.hard_mistakes


def all_texts(half: Half) -> list[str]:
    return [each.text for each in all_mistakes(half)] + [text for texts in half.right.values() for text in texts]


def key(text: str) -> tuple[str, ...]:
    """The same for texts that differ in nothing that counts."""
    return min(forms(text))


def test_the_half_for_fitting_is_there():
    assert "fitting" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_half_has_as_many_sentences_as_promised(name):
    half = read_half(name)
    counts = {"mistakes": len(half.mistakes), **{part: len(texts) for part, texts in half.right.items()}}
    counts["hard"] += len(half.hard_mistakes)
    assert {part: count for part, count in counts.items() if count < AT_LEAST[name].get(part, 0)} == {}


@pytest.mark.parametrize("name", NAMES)
def test_a_half_has_enough_of_each_kind_of_mistake_and_all_levels(name):
    mistakes = read_half(name).mistakes
    kinds = Counter(mistake.kind for mistake in mistakes)
    assert {kind: kinds[kind] for kind in KINDS if kinds[kind] < AT_LEAST_OF_A_KIND[name]} == {}
    assert {mistake.level for mistake in mistakes} == set(LEVELS)


@pytest.mark.parametrize("name", NAMES)
def test_a_mistake_differs_from_its_corrections_and_they_from_each_other(name):
    for mistake in all_mistakes(read_half(name)):
        assert not any(is_same(mistake.text, correction) for correction in mistake.corrections), mistake
        assert len({*mistake.corrections}) == len(mistake.corrections), mistake


@pytest.mark.parametrize("name", NAMES)
def test_sentences_are_whole_and_have_no_stray_spaces(name):
    half = read_half(name)
    corrections = [each for mistake in all_mistakes(half) for each in mistake.corrections]
    for text in (*all_texts(half), *corrections):
        assert text == " ".join(text.split()), text
        assert len(text.split()) in WORDS, text
        assert "|" not in text, text


@pytest.mark.parametrize("name", NAMES)
def test_no_wrong_sentence_is_also_called_right(name):
    half = read_half(name)
    corrections = [each for mistake in all_mistakes(half) for each in mistake.corrections]
    right = {key(text) for texts in half.right.values() for text in texts} | {*map(key, corrections)}
    assert [mistake.text for mistake in all_mistakes(half) if key(mistake.text) in right] == []


def test_no_sentence_comes_twice_in_a_half_or_in_both():
    counts = Counter(key(text) for name in NAMES for text in all_texts(read_half(name)))
    assert [" ".join(words) for words, count in counts.items() if count > 1] == []


def test_a_half_is_read(tmp_path):
    make_half(tmp_path)
    assert read_half("fitting", tmp_path) == Half(
        (Mistake("Two dog.", ("Two dogs.",), "plural", "A1"),),
        (Mistake("A apple.", ("An apple.", "The apple.")),),
        {"tricky": ("Ten minutes is enough.",), "plain": ("I am here.",), "hard": ("A big tree.",)},
    )


def test_files_that_add_to_others_are_read_too(tmp_path):
    make_half(tmp_path)
    (tmp_path / "fitting" / "mistakes_more.txt").write_text("A2\tbe_missing\tI here.\tI am here.\n")
    (tmp_path / "fitting" / "right_more.txt").write_text("We sang.\n")
    half = read_half("fitting", tmp_path)
    assert [mistake.text for mistake in half.mistakes] == ["Two dog.", "I here."]
    assert half.right["more"] == ("We sang.",)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("mistakes", "A1\tplural\tTwo dog."),
        ("mistakes", "A1\tplural\tTwo dog.\t"),
        ("mistakes", "A1 plural Two dog. Two dogs."),
        ("mistakes", "A7\tplural\tTwo dog.\tTwo dogs."),
        ("mistakes", "A1\tplurals\tTwo dog.\tTwo dogs."),
        ("mistakes", ""),
        ("right_tricky", "I am here.\tYou are there."),
        ("right_plain", " "),
        ("hard", "A big tree."),
        ("hard", "right\tA apple.\tAn apple."),
        ("hard", "wrong\tA apple."),
        ("hard", "wrong\tA apple.\t"),
    ],
)
def test_a_malformed_line_is_refused_with_its_place(tmp_path, name, line):
    make_half(tmp_path, **{name: f"# columns\n{line}\n"})
    with pytest.raises(CorpusError, match=rf"{name}\.txt:2: "):
        read_half("fitting", tmp_path)


def test_a_missing_file_is_named(tmp_path):
    make_half(tmp_path)
    (tmp_path / "fitting" / "hard.txt").unlink()
    with pytest.raises(CorpusError, match=r"hard\.txt is missing"):
        read_half("fitting", tmp_path)


@pytest.mark.parametrize(
    ("limit", "places"), [(1, [0]), (2, [0, 3]), (3, [0, 2, 4]), (7, [*range(7)]), (9, [*range(7)])]
)
def test_a_sample_is_spread_over_the_list(limit, places):
    texts = tuple("abcdefg")
    sample = Half(tuple(Mistake(text, ("x",)) for text in texts), (), {"plain": texts}).sample(limit)
    assert [texts.index(mistake.text) for mistake in sample.mistakes] == places
    assert sample.right == {"plain": tuple(texts[place] for place in places)}


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("I don't know", "I do not know."),
        ("i’m late!", "I am late."),
        ("He's late.", "He is late."),
        ("He's gone.", "He has gone."),
        ("It's never rained.", "It has never rained."),
        ("I'd go.", "I would go."),
        ("I'd gone.", "I had gone."),
        ("She can't, she won't.", "She cannot; she will not."),
        ("Let's go!", "let us go"),
        ("An eleven-year-old girl.", "an eleven year old girl"),
        ("“Frozen” is good, isn't it?", '"Frozen" is good, is not it?'),
        ("The dogs' names", "the dogs names"),
    ],
)
def test_case_punctuation_and_contractions_do_not_count(text, other):
    assert is_same(text, other)
    assert is_same(other, text)
    assert count_differences(text, other) == 0


@pytest.mark.parametrize(
    ("text", "other", "differences"),
    [
        ("He go.", "He goes.", 1),
        ("I hungry.", "I'm hungry.", 1),
        ("I am go.", "I go.", 1),
        ("My sisters car", "My sister's car", 1),
        ("She's late.", "She was late.", 1),
        ("She's ten years old.", "She has ten years old.", 1),
        ("There's a lake here.", "There has a lake here.", 1),
        ("Where you are?", "Where are you?", 2),
        ("", "I am", 2),
    ],
)
def test_other_differences_count(text, other, differences):
    assert not is_same(text, other)
    assert count_differences(text, other) == count_differences(other, text) == differences
