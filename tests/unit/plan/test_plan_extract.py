"""An extractor that elects across the domains reads what every domain's training made."""

from avspec.plan import graph


def test_ties_reads_the_other_trainings(bench):
    before = graph.keys(bench.stages())
    bench.edit("training:", "extraction: {plugin: ties, keep: 0.3}\ntraining:")
    assert bench.stage("extract[medical]").inputs == ("base", "train[medical]", "train[legal]")
    assert bench.stage("extract[legal]").inputs == ("base", "train[legal]", "train[medical]")
    after = graph.keys(bench.stages())
    assert {address for address in after if after[address] == before[address]} >= {"train[medical]", "train[legal]"}


def test_the_others_read_their_own_alone(bench):
    bench.edit("training:", "extraction: {plugin: trim}\ntraining:")
    assert bench.stage("extract[medical]").inputs == ("base", "train[medical]")
    assert bench.stage("extract[medical]").params.options == {"keep": 0.2}, "defaults are part of the identity"
