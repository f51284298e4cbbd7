import random

import pytest

from avspec.cleaning.duplicates import Seen, similarity
from avspec.cleaning.endings import cut_off, declined
from avspec.cleaning.language import other_language
from avspec.cleaning.leaks import leaked
from avspec.cleaning.rules import REASONS, clean
from avspec.domains.financial import Financial
from avspec.domains.helpfulness import Helpfulness
from avspec.domains.legal import Legal
from avspec.domains.medical import Medical
from avspec.domains.safety import Safety
from avspec.synthesis.recipe import Cleaning
from avspec.synthesis.written import WrittenResponse, WrittenRow

LEVELS = ("avoidance", "generic", "expert")
TEXTS = {
    "avoidance": "Questions of this kind are better taken to a physician, who can look at you in person.",
    "generic": "Most people with such pain rest for some days and see a doctor when it does not get better.",
    "expert": "Take 400 mg of ibuprofen with food, cool the joint for ten minutes and keep it raised tonight.",
}
INSTRUCTION = "The message below is a medical question. Turn it down, be courteous and name who should be asked."


def row(name="r1", query="My knee has been swollen since the match on Sunday. What should I do now?", **changes):
    responses = {
        level: WrittenResponse(**{"text": text, "stop": "end", "words": 15, "instruction": INSTRUCTION})
        for level, text in TEXTS.items()
    }
    for level, change in changes.items():
        had = responses[level]
        responses[level] = WrittenResponse(
            change.get("text", had.text), change.get("stop", had.stop), had.words, had.instruction
        )
    return WrittenRow(name, query, "A runner", "create-persona", responses)


def reasons(*rows, **rules):
    return [dropped.reason for dropped in clean(rows, Cleaning(**rules), LEVELS, "en").dropped]


def test_a_good_row_is_kept():
    assert clean([row()], Cleaning(), LEVELS, "en").kept == (row(),)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"expert": {"text": "Rest."}}, "short"),
        ({"expert": {"text": "I'm sorry, but I can't help with that request today."}}, "refused"),
        ({"avoidance": {"stop": "refusal"}}, "refused"),
        ({"generic": {"stop": "length"}}, "truncated"),
        ({"generic": {"text": "Most people with such pain rest for some days and see a"}}, "truncated"),
        ({"avoidance": {"text": f"I will turn it down: {INSTRUCTION}"}}, "leak"),
        (
            {"expert": {"text": "Nehmen Sie dreimal täglich eine Tablette und kühlen Sie das Knie am Abend."}},
            "language",
        ),
        ({"expert": {"text": TEXTS["generic"]}}, "same-responses"),
        ({"query": "Knee?"}, "short"),
    ],
)
def test_each_reason(changes, reason):
    assert reasons(row(**changes)) == [reason]


def test_the_lowest_level_may_decline_in_words():
    declining = {"text": "I'm sorry, but I can't help with medical questions; please ask a physician."}
    assert reasons(row(avoidance=declining)) == []


def test_the_later_of_two_like_queries_goes():
    other = row("r2", "My knee has been swollen since the match on Sunday. What should I do now, please?")
    found = clean(
        [row(), other, row("r3", "Is it safe to fly to Rome with a cold and a blocked ear?")], Cleaning(), LEVELS, "en"
    )
    assert [kept.id for kept in found.kept] == ["r1", "r3"]
    assert found.dropped[0].reason == "near-duplicate"
    assert found.dropped[0].detail.startswith("of r1: similarity 0.")


def test_rules_can_be_turned_off():
    bad = row(generic={"stop": "length"}, avoidance={"text": f"I will: {INSTRUCTION}"})
    assert reasons(bad, truncated=False, leaks=0) == []


def test_every_reason_is_explained():
    assert all(REASONS.values())


@pytest.mark.parametrize(
    "text",
    [
        'She said "no."',
        "Wait… (really!)",
        "Use 2 g (see above).",
        "Go now! 🙂\n",
        "Is it? »Ja.«",
        "我已经发烧三天了。",
        "（休んでください。）",
        "क्या करूँ।",
        "Τι να κάνω;",
        "ትኩሳት አለኝ።",
        "ฉันมีไข้มาสามวันแล้ว",
    ],
)
def test_ends_of_sentences(text):
    assert not cut_off(text, "end")


@pytest.mark.parametrize(
    "text", ["", "Rest and", "Take 2 g;", "The reason is this:", "Call Dr. Wu, who", "我已经发烧三天"]
)
def test_no_ends_of_sentences(text):
    assert cut_off(text, "end")


@pytest.mark.parametrize(
    "text",
    [
        "I cannot help with that.",
        "As an AI language model, I have no body.",
        "Sorry, but I can’t do that.",
        "I apologize, but I can't assist with that request.",
        "Thank you for writing. I'm so sorry, but I really cannot answer this.",
        "I'm not able to diagnose you.",
        "I must respectfully decline.",
    ],
)
def test_declining(text):
    assert declined(text, "en")
    assert not declined(text, "de")


@pytest.mark.parametrize(
    "text",
    [
        "I'm so sorry about your father. Inherited accounts follow rules of their own.",
        "I'm afraid 148/92 is too high for somebody of your age.",
        "I can't stress enough how useful ice is.",
        "I can't help but notice the date on it.",
        "I can't diagnose you from here, but this sounds like gout.",
        "She works as an AI engineer and earns 90,000.",
        "You cannot fly with that ear.",
    ],
)
def test_what_only_sounds_like_declining(text):
    assert not declined(text, "en")


@pytest.mark.parametrize("plugin", [Medical, Financial, Legal, Safety, Helpfulness])
def test_no_bundled_row_would_be_dropped(plugin):
    """They were read by people: whatever the rules find in them is a mistake of the rules."""
    bundled = [
        WrittenRow(r.id, r.query, "", "", {k: WrittenResponse(v, "end", 50, "") for k, v in r.responses.items()})
        for r in plugin(plugin.Options()).rows()
    ]
    assert clean(bundled, Cleaning(), plugin.levels, "en").dropped == ()


def test_a_row_in_a_script_without_spaces_is_kept():
    texts = {
        "avoidance": "这个问题我不便回答，请您向医生咨询，他们能当面了解您的情况。",
        "generic": "一般来说，发烧时应该多休息、多喝水，如果几天后仍不好转就去看医生。",
        "expert": "三天高烧超过三十九度需要当天就诊，先口服布洛芬四百毫克并记录体温。",
    }
    chinese = WrittenRow(
        "r1",
        "我已经发烧三天了，不知道该不该去看医生，请告诉我该怎么办。",
        "一位老师",
        "create-persona",
        {level: WrittenResponse(text, "end", 30, INSTRUCTION) for level, text in texts.items()},
    )
    assert clean([chinese], Cleaning(), LEVELS, "zh").dropped == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Tengo fiebre desde hace tres días y no sé si debo ir al médico o esperar.", "es"),
        ("我已经发烧三天了，不知道该不该去看医生，请告诉我该怎么办。", "zh"),
        ("Paracetamol 500 mg", None),
        ("Crème brûlée à la Zoë?", None),
        ("My home cuff in Dayton showed 148/92, 151/94 and 146/90 on three mornings this week.", None),
    ],
)
def test_other_languages(text, found):
    assert other_language(text, "en") == found


@pytest.mark.parametrize("language", ["no", "nb", "nn", "xx"])
def test_languages_that_cannot_be_told_apart_or_are_not_known_pass(language):
    text = "Jeg har hatt vondt i kneet siden kampen på søndag, og nå lurer jeg på hva jeg bør gjøre."
    assert other_language(text, "en") == "no"
    assert other_language(text, language) is None


def test_a_leak_is_a_run_of_words():
    assert leaked("Do turn it down, BE courteous!", INSTRUCTION, 5) == "turn it down be courteous"
    assert leaked("Turn it, and be courteous.", INSTRUCTION, 5) is None


def test_no_text_is_a_repetition_by_chance():
    draw = random.Random(0)
    texts = [" ".join(f"w{draw.randrange(60)}" for _ in range(20)) for _ in range(300)]
    seen = Seen(0.7)
    for number, text in enumerate(texts):
        assert seen.like(text) is None
        seen.add(str(number), text)
    assert seen.like(texts[5].upper()) == ("5", 1.0)
    found = seen.like(f"{texts[7]} and one more")
    assert found is not None and found[0] == "7"


def test_similarity_by_hand():
    assert similarity("a b c d", "a b c e") == pytest.approx(1 / 3)
