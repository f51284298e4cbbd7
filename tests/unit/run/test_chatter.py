"""Output of libraries: in the log, whatever stream they hold on to."""

import logging
import os
import subprocess
import sys

from avspec.run.chatter import chatter_to


def test_a_logger_that_keeps_the_stream_can_go_on_afterwards(tmp_path, capsys):
    log = tmp_path / "libraries.log"
    logger = logging.getLogger("some.library")
    logger.propagate = False
    with chatter_to(log):
        logger.addHandler(logging.StreamHandler())
        logger.warning("inside")
    logger.warning("outside")
    assert log.read_text() == "inside\n"
    assert capsys.readouterr().err == "outside\n"


def test_progress_bars_are_off_and_the_users_choice_stays(tmp_path):
    code = """
import sys
from pathlib import Path
from avspec.run.chatter import chatter_to
with chatter_to(Path(sys.argv[1])):
    from tqdm import tqdm
    for _ in tqdm(range(3)):
        pass
import os
print(os.environ["TOKENIZERS_PARALLELISM"])
"""
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "log")],
        env=os.environ | {"TOKENIZERS_PARALLELISM": "true"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (result.stdout, result.stderr) == ("true\n", "")
    assert (tmp_path / "log").read_text() == ""
