"""Optuna without its log lines: the run's own view says what happens."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet() -> Iterator[None]:
    """Let Optuna log only errors inside the block, and leave its verbosity as it was."""
    from optuna import logging
    from optuna.exceptions import ExperimentalWarning

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)  # names of objectives are one
            yield
    finally:
        logging.set_verbosity(before)
